"""A generator and a discriminator that take turns, and a pool of images made earlier."""

from typing import Any

import torch
from torch import Tensor, nn

from specc.pieces import export
from specc.pieces import runtime as rt
from specc.pieces.pixels import Images
from specc.pieces.slots import BEST, augment
from specc_probe.pieces.deploy import Maker
from specc_probe.pieces.pool import Pool
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
    pool = Pool(config.pool, images.pick(torch.zeros(1, dtype=torch.int64, device=device))[0], 4)

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
    return rt.Work(parts, stages, evaluate, BEST, len(images.parts["train"]))


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
