"""A generator and a discriminator that take turns, and a pool of images made earlier."""

from typing import Any

import torch
from torch import Tensor, nn

from specc.pieces import export
from specc.pieces import runtime as rt
from specc.pieces.pixels import Images
from specc.pieces.slots import augment
from specc_probe.pieces.deploy import Maker
from specc_probe.pieces.slots import (
    Config,
    Discriminator,
    Generator,
    discriminator_loss,
    discriminator_optimizer,
    generator_loss,
    generator_optimizer,
)


def normal(key: tuple[int, ...], ids: Tensor, draws: int) -> Tensor:
    """(B, draws) numbers of the standard normal distribution (Box and Muller 1958), a function of key and ids."""
    u = rt.uniform(key, ids, 2 * draws)
    return (-2 * (1 - u[:, :draws]).log()).sqrt() * (2 * torch.pi * u[:, draws:]).cos()


def of_all_ranks(share: Tensor, count: int) -> Tensor:
    """(count, ...) in the order of the step, out of this rank's (B, ...) and that of the others."""
    whole = torch.zeros(len(share) * rt.RANKS, *share.shape[1:], dtype=share.dtype, device=share.device)
    whole[rt.RANK :: rt.RANKS] = share
    return rt.total(whole)[:count]


class Pool:
    """Images that were made earlier; half of what the discriminator sees (Shrivastava et al. 2017, section 2.3)."""

    def __init__(self, size: int, example: Tensor) -> None:
        self.images = torch.zeros(size, *example.shape, device=example.device)
        self.filled = 0

    def exchange(self, made: Tensor, batch: rt.Batch) -> Tensor:
        """(B, C, H, W) new images -> as many to show; every rank has the same pool."""
        ids, new = of_all_ranks(batch.ids, batch.size), of_all_ranks(made, batch.size)
        shown = new.clone()
        for place, (swap, where) in enumerate(rt.uniform((*batch.key, 4), ids, 2).tolist()):
            if self.filled < len(self.images):
                self.images[self.filled] = new[place]
                self.filled += 1
            elif swap < 0.5:
                other = int(where * len(self.images))
                shown[place] = self.images[other]
                self.images[other] = new[place]
        mine = torch.arange(rt.RANK, len(made) * rt.RANKS, rt.RANKS, device=made.device)
        return shown[mine.clamp(max=batch.size - 1)]

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {"images": self.images, "filled": self.filled}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse."""
        self.images.copy_(state["images"])
        self.filled = state["filled"]


def take_turn(optimizer: torch.optim.Optimizer, loss: Tensor, net: nn.Module) -> None:
    """One step of one network."""
    optimizer.zero_grad()
    loss.backward()
    rt.share_gradients(net.parameters())
    optimizer.step()


def build(config: Config, images: Images, device: torch.device) -> rt.Work:
    """Two networks, two optimizers, a pool; in a step the discriminator goes first."""
    rt.reseed(config.seed)
    generator, discriminator = Generator().to(device), Discriminator().to(device)
    makes, judges = generator_optimizer(generator), discriminator_optimizer(discriminator)
    pool = Pool(config.pool, images.pick(torch.zeros(1, dtype=torch.int64, device=device))[0])

    def turns(batch: rt.Batch) -> dict[str, Tensor]:
        generator.train()
        discriminator.train()
        one = torch.ones(len(batch.ids), device=device)
        real = augment(images.pick(batch.ids), batch.ids, batch.key)
        made = generator(normal((*batch.key, 3), batch.ids, config.latent))
        shown = pool.exchange(made.detach(), batch)
        judged = discriminator_loss(discriminator(real), one) + discriminator_loss(discriminator(shown), 0 * one)
        d_loss = (judged * batch.weights).sum() / 2
        take_turn(judges, d_loss, discriminator)
        g_loss = (generator_loss(discriminator(made), one) * batch.weights).sum()
        take_turn(makes, g_loss, generator)
        return {"d_loss": d_loss, "g_loss": g_loss}

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        generator.eval()
        discriminator.eval()
        made = generator(normal((config.seed,), torch.arange(256, device=device), config.latent))
        return {"fooled": (discriminator(made) > 0).double().mean().item(), "pool": pool.filled}

    parts = {"generator": generator, "discriminator": discriminator, "makes": makes, "judges": judges, "pool": pool}
    stages = (rt.Stage("turns", config.epochs, turns),)
    return rt.Work(parts, stages, evaluate, ("epoch", 1), len(images.parts["train"]))


def export_generator(work: rt.Work, images: Images, options: Any) -> bool:
    """Write the generator with its contract and certificate; whether torch and ONNX agree."""
    maker, contract = Maker(work.parts["generator"].cpu()).eval(), export.read_contract()
    latent = contract["output"]["latent"]
    del contract["input"]  # no images go in
    model = export.to_onnx(maker, [torch.zeros(2, latent)], {"latent": {0: "batch"}}, ["image"], contract)
    export.save_model(options.run, model, contract)
    certificate = export.Certificate(maker, model, ["image"])
    for case in range(100):
        certificate.run(f"image {case}", normal((0,), torch.tensor([case]), latent))
    return certificate.save(options.run)
