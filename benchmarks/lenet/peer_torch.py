"""LeNet by hand, as a good ordinary PyTorch script does it.

python peer_torch.py TABLE [--workers 0|2 | --in-memory]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from common import BATCH, CLASSES, LEARNING_RATE, arguments, decode, read_table, say
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

Sample = tuple[Tensor, ...]


class Digits(Dataset[Sample]):
    """Reads a PNG file whenever it is asked for."""

    def __init__(self, samples: list[tuple[Path, int]]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        file, label = self.samples[index]
        pixels = torch.from_numpy(np.array(Image.open(file)))
        return pixels[None].float() / 255, torch.tensor(label)


def in_memory(samples: list[tuple[Path, int]]) -> Dataset[Sample]:
    """Reads every PNG file once, before training."""
    pixels, labels = decode(samples)
    return TensorDataset(torch.from_numpy(pixels)[:, None], torch.from_numpy(labels))


def lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Tanh(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, CLASSES),
    )


@torch.no_grad()
def evaluate(net: nn.Module, loader: DataLoader[Sample], loss_of: nn.Module) -> tuple[float, float]:
    """Mean loss and accuracy."""
    net.eval()
    loss, right, seen = 0.0, 0, 0
    for pixels, labels in loader:
        logits = net(pixels)
        loss += loss_of(logits, labels).item() * len(labels)
        right += (logits.argmax(1) == labels).sum().item()
        seen += len(labels)
    return loss / seen, right / seen


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--in-memory", action="store_true")
    options = arguments(parser)
    torch.manual_seed(options.seed)

    def loader(part: str, size: int, shuffle: bool) -> DataLoader[Sample]:
        samples = read_table(options.table, part)
        data = in_memory(samples) if options.in_memory else Digits(samples)
        keep = options.workers > 0
        return DataLoader(data, size, shuffle=shuffle, num_workers=options.workers, persistent_workers=keep)

    train, val = loader("train", BATCH, shuffle=True), loader("val", 256, shuffle=False)
    net, loss_of = lenet(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    best = float("inf")
    for epoch in range(1, options.epochs + 1):
        net.train()
        total = 0.0
        for pixels, labels in train:
            optimizer.zero_grad()
            loss = loss_of(net(pixels), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        val_loss, accuracy = evaluate(net, val, loss_of)
        if val_loss < best:
            best = val_loss
            torch.save(net.state_dict(), options.out / "best.pt")
        say("epoch", epoch=epoch, train_loss=total / len(train), val_loss=val_loss, accuracy=accuracy)
    say("trained")


if __name__ == "__main__":
    main()
