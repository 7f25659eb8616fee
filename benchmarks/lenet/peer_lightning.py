"""LeNet in Lightning, images in memory; no progress bar and no logger, which would only slow it down.

python peer_lightning.py TABLE
"""

from __future__ import annotations

import logging
import warnings

import lightning as L
import torch
from common import BATCH, LEARNING_RATE, arguments, decode, read_table, say
from lightning.pytorch.callbacks import ModelCheckpoint
from peer_torch import lenet
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class LeNet(L.LightningModule):  # type: ignore[misc]  # where Lightning is not installed
    """The network of `peer_torch.py`, its losses gathered by Lightning."""

    def __init__(self) -> None:
        super().__init__()
        self.net = lenet()
        self.loss_of = nn.CrossEntropyLoss()

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        pixels, labels = batch
        loss: Tensor = self.loss_of(self.net(pixels), labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], index: int) -> None:
        pixels, labels = batch
        logits = self.net(pixels)
        self.log("val_loss", self.loss_of(logits, labels))
        self.log("accuracy", (logits.argmax(1) == labels).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=LEARNING_RATE)


class Report(L.Callback):  # type: ignore[misc]
    """Tells of each epoch when it is over."""

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        figures = {name: value.item() for name, value in trainer.callback_metrics.items()}
        say("epoch", epoch=trainer.current_epoch + 1, **figures)


def main() -> None:
    options = arguments()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")  # it would like more workers; images in memory need none
    L.seed_everything(options.seed, verbose=False)

    def loader(part: str, size: int, shuffle: bool) -> DataLoader[tuple[Tensor, ...]]:
        pixels, labels = decode(read_table(options.table, part))
        return DataLoader(
            TensorDataset(torch.from_numpy(pixels)[:, None], torch.from_numpy(labels)), size, shuffle=shuffle
        )

    trainer = L.Trainer(
        max_epochs=options.epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=[Report(), ModelCheckpoint(options.out, monitor="val_loss", save_weights_only=True)],
    )
    trainer.fit(LeNet(), loader("train", BATCH, shuffle=True), loader("val", 256, shuffle=False))
    say("trained")


if __name__ == "__main__":
    main()
