"""S270 to S275: the images that go in and come out, and where the pairs are from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.errors import Diagnostic, Path
from specc.plugin import Rule
from specc.rules.common import Said, fault
from specc_superres import sizes

if TYPE_CHECKING:
    from specc.study import Study

TASKS = ("super_resolution",)
WINDOW = 11  # pixels of a side of the window of the structural similarity


def say(study: Study, code: str, path: Path, message: str, label: str, why: str, cure: str) -> list[Diagnostic]:
    """One message with its reason and its cure."""
    notes: tuple[Said, ...] = (("why", why), ("help", cure))
    return [fault(study, code, message, path, label, *notes)]


def channels(study: Study) -> list[Diagnostic]:
    """What: the channels that are to come out cannot be made of those that go in.

    Why: `luma` takes the brightness out of colours and puts it back among them, so the images must be rgb; else what
    comes out has the channels of what goes in. Files that are channels of one case cannot be restored together.

    Bad:

        task: super_resolution
        input: {format: png, size: [64, 64], channels: mono, scale: 0..1}
        output: {channels: luma, factor: 2}

    Good:

        task: super_resolution
        input: {format: png, size: [64, 64], channels: rgb, scale: 0..1}
        output: {channels: luma, factor: 2}
    """
    given, wanted = study.spec.input.channels, sizes.channels(study)
    if not isinstance(given, str):
        path, label = ("input", "channels"), "several files a case"
        why = "each file has an image of its own to be made out of it"
        message = "one image comes out of one image, and here a case is several files"
        return say(study, "S270", path, message, label, why, "train one network for each of them, with `mono`")
    if wanted == given or (wanted, given) == ("luma", "rgb"):
        return []
    message = f"`{wanted}` cannot come out of images that are {given}"
    why = "a network gives as many channels as it is shown in training, and these are the channels of the images"
    cure = "`channels: mono` in both, `rgb` in both, or `rgb` images and `luma`"
    return say(study, "S270", ("output", "channels"), message, f"images are {given}", why, cure)


def values(study: Study) -> list[Diagnostic]:
    """What: images are resized, or brought to a scale that forgets what black and white are.

    Why: what comes out is an image again: its pixels must be those of the file, and its values those between black and
    white. `standardize` loses both ends, and `resize` would change the very details that are to be learned.

    Bad:

        task: super_resolution
        input: {format: png, size: [64, 64], channels: mono, resize: fit, scale: standardize}

    Good:

        task: super_resolution
        input: {format: png, size: [64, 64], channels: mono, scale: 0..1}
    """
    inputs, found = study.spec.input, list[Diagnostic]()
    if inputs.resize is not None:
        message = f"`resize: {inputs.resize}` changes the details that are to be learned"
        cure = (
            "leave `resize` out; the exported model takes any size, and training images of one size go in as they are"
        )
        why = "a resized image is smoother than the one that the scanner made"
        found += say(study, "S271", ("input", "resize"), message, "images must go in as they are", why, cure)
    if inputs.scale not in ("0..1", "-1..1"):
        message = f"with `scale: {inputs.scale}` what comes out has no black and no white"
        why = "the network's numbers become pixels again, for which both ends of the scale must be known"
        cure = "take `scale: 0..1`, or `-1..1`"
        found += say(study, "S271", ("input", "scale"), message, "cannot be undone", why, cure)
    return found


def pairs(study: Study) -> list[Diagnostic]:
    """What: nothing says what is to come out of an image, or two things do.

    Why: a pair is an image and what is to come out of it. Either both are files, or the spec says how the one is made
    of the other (`degrade`).

    Bad:

        task: super_resolution
        data: {manifest: table.csv, columns: {image: low}, split: {train: 80, val: 20, group: none}}

    Good:

        task: super_resolution
        data: {manifest: table.csv, columns: {image: low, target: high}, split: {train: 80, val: 20, group: none}}
    """
    given = "target" in (study.spec.data.columns or {})
    if given and study.spec.degrade:
        message = "the table names what is to come out, and `degrade` makes images of what the table names"
        why = "with `degrade` the column `image` names what is to come out, and no other file is read"
        return say(study, "S272", ("degrade",), message, "a second source", why, "take one of them out")
    if given or study.spec.degrade:
        return []
    message = "nothing says what is to come out of an image"
    why = "a network learns from pairs: an image, and what is to come out of it"
    cure = "name the column of the other file, `columns: {image: low, target: high}`, or let the spec make the images "
    cure += "out of what is to come out: `degrade: {kernel: bicubic}`"
    path: Path = ("data", "columns") if study.spec.data.columns else ("data",)
    return say(study, "S272", path, message, "needs `target`, or `degrade`", why, cure)


def idle(study: Study) -> list[Diagnostic]:
    """What: a factor of 1 with words that only a larger one needs, or images that are made without any change.

    Why: at factor 1 nothing is enlarged, and `degrade` without blur and noise would show the network the very image
    that is to come out: it would learn to do nothing.

    Bad:

        task: super_resolution
        output: {factor: 1}
        degrade: {}

    Good:

        task: super_resolution
        data: {manifest: t.csv, columns: {image: file}, split: {train: 80, val: 20, group: none}}
        output: {factor: 1}
        degrade: {noise: 0.1}
        model:
          layers:
            - conv2d: {filters: 1, kernel: 3, padding: same}
    """
    output, given, found = study.spec.output, study.spec.degrade, list[Diagnostic]()
    if output.factor > 1:
        return found
    if output.enlarge == "bicubic":
        message = "`enlarge: bicubic` has nothing to enlarge at factor 1"
        why = "the answer is as large as the image"
        found += say(study, "S273", ("output", "enlarge"), message, "factor is 1", why, "leave `enlarge` out")
    if given is not None and not given.blur and not given.noise:
        message = "`degrade` changes nothing: factor 1, no blur, no noise"
        why = "images and what is to come out of them would be the same"
        found += say(study, "S273", ("degrade",), message, "no change", why, "give `noise`, as 0.1, or `blur`, as 1.5")
    return found


def augmentations(study: Study) -> list[Diagnostic]:
    """What: an augmentation that changes the values of pixels, or blends images.

    Why: changes of place move both images of a pair alike. A change of brightness would be made to one of them alone,
    and the network would learn to undo it; noise or blur on what is to come out would be learned, too.

    Bad:

        task: super_resolution
        augment:
          - flip: {axis: horizontal}
          - gamma: {range: [0.8, 1.2]}

    Good:

        task: super_resolution
        augment:
          - flip: {axis: horizontal}
          - rotate90
    """
    found: list[Diagnostic] = []
    for call in study.spec.augment:
        if study.registry.augmentations[call.name].moves:
            continue
        message = f"`{call.name}` changes the values of pixels, and a pair must stay a pair"
        why = "it would be made to one image of a pair alone, and the network would learn to undo it"
        cure = "keep changes of place (flip, rotate90, shift); what images suffer is said by `degrade: {noise, blur}`"
        found += say(study, "S274", call.path, message, "is no change of place", why, cure)
    return found


def patches(study: Study) -> list[Diagnostic]:
    """What: training patches that the images or the network cannot give, or images too small to be judged.

    Why: a patch is a square of what is to come out and its counterpart in the image: its side must be a multiple of
    what the network enlarges and shrinks by, and it must lie within the image. The structural similarity looks at
    windows of 11 by 11 pixels.

    Bad:

        task: super_resolution
        input: {format: png, size: [64, 64], channels: mono, scale: 0..1}
        output: {factor: 2}
        patches: {size: 200}

    Good:

        task: super_resolution
        input: {format: png, size: [64, 64], channels: mono, scale: 0..1}
        output: {factor: 2}
        patches: {size: 48, per_image: 4}
    """
    factor, given = study.spec.output.factor, study.spec.patches
    height, width = (factor * length for length in sizes.small(study))
    border = study.spec.output.border if study.spec.output.border is not None else factor if factor > 1 else 0
    if min(height, width) - 2 * border < WINDOW:
        message = f"what is to come out has {height}x{width} pixels, too few to be judged"
        why = f"without a border of {border} pixels, a window of {WINDOW}x{WINDOW} must fit in"
        return say(study, "S275", ("input", "size"), message, "too small", why, "take larger images")
    found = sizes.sizes(study.graphs["network"], study.registry.ops) if "network" in study.graphs else None
    if found is None or given is None:
        return []
    unit = found.step * found.multiple
    least = found.lost + 1
    if not given.size % unit and least <= given.size <= min(height, width):
        return []
    message = f"patches of {given.size} pixels do not fit"
    why = f"what is to come out has {height}x{width} pixels, and the network takes off {found.lost}"
    cure = f"a multiple of {unit} from {-(-least // unit) * unit} to {min(height, width) // unit * unit}"
    return say(study, "S275", ("patches", "size"), message, f"must be a multiple of {unit} in the image", why, cure)


RULES = (
    Rule("S270", "restored_channels", channels, TASKS),
    Rule("S271", "restored_values", values, TASKS),
    Rule("S272", "pairs_of_images", pairs, TASKS),
    Rule("S273", "idle_restoration", idle, TASKS),
    Rule("S274", "paired_augmentation", augmentations, TASKS),
    Rule("S275", "fitting_patches", patches, TASKS),
)
