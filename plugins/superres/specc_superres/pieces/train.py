"""One network that learns images from images."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from specc.pieces import runtime as rt
from specc.pieces.export import export_images
from specc.pieces.losses import Loss
from specc.pieces.pixels import Images
from specc.pieces.slots import (
    BEST,
    OUTPUTS,
    TRUTH,
    Config,
    Network,
    average_of,
    averaging,
    learn,
    loss_of,
    network_optimizer,
    phased,
    scaling,
    told,
)
from specc_superres.pieces.deploy import Restored, prepared, restored, shares
from specc_superres.pieces.quality import psnr, ssim
from specc_superres.pieces.slots import BORDER, CUT, MULTIPLE, judged, known, pairs, part, patches, trimmed, whole

ROOM = 2**21  # pixels that are evaluated together


def patch_loss(net: Any, criterion: Loss, images: Images, targets: Tensor, batch: rt.Batch) -> Tensor:
    """The loss of a batch: this rank's share of the mean over images, of each the mean over its patches.

    What the network takes off at the sides is cut off the truth.
    """
    inputs, truth = pairs(images, targets, batch.ids, batch.key, True)
    inputs, truth = patches(prepared(inputs), part(truth), batch.ids, batch.key)
    losses = criterion(net(inputs), trimmed(truth, CUT))
    return losses.view(len(batch.ids), -1).mean(1) @ batch.weights


@torch.no_grad()
def figures(net: nn.Module, criterion: Loss, images: Images, targets: Tensor, device: torch.device, key: Any) -> Any:
    """Means over the validation images: the loss, PSNR (dB) and SSIM of the restored images, without the border."""
    net.eval()
    rt.share_buffers(net)
    places = torch.arange(images.parts["val"].start, images.parts["val"].stop)
    sums = torch.zeros(3, dtype=torch.float64, device=device)
    for ids in places.split(max(1, ROOM // images.pixels[0].numel()))[rt.RANK :: rt.RANKS]:
        inputs, truth = pairs(images, targets, ids.to(device), key, False)
        outputs = restored(net, inputs)
        losses = criterion(trimmed(outputs, CUT), trimmed(part(truth), CUT))
        seen, right = judged(shares(whole(outputs, inputs))), judged(shares(truth))
        near = (losses.double(), psnr(seen, right, BORDER), ssim(seen, right, BORDER))
        sums += torch.stack([one.sum() for one in near])
    loss, ratio, likeness = (rt.total(sums) / len(places)).tolist()
    return {"val_loss": loss, "psnr": ratio, "ssim": likeness}


def build(config: Config, images: Images, device: torch.device) -> rt.Work:
    """Network, optimizer, and what to do in a step and after an epoch."""
    rt.reseed(config.seed)
    net = convert_conv2d_weight_memory_format(Network().to(device), torch.channels_last)
    optimizer, targets = scaling(averaging(network_optimizer(net), net), device), known(images, config)

    def evaluate() -> dict[str, float]:
        return told(figures(average_of(net, optimizer), loss_of, images, targets, device, (config.seed,)), optimizer)

    stages = phased(
        (rt.Stage("train", config.epochs, learn(net, optimizer, loss_of, images, targets)),), net, optimizer
    )
    return rt.Work({"network": net, "optimizer": optimizer}, stages, evaluate, BEST, len(images.parts["train"]))


def export_restorer(work: rt.Work, images: Images, options: Any) -> bool:
    """Write the model with its contract and certificate; whether torch and ONNX agree."""
    net = average_of(work.parts["network"], work.parts["optimizer"]).cpu()
    return export_images(Restored(images.edits, net), OUTPUTS, images, TRUTH, options, MULTIPLE)
