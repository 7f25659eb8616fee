"""Two kinds of images that are not paired: one network each way, and a judge of each kind (Zhu et al. 2017)."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from specc.pieces import export
from specc.pieces import runtime as rt
from specc.pieces.pixels import Images
from specc.pieces.slots import BEST, augment, clipped, paced, told
from specc_probe.pieces.deploy import Translator
from specc_probe.pieces.pool import Pool
from specc_probe.pieces.slots import (
    AToB,
    BToA,
    Config,
    JudgeA,
    JudgeB,
    a_to_b_loss,
    a_to_b_optimizer,
    b_to_a_loss,
    b_to_a_optimizer,
    judge_a_loss,
    judge_a_optimizer,
    judge_b_loss,
    judge_b_optimizer,
)


class Kinds(NamedTuple):
    """The places of the images of both kinds in a part of the data."""

    a: Tensor
    b: Tensor

    @classmethod
    def of(cls, images: Images, part: str) -> "Kinds":
        """Those of a part."""
        ids = torch.arange(images.parts[part].start, images.parts[part].stop, device=images.targets["domain"].device)
        domain = images.targets["domain"][ids]
        return cls(ids[domain == 0], ids[domain == 1])

    def drawn(self, batch: rt.Batch) -> tuple[Tensor, Tensor]:
        """For each of a batch an image of each kind: of the first in turn, of the second by chance."""
        chance = rt.uniform((*batch.key, 5), batch.ids, 1)[:, 0]
        return self.a[batch.ids % len(self.a)], self.b[(chance * len(self.b)).long()]


def apart(images: Tensor, others: Tensor) -> Tensor:
    """(B,) mean absolute difference."""
    return (images - others).abs().mean((1, 2, 3))


def whole_loss(fooled: Tensor, cycled: Tensor, kept: Tensor, cycle: float, identity: float) -> Tensor:
    """(B,) of both generators, eq. 3 with the identity loss of section 5.2: each term is the sum over both ways."""
    return fooled + cycle * (cycled + identity * kept)


def judge_loss(real: Tensor, made: Tensor) -> Tensor:
    """(B,) of a judge: half of what it says of real images and of made ones, as in the authors' code."""
    return (real + made) / 2


def take_turn(loss: Tensor, nets: Iterable[nn.Module], optimizers: Iterable[Any], time: rt.Time) -> None:
    """One step of some networks."""
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss.backward()
    rt.share_gradients(p for net in nets for p in net.parameters())
    for optimizer in optimizers:
        clipped(paced(optimizer, time)).step()


def build(config: Config, images: Images, device: torch.device) -> rt.Work:
    """Four networks with an optimizer each, and a pool for each judge; in a step the generators go first."""
    rt.reseed(config.seed)
    there, back, judge_a, judge_b = (made().to(device) for made in (AToB, BToA, JudgeA, JudgeB))
    makers = (a_to_b_optimizer(there), b_to_a_optimizer(back))
    judges = (judge_a_optimizer(judge_a), judge_b_optimizer(judge_b))
    known, example = Kinds.of(images, "train"), images.pick(torch.zeros(1, dtype=torch.int64, device=device))[0]
    pool_a, pool_b = Pool(config.pool, example, 6), Pool(config.pool, example, 7)
    checked = Kinds.of(images, "val" if len(images.parts["val"]) else "train")

    def turns(batch: rt.Batch) -> dict[str, Tensor]:
        for net in (there, back, judge_a, judge_b):
            net.train()
        ids, one = known.drawn(batch), torch.ones(len(batch.ids), device=device)
        a, b = (augment(images.pick(kind), kind, batch.key) for kind in ids)
        for judge in (judge_a, judge_b):
            judge.requires_grad_(False)
        made_a, made_b = back(b), there(a)
        fooled = a_to_b_loss(judge_b(made_b), one) + b_to_a_loss(judge_a(made_a), one)
        cycled = apart(back(made_b), a) + apart(there(made_a), b)
        kept = apart(back(a), a) + apart(there(b), b) if config.identity else torch.zeros_like(cycled)
        g_loss = whole_loss(fooled, cycled, kept, config.cycle, config.identity) @ batch.weights
        take_turn(g_loss, (there, back), makers, batch.time)
        for judge in (judge_a, judge_b):
            judge.requires_grad_(True)
        shown_a, shown_b = pool_a.exchange(made_a.detach(), batch), pool_b.exchange(made_b.detach(), batch)
        of_a = judge_loss(judge_a_loss(judge_a(a), one), judge_a_loss(judge_a(shown_a), 0 * one))
        of_b = judge_loss(judge_b_loss(judge_b(b), one), judge_b_loss(judge_b(shown_b), 0 * one))
        d_loss = (of_a + of_b) @ batch.weights
        take_turn(d_loss, (judge_a, judge_b), judges, batch.time)
        return {"g_loss": g_loss, "d_loss": d_loss, "cycle": cycled.detach() @ batch.weights}

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        errors = []
        for net in (there, back):
            net.eval()
            rt.share_buffers(net)
        for ids, first, second in ((checked.a, there, back), (checked.b, back, there)):
            errors += [apart(second(first(images.pick(some))), images.pick(some)) for some in ids.split(64)]
        error = torch.cat(errors).double().mean().item()
        return told({"cycle_error": error, "pool": min(pool_a.filled, pool_b.filled)}, makers[0])

    nets = {"a_to_b": there, "b_to_a": back, "judge_a": judge_a, "judge_b": judge_b}
    steps = dict(zip((f"{name}_optimizer" for name in nets), (*makers, *judges), strict=True))
    parts = {**nets, **steps, "pool_a": pool_a, "pool_b": pool_b}
    stages = (rt.Stage("turns", config.epochs, turns),)
    return rt.Work(parts, stages, evaluate, BEST, max(len(known.a), len(known.b)))


def export_both(work: rt.Work, images: Images, options: Any) -> bool:
    """Write both generators as one module with its contract and certificate; whether torch and ONNX agree."""
    both = Translator(images.edits, work.parts["a_to_b"].cpu(), work.parts["b_to_a"].cpu())
    return export.export_images(both, ("a_to_b", "b_to_a"), images, (), options)
