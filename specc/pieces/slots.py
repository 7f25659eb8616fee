"""Names that a piece may use and a program binds: the linker puts the chosen function in the place of each.

A piece imports a slot as C code includes a header: the name and its type are settled here, the definition is chosen
by the spec. Calling an unbound slot is a mistake of whoever runs a piece outside a program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import argparse

    import numpy as np
    import torch
    from torch import Tensor, nn

    from specc.pieces import index, readers
    from specc.pieces import runtime as rt
    from specc.pieces.augment_fields import Boxes
    from specc.pieces.pixels import Images


def unbound(name: str) -> NoReturn:
    """Every slot ends here until a program binds it. Raises LookupError."""
    raise LookupError(f"the slot {name} is bound by a program; bind it before you run this piece by itself")


@dataclass(frozen=True)
class Config:
    """The settings that every program has; a task adds its own, and the program prints all of them with values."""

    seed: int = 42
    epochs: int = 1
    batch_size: int = 32
    patience: int = 1
    min_delta: float = 0.0


Edge = float | tuple[float, ...]  # modality value of black or white: one, or one for each channel
HEIGHT: int = 1
WIDTH: int = 1
SHAPE: tuple[int, int, int] = (1, 1, 1)  # of an edited image: channels, height, width
WORKERS: int | None = None  # threads that read files, where the spec says how many
FRAME: int | None = None  # which frame of a file that has several, from 1
READ_WINDOW: str = "none"  # what the reader does with the window of a DICOM header: auto or none
MODALITIES: tuple[str, ...] = ()  # of DICOM files that are used, where the spec leaves out others
BEST: tuple[str, int] = ("val_loss", -1)  # what chooses the epoch, and whether more (1) or less (-1) of it is better
WIDTH_OUT: int = 1  # outputs of the network
LEAST: float = 0.0  # loss of a network that is always right: with label smoothing it is not 0
CLASSES_OUT: int = 2  # classes that the network tells apart
FILES: tuple[str, ...] = ("image",)  # keys of a row that name the files of a case, in the order of channels
OUTPUTS: tuple[str, ...] = ()  # of the exported module
TRUTH: tuple[str, ...] = ()  # keys of a row that hold what the network is to answer


CLIP: float = 1.0  # longest gradient
STEP_SIZE: int = 32  # images between two updates of the weights, over all ranks
BATCH: int = 32  # images that go through the network together, where a step has more
AVERAGE: float = 0.999  # how much of an average stays in a step
PHASES: tuple[tuple[int, float, tuple[str, ...]], ...] = ()  # epochs, factor of the learning rate, frozen layers
PLATEAU: tuple[float, int, float, float] = (0.1, 10, 0.0, 0.0)  # factor, patience, min_delta, least
ALPHA: float = 0.2  # of mixup


def rows(root: Path) -> list[dict[str, str]]:
    """The table of files: one dict a sample, with `file`, `image` (from `root` on) and the task's columns."""
    unbound("rows")


def chosen(entries: list[index.Entry]) -> list[int]:
    """Places of the files to use."""
    unbound("chosen")


def parts_of(rows: list[dict[str, str]], entries: list[index.Entry]) -> list[str]:
    """`train`, `val` or `test` for each row."""
    unbound("parts_of")


def targets_of(rows: list[dict[str, str]]) -> dict[str, np.ndarray[Any, Any]]:
    """What the network is to answer: an array for each name, samples first."""
    unbound("targets_of")


def file_by_file(table: list[dict[str, str]]) -> list[dict[str, str]]:
    """The table with a line a file, where cases have several."""
    unbound("file_by_file")


def stacked(entries: list[index.Entry]) -> list[index.Entry]:
    """One entry a case from one entry a file."""
    unbound("stacked")


def each_file(entries: list[index.Entry]) -> list[index.Entry]:
    """One entry a file from one entry a case."""
    unbound("each_file")


def value_range(facts: Sequence[readers.Facts]) -> tuple[Edge, Edge]:
    """Modality values of black and white."""
    unbound("value_range")


def window(pixels: Tensor, low: Edge, high: Edge) -> Tensor:
    """Modality values between black and white to 0..1."""
    unbound("window")


def mixing(samples: int) -> Tensor:
    """(channels, samples): what each channel takes of each sample of a pixel."""
    unbound("mixing")


def edited(images: Tensor) -> Tensor:
    """(B, channels, H, W) in 0..1 after the edits that the spec names."""
    unbound("edited")


def resize(images: Tensor, height: int, width: int) -> Tensor:
    """(B, C, H, W) -> (B, C, height, width)."""
    unbound("resize")


def Edits(low: Edge, high: Edge, samples: int) -> nn.Module:
    """The edits of the spec as a module: (B, samples, H, W) as read -> (B, channels, height, width)."""
    unbound("Edits")


def edit_all(
    entries: list[index.Entry], train: int, values: tuple[Edge, Edge], options: argparse.Namespace
) -> tuple[np.ndarray[Any, Any], nn.Module]:
    """All images edited, and the module that does it; the first `train` are the training images."""
    unbound("edit_all")


def shuffle(key: tuple[int, ...], samples: int) -> Tensor:
    """The order of an epoch: a permutation of 0..samples-1."""
    unbound("shuffle")


def steps(samples: int, size: int) -> int:
    """How many steps an epoch has."""
    unbound("steps")


def augment(images: Tensor, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """Training images as the network sees them: (B, C, H, W) -> the same shape."""
    unbound("augment")


def look(points: Tensor, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """Where points (B, N, 2) of changed images lie in the images that they are made of."""
    unbound("look")


def seen(images: Images, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """Training images as the network gets them: (B,) -> (B, C, H, W)."""
    unbound("seen")


def overlaid(
    samples: dict[str, Tensor], images: Images, ids: Tensor, keys: Sequence[tuple[int, ...]]
) -> dict[str, Tensor]:
    """Samples of training images with what is drawn over them: `masks` of the edited ones, `masks of epoch 1`, ..."""
    unbound("overlaid")


def moved_images(images: Tensor, ids: Tensor, key: tuple[int, ...], black: float) -> Tensor:
    """Images that are paired with the training images, moved as these are."""
    unbound("moved_images")


def moved_masks(masks: Tensor, ids: Tensor, key: tuple[int, ...], ignore: float) -> Tensor:
    """Masks of training images, moved as these are."""
    unbound("moved_masks")


def moved_boxes(boxes: Boxes, ids: Tensor, key: tuple[int, ...], visible: float) -> Boxes:
    """Boxes of training images, moved as these are."""
    unbound("moved_boxes")


def Network() -> nn.Module:
    """The network that the spec calls `network`, with its initial values."""
    unbound("Network")


def network_optimizer(net: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of `network`."""
    unbound("network_optimizer")


def loss_of(outputs: Tensor, targets: Tensor) -> Tensor:
    """Loss of each sample: (B, ...), (B, ...) -> (B,)."""
    unbound("loss_of")


def learn(net: nn.Module, optimizer: Any, criterion: Callable[..., Tensor], images: Images, targets: Tensor) -> rt.Step:
    """What a step does."""
    unbound("learn")


def batch_loss(
    net: Callable[[Tensor], Tensor], criterion: Callable[..., Tensor], images: Images, targets: Tensor, batch: rt.Batch
) -> Tensor:
    """The loss of a batch: this rank's share of the mean."""
    unbound("batch_loss")


def answered(criterion: Callable[..., Tensor], outputs: Tensor, own: Tensor, other: Tensor, u: Tensor) -> Tensor:
    """Losses (B,) of blends: u (B,) of one answer, the rest of another."""
    unbound("answered")


def in_parts(gradient: Callable[[rt.Batch], Tensor]) -> Callable[[rt.Batch], Tensor]:
    """The gradient of a step, which may be the sum over its batches."""
    unbound("in_parts")


def over_step(loss: Callable[..., Tensor], among: Tensor) -> Callable[..., Tensor]:
    """The loss with what it takes from the targets of the whole step."""
    unbound("over_step")


def rate(time: rt.Time) -> float:
    """Factor of the learning rate at a time."""
    unbound("rate")


def paced(optimizer: Any, time: rt.Time) -> Any:
    """The optimizer with the learning rate of a time."""
    unbound("paced")


def told(scores: dict[str, float], optimizer: Any) -> dict[str, float]:
    """The scores of an epoch, with what the schedule says."""
    unbound("told")


def clipped(optimizer: Any) -> Any:
    """The optimizer with gradients that are not too long."""
    unbound("clipped")


def averaging(optimizer: Any, net: nn.Module) -> Any:
    """The optimizer, which keeps an average of the network."""
    unbound("averaging")


def average_of(net: nn.Module, optimizer: Any) -> Any:
    """The network that is judged and exported."""
    unbound("average_of")


def phased(stages: tuple[rt.Stage, ...], net: nn.Module, optimizer: Any) -> tuple[rt.Stage, ...]:
    """The stages of the training, made out of the only one."""
    unbound("phased")


def awake(net: nn.Module) -> Any:
    """The part of the network that learns."""
    unbound("awake")


def mixed(net: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The network with its forward pass in the precision of the spec."""
    unbound("mixed")


def HALF(device: torch.device) -> torch.dtype:
    """The type of numbers in a forward pass."""
    unbound("HALF")


def scaling(optimizer: Any, device: torch.device) -> Any:
    """The optimizer behind a gradient scaler."""
    unbound("scaling")


def scaled(loss: Tensor, optimizer: Any) -> Any:
    """The loss as its gradient is computed."""
    unbound("scaled")


def unscaled(optimizer: Any) -> Any:
    """The optimizer with gradients as they are."""
    unbound("unscaled")


def scores(outputs: Tensor, targets: Tensor) -> dict[str, float]:
    """Metrics of a whole part by name."""
    unbound("scores")


def truth_of(targets: Tensor, batch: rt.Batch) -> Tensor:
    """What is known of the images of a batch, as their changes leave it: a mask moves as its image does."""
    unbound("truth_of")


def weighed(loss: Callable[..., Tensor], targets: Tensor) -> Callable[..., Tensor]:
    """The loss with what it takes from the training targets."""
    unbound("weighed")


def to_pair(probability: Tensor) -> Tensor:
    """(B, 1) -> probabilities of both classes in their order (B, 2)."""
    unbound("to_pair")


def build(config: Any, images: Images, device: torch.device) -> rt.Work:
    """The task: networks, optimizers, stages, evaluation."""
    unbound("build")


def Deploy(edits: nn.Module, net: nn.Module, training: Tensor) -> nn.Module:
    """The exported module: what a reader gives goes in, named answers come out."""
    unbound("Deploy")


def coded(deploy: nn.Module) -> nn.Module:
    """The exported module with the code of its network as a further output."""
    unbound("coded")


def inner(net: Any) -> Any:
    """The network within the one that answers."""
    unbound("inner")


def export_model(work: rt.Work, images: Images, options: argparse.Namespace) -> bool:
    """Write model.onnx, its contract and its parity certificate; whether parity holds."""
    unbound("export_model")
