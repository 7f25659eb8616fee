"""What a training leaves: the whole model, its encoder alone, and the codes of every image with a PCA beside them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn
from torch.nn import functional as F

from specc.pieces import export
from specc.pieces import runtime as rt
from specc.pieces.pixels import Images
from specc.pieces.slots import OUTPUTS, TRUTH, average_of
from specc_features.pieces.deploy import Autoencoder, Encoder
from specc_features.pieces.slots import CODE

ROOM = 2**27  # numbers of training images that the PCA is fitted to, at most
SIDE = 48  # longest side of a small picture
CHECKED = 32  # files that the encoder is run on beside the whole model


def export_coder(work: rt.Work, images: Images, options: Any) -> bool:
    """Write the model and its encoder with their contracts, and eval/codes.npz; whether torch and ONNX agree."""
    net = average_of(work.parts["network"], work.parts["optimizer"]).cpu()
    whole = Autoencoder(images.edits, net)
    if not export.export_images(whole, OUTPUTS, images, TRUTH, options):
        return False
    save_codes(whole.eval(), images, options)
    return export_encoder(Encoder(images.edits, net).eval(), images, options)


def export_encoder(encoder: nn.Module, images: Images, options: Any) -> bool:
    """Write encoder.onnx, which takes what the whole model takes; whether torch and ONNX agree on its codes."""
    contract = export.read_contract()
    reading = contract["input"] | export.accepted(images, contract["input"].get("channels"))
    contract |= {"input": reading, "output": {"code": contract["output"]["code"]}}
    resized = reading["resize"] is not None
    height, width = (61, 50) if resized else reading["size"]
    axes = {0: "batch", 2: "height", 3: "width"} if resized else {0: "batch"}
    example = torch.zeros(2, images.edits.values[2], height, width)
    model = export.to_onnx(encoder, [example], {"pixels": axes}, ["code"], contract)
    certificate = export.Certificate(encoder, model, ["code"])
    few = images._replace(rows=images.rows[:CHECKED], entries=images.entries[:CHECKED])
    for _ in export.certified(certificate, contract, few, options):
        pass
    if certificate.wrong:
        cure = "keep this run and report it: torch and onnxruntime must give the same codes"
        rt.event("error", code="X701", message=f"encoder.onnx differs: {certificate.wrong[0]}", help=cure)
        return False
    export.write_atomic(options.run / "encoder.onnx", model)
    rt.event("exported", file="encoder.onnx")
    return True


@torch.no_grad()
def save_codes(whole: nn.Module, images: Images, options: Any) -> None:
    """Write eval/codes.npz: of every image its part, file, patient, words, code (N, n), error (N,) and a small picture;
    and what is compared with them: the mean image and the first components of a PCA of the training images, as many as
    the code has numbers, and its codes (N, k) (Hinton and Salakhutdinov 2006, Fig. 2 compares so).
    """
    whole.edits, edits = nn.Identity(), whole.edits  # the images of the cache are edited
    fitted, found = components(images), list[tuple[Tensor, ...]]()
    low, high = float(images.pixels.min()), float(images.pixels.max())
    for ids in torch.arange(len(images.rows)).split(64):
        edited = images.pick(ids).cpu()
        code, _, _, error, _ = whole(edited)
        flat = edited.flatten(1) - torch.from_numpy(fitted["mean"])
        found.append(
            (code.flatten(1), error, flat @ torch.from_numpy(fitted["components"]).T, small(edited, low, high))
        )
    whole.edits = edits
    names = ("code", "error", "pca", "small")
    arrays: dict[str, Any] = {
        name: torch.cat(each).numpy() for name, each in zip(names, zip(*found, strict=True), strict=True)
    }
    people = [
        row.get("patient") or (entry.facts.patient if entry.facts else "") or row["image"]
        for row, entry in zip(images.rows, images.entries, strict=True)
    ]
    told = {"part": [part for part, places in images.parts.items() for _ in places], "patient": people}
    told |= {"files": [Path(row["image"]).as_posix() for row in images.rows]}
    told |= {f"word.{word}": [row[word] for row in images.rows] for word in TRUTH}
    texts: dict[str, Any] = {name: np.array(column) for name, column in told.items()}
    file = io.BytesIO()
    np.savez_compressed(file, **texts, **arrays, **fitted)
    export.write_atomic(options.run / "eval" / "codes.npz", file.getvalue())


def small(images: Tensor, low: float, high: float) -> Tensor:
    """(B, C, H, W) -> (B, h, w) or (B, h, w, 3) of 0..255, no side longer than SIDE; of other channels the first."""
    shrink = max(1.0, max(images.shape[2:]) / SIDE)
    height, width = (max(1, round(length / shrink)) for length in images.shape[2:])
    levels = (F.adaptive_avg_pool2d(images, (height, width)) - low) / max(high - low, 1e-12) * 255
    bytes_ = levels.clamp(0, 255).round().to(torch.uint8)
    return bytes_.permute(0, 2, 3, 1) if images.shape[1] == 3 else bytes_[:, 0]


def components(images: Images) -> dict[str, Any]:
    """`mean` (D,) and `components` (k, D) of the training images as the network sees them, k at most CODE."""
    train, numbers = len(images.parts["train"]), images.pixels[0].numel()
    every = -(-train * numbers // ROOM)
    pixels = images.pixels[:train:every].cpu().numpy().reshape(-1, numbers)
    count = min(CODE, *pixels.shape)
    exact = min(pixels.shape) <= 2000
    fitted = PCA(count, svd_solver="full" if exact else "randomized", random_state=0).fit(pixels)
    return {"mean": fitted.mean_.astype(np.float32), "components": fitted.components_.astype(np.float32)}
