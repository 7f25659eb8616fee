"""What happens to gradients and weights beside an optimizer's own step: clipping, accumulation, averages, phases."""

import copy
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from specc.pieces import runtime as rt
from specc.pieces.slots import AVERAGE, BATCH, CLIP, PHASES


def clip_norm(optimizer: Any) -> Any:
    """The optimizer with gradients whose norm, all of them together, is at most CLIP (Pascanu et al. 2013)."""
    nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], CLIP)
    return optimizer


def clip_value(optimizer: Any) -> Any:
    """The optimizer with gradients whose numbers lie between -CLIP and CLIP."""
    nn.utils.clip_grad_value_([p for group in optimizer.param_groups for p in group["params"]], CLIP)
    return optimizer


def parts_of(step: rt.Batch) -> Iterator[rt.Batch]:
    """A step in batches of at most BATCH images over all ranks, as equal and on every rank as many as can be."""
    share, most = math.ceil(step.size / rt.RANKS), math.ceil(BATCH / rt.RANKS)
    count = math.ceil(share / most)
    for ids, weights in zip(step.ids.tensor_split(count), step.weights.tensor_split(count), strict=True):
        if len(ids):
            yield step._replace(ids=ids, weights=weights)
        else:  # ranks add up their weights together: a copy that does not count keeps this one in step
            yield step._replace(ids=step.ids[:1], weights=torch.zeros_like(step.weights[:1]))


def in_parts(gradient: Callable[[rt.Batch], Tensor]) -> Callable[[rt.Batch], Tensor]:
    """The gradient of a step as the sum over its batches: memory for one of them is enough."""
    return lambda step: torch.stack([gradient(part) for part in parts_of(step)]).sum()


def over_step(loss: Callable[..., Tensor], among: Tensor) -> Callable[..., Tensor]:
    """A loss whose weights have mean 1 over the targets of the whole step."""
    return partial(loss, among=among)


class Averaging:
    """An optimizer that keeps an exponential moving average of the network: the one that is judged and exported.

    After step t: average = d average + (1 - d) weights with d = min(AVERAGE, (1 + t) / (10 + t)), so that a short
    training is not held at its start; running statistics are averaged alike (Polyak and Juditsky 1992; the warm-up as
    in TensorFlow's ExponentialMovingAverage).
    """

    _step_supports_amp_scaling = False  # a gradient scaler leaves out the whole step when gradients overflow

    def __init__(self, optimizer: Any, net: nn.Module) -> None:
        self.optimizer, self.net, self.updates = optimizer, net, 0
        self.average = copy.deepcopy(net).requires_grad_(False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.optimizer, name)

    @torch.no_grad()
    def step(self) -> None:
        """The optimizer's step, then the average's."""
        self.optimizer.step()
        self.updates += 1
        decay = min(AVERAGE, (1 + self.updates) / (10 + self.updates))
        for old, new in zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True):
            if old.is_floating_point():
                old.lerp_(new, 1 - decay)
            else:
                old.copy_(new)

    def state_dict(self) -> dict[str, Any]:
        """The optimizer, the average, and how often it was updated."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state_dict(),
            "updates": self.updates,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.load_state_dict(state["average"])
        self.updates = state["updates"]


def average_of(net: nn.Module, optimizer: Any) -> Any:
    """The network that is judged and exported."""
    return optimizer.average


def phased(stages: tuple[rt.Stage, ...], net: nn.Module, optimizer: Any) -> tuple[rt.Stage, ...]:
    """A stage for each of PHASES (epochs, factor of the learning rate, frozen layers), all with the step of the one."""
    rates = [group["lr"] for group in optimizer.param_groups]

    def enter(factor: float, frozen: tuple[str, ...], anew: bool) -> None:
        rt.share_buffers(net)  # what is frozen is the same on every rank
        net.eval()  # frozen batch norm stays so
        for name, layer in net.named_children():
            layer.requires_grad_(name not in frozen)
        optimizer.zero_grad()
        if anew:
            optimizer.state.clear()
            for group, own in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = group["initial_lr"] = own * factor
                group.pop("plateau", None)

    return tuple(
        rt.Stage(f"phase {number}", epochs, stages[0].step, partial(enter, factor, frozen))
        for number, (epochs, factor, frozen) in enumerate(PHASES, 1)
    )


def awake(net: nn.Module) -> nn.Module:
    """The layers of a network that learn: frozen ones are left as they are."""
    return nn.ModuleList(layer for layer in net.children() if all(p.requires_grad for p in layer.parameters()))
