"""First a network by its gradients, then a logistic regression on its features by scikit-learn; both are exported."""

from typing import Any

import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from specc.pieces import export
from specc.pieces import runtime as rt
from specc.pieces.answers import ManyClasses
from specc.pieces.metrics import outputs_of
from specc.pieces.pixels import Images
from specc.pieces.slots import BEST, WIDTH_OUT, Config, Network, augment, loss_of, network_optimizer
from specc_probe.pieces.deploy import Output
from specc_probe.pieces.slots import CLASSES, FEATURES, LOGITS


class Readout(nn.Module):
    """Logistic regression as scikit-learn fits it: features (B, F) -> logits (B, classes)."""

    weight: Tensor
    bias: Tensor

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(classes, features))
        self.register_buffer("bias", torch.zeros(classes))

    def fit(self, features: Tensor, labels: Tensor) -> None:
        """Take the coefficients; with two classes those of the first are 0."""
        found = LogisticRegression(max_iter=1000).fit(features.double().cpu().numpy(), labels.cpu().numpy())
        rows = torch.from_numpy(found.classes_) if len(found.coef_) > 1 else torch.from_numpy(found.classes_[1:])
        self.bias.fill_(-1e4 if len(found.classes_) < len(self.bias) else 0)  # a class that never occurs
        self.bias[found.classes_] = 0
        self.bias[rows] = torch.from_numpy(found.intercept_).to(self.bias)
        self.weight.zero_()
        self.weight[rows] = torch.from_numpy(found.coef_).to(self.weight)

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = features @ self.weight.T + self.bias
        return logits


def build(config: Config, images: Images, device: torch.device) -> rt.Work:
    """Two stages: epochs of the network, then one fit."""
    rt.reseed(config.seed)
    net = Network().to(device)
    optimizer, readout = network_optimizer(net), Readout(WIDTH_OUT, len(CLASSES)).to(device)
    train, val, labels = images.parts["train"], images.parts["val"], images.targets["target"]

    def train_step(batch: rt.Batch) -> dict[str, Tensor]:
        net.train()
        logits = net(augment(images.pick(batch.ids), batch.ids, batch.key))[LOGITS]
        loss = (loss_of(logits, labels[batch.ids]) * batch.weights).sum()
        optimizer.zero_grad()
        loss.backward()
        rt.share_gradients(net.parameters())
        optimizer.step()
        return {"loss": loss}

    def evaluate() -> dict[str, float]:
        logits, truth = (
            outputs_of(Output(net, LOGITS), images, "val", device, len(CLASSES)),
            labels[val.start : val.stop],
        )
        accuracy = (logits.argmax(1) == truth).double().mean().item()
        return {"val_loss": loss_of(logits, truth).mean().item(), "accuracy": accuracy}

    def fit() -> None:
        readout.fit(outputs_of(Output(net, FEATURES), images, "train", device, WIDTH_OUT), labels[: len(train)])

    parts = {"network": net, "optimizer": optimizer, "readout": readout}
    stages = (rt.Stage("network", config.epochs, train_step), rt.Stage("readout", fit=fit))
    return rt.Work(parts, stages, evaluate, BEST, len(train))


def export_both(work: rt.Work, images: Images, options: Any) -> bool:
    """Write network and coefficients as one module; whether torch and ONNX agree."""
    both = nn.Sequential(Output(work.parts["network"], FEATURES), work.parts["readout"]).cpu()
    training = images.pixels[: len(images.parts["train"])].cpu()
    deploy = ManyClasses(images.edits, both, training)
    outputs = ("answer", "probabilities", "ood_score", "accepted")
    return export.export_images(deploy, outputs, images, ("label",), options)
