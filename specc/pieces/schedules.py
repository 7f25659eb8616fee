"""How the learning rate changes: factors of it at a time, and what puts them into an optimizer.

Every factor is a function of the time alone, so that a run that goes on in the middle needs nothing else. Only the
plateau looks back; what it has seen stands in the optimizer's groups, and is saved with them.
"""

import math
from typing import Any

from specc.pieces import runtime as rt
from specc.pieces.slots import BEST, PLATEAU, rate


def warmup(time: rt.Time, epochs: float, start: float) -> float:
    """From `start` straight to 1 within the first epochs (Goyal et al. 2017, arXiv:1706.02677, section 2.2)."""
    return start + (1 - start) * min(time.epoch / epochs, 1.0)


def multistep(time: rt.Time, at: tuple[float, ...], factor: float) -> float:
    """`factor` for each of the epochs `at` that is done."""
    return float(factor ** sum(time.epoch >= epoch for epoch in at))


def exponential(time: rt.Time, factor: float, least: float) -> float:
    """`factor` for each epoch that is done, never below `least`."""
    return max(float(factor ** (time.step // time.steps)), least)


def done(time: rt.Time, begin: float) -> float:
    """The part of the stage that is done, 0 to 1, counted from the epoch `begin`."""
    return min(max((time.epoch - begin) / (time.epochs - begin), 0.0), 1.0) if time.epochs > begin else 0.0


def cosine(time: rt.Time, begin: float, least: float) -> float:
    """1 up to the epoch `begin`, then down to `least` along a half wave (Loshchilov and Hutter 2017, eq. 5)."""
    return least + (1 - least) * (1 + math.cos(math.pi * done(time, begin))) / 2


def polynomial(time: rt.Time, begin: float, power: float, least: float) -> float:
    """1 up to the epoch `begin`, then down to `least` as (1 - t)^power; straight with power 1."""
    return float(least + (1 - least) * (1 - done(time, begin)) ** power)


def one_cycle(time: rt.Time, rise: float, start: float, end: float) -> float:
    """From `start` up to 1 within the part `rise` of all steps, then down to `end`, each along a half wave.

    Smith and Topin 2019, arXiv:1708.07120, as in torch's OneCycleLR: the last step of all has the rate `end`.
    """
    last = time.epochs * time.steps - 1
    if not last:
        return 1.0
    top = max(rise * (last + 1) - 1, 0.0)
    if time.step <= top and top:
        low, share = start, time.step / top
    else:
        low, share = end, (last - time.step) / max(last - top, 1.0)
    return low + (1 - low) * (1 - math.cos(math.pi * share)) / 2


def paced(optimizer: Any, time: rt.Time) -> Any:
    """The optimizer with each group's learning rate at a time."""
    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * rate(time)
    return optimizer


def paced_by_plateau(optimizer: Any, time: rt.Time) -> Any:
    """As `paced`, times what the plateaus so far have left."""
    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * rate(time) * group.get("plateau", (1.0,))[0]
    return optimizer


def told(scores: dict[str, float], optimizer: Any) -> dict[str, float]:
    """The scores of an epoch, with the learning rate of its last step; the largest where groups have their own."""
    return {**scores, "learning_rate": max(group["lr"] for group in optimizer.param_groups)}


def plateau(scores: dict[str, float], optimizer: Any) -> dict[str, float]:
    """As `told`; where the metric that chooses the epoch has not improved for `patience` epochs, the rate goes down.

    As torch's ReduceLROnPlateau with an absolute threshold: `patience` epochs without improvement are borne, the next
    one lowers the rate. A group keeps (factor, best value, epochs without improvement).
    """
    (metric, sign), (factor, patience, min_delta, least) = BEST, PLATEAU
    for group in optimizer.param_groups:
        now, best, waited = group.get("plateau", (1.0, None, 0))
        if best is None or sign * scores[metric] > sign * best + min_delta:
            best, waited = scores[metric], 0
        else:
            waited += 1
        if waited > patience:
            now, waited = max(now * factor, least), 0
        group["plateau"] = (now, best, waited)
    return told(scores, optimizer)
