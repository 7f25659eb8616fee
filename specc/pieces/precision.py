"""Forward passes in 16 bits: weights, gradients, loss and evaluation stay float32 (Micikevicius et al. 2018).

bfloat16 has the range of float32; float16 has not, so its loss is scaled up until small gradients are no longer 0.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from specc.pieces import runtime as rt
from specc.pieces.slots import HALF

FLOOR = 2.0**-14  # a loss scale below it means that gradients overflow whatever is done


def fastest(device: torch.device) -> torch.dtype:
    """bfloat16 on GPUs that compute with it, float16 on older ones, float32 on the CPU."""
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def bfloat16(device: torch.device) -> torch.dtype:
    """As the spec says, on every device."""
    return torch.bfloat16


def float16(device: torch.device) -> torch.dtype:
    """As the spec says, on every device."""
    return torch.float16


def mixed(net: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The network with a forward pass in 16 bits: float32 in, float32 out."""

    def forward(inputs: Tensor) -> Tensor:
        half = HALF(inputs.device)
        with torch.autocast(inputs.device.type, half, enabled=half is not torch.float32):
            outputs: Tensor = net(inputs)
        return outputs.float()

    return forward


class Scaling:
    """An optimizer behind a gradient scaler, which does nothing unless the forward pass is in float16."""

    def __init__(self, optimizer: Any, device: torch.device) -> None:
        self.optimizer = optimizer
        self.scaler = torch.amp.GradScaler(device.type, enabled=HALF(device) is torch.float16)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.optimizer, name)

    def step(self) -> None:
        """The optimizer's step, unless a gradient has overflowed; then the scale goes down."""
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def state_dict(self) -> dict[str, Any]:
        """Optimizer and scale."""
        if self.scaler.is_enabled() and self.scaler.get_scale() < FLOOR:
            cure = "lower the learning rate, clip gradients (`grad_clip: 1`), or train with `precision: float32`"
            rt.fail("T605", "gradients overflow in float16 at every loss scale", cure)
        return {"optimizer": self.optimizer.state_dict(), "scaler": self.scaler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty where the run went on without one, on another kind of device
            self.scaler.load_state_dict(state["scaler"])


def scaled(loss: Tensor, optimizer: Any) -> Tensor:
    """The loss as its gradient is computed."""
    times: Tensor = optimizer.scaler.scale(loss)
    return times


def unscaled(optimizer: Any) -> Any:
    """The optimizer with gradients as they are."""
    optimizer.scaler.unscale_(optimizer.optimizer)
    return optimizer
