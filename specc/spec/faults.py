"""pydantic's complaints as diagnostics: where, what was expected in plain words, the nearest known name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails, PydanticUndefined

from specc.errors import Diagnostic, Edit, Fix, Note, Path
from specc.source import Document, Mapping_, Node, Scalar, Sequence_
from specc.spec.words import phrase, schema_of

_FORM = "of the form below"
_SHOWN = 8  # so many names at most in one list
_ELSEWHERE = {  # what other libraries and people call it
    "mono": ("grey", "gray", "greyscale", "grayscale", "l", "1", "bw", "monochrome"),
    "rgb": ("color", "colour", "3", "bgr", "rgba"),
    "0..1": ("0-1", "0:1", "[0, 1]", "0,1", "unit", "minmax", "min_max", "0...1", "01", "rescale"),
    "-1..1": ("-1-1", "-1:1", "[-1, 1]", "-1...1", "symmetric"),
    "standardize": ("standardise", "zscore", "z-score", "z_score", "normalize", "normalise", "imagenet"),
    "jpeg": ("jpg",),
    "tiff": ("tif",),
    "dicom": ("dcm",),
    "fit": ("letterbox", "pad", "contain"),
    "stretch": ("squash", "distort"),
    "learning_rate": ("lr", "step_size", "base_lr"),
    "filters": ("out_channels", "num_output", "features", "maps"),
    "kernel": ("kernel_size", "filter_size", "ksize"),
    "size": ("pool_size", "kernel_size", "kernel", "shape"),
    "stride": ("strides", "subsample"),
    "units": ("out_features", "neurons", "num_output", "nodes"),
    "rate": ("p", "prob", "probability", "dropout_ratio"),
    "slope": ("negative_slope", "alpha"),
    "bias": ("use_bias",),
    "batch_size": ("batch", "minibatch", "mini_batch"),
    "epochs": ("max_epochs", "num_epochs", "max_epoch"),
    "patience": ("wait",),
    "schedule": (
        *("scheduler", "lr_schedule", "lr_scheduler", "learning_rate_schedule", "lr_policy", "learning_rate_scheduler"),
        "learning_rate_decay",
    ),
    "grad_clip": (
        *("clip", "clipnorm", "clipvalue", "clip_norm", "gradient_clip", "gradient_clipping", "gradient_clip_val"),
        *("clip_grad", "clip_grad_norm", "max_grad_norm"),
    ),
    "accumulate": ("accumulate_grad_batches", "gradient_accumulation_steps", "gradient_accumulation", "grad_accum"),
    "ema": ("ema_decay", "moving_average", "average", "weight_averaging", "swa"),
    "precision": ("amp", "mixed_precision", "fp16", "half", "dtype"),
    "bf16": ("bfloat16", "bf16-mixed"),
    "float16": ("fp16", "half", "16", "16-mixed", "f16"),
    "float32": ("fp32", "32", "full", "single", "f32"),
    "phases": ("stages", "finetune", "fine_tune"),
    "freeze": ("frozen", "freeze_layers", "trainable"),
    "plateau": ("reduce_on_plateau", "reducelronplateau", "reduce_lr_on_plateau"),
    "one_cycle": ("onecycle", "onecyclelr", "1cycle"),
    "polynomial": ("poly", "polynomiallr"),
    "exponential": ("exp", "exponentiallr"),
    "step": ("multistep", "multi_step", "steplr", "multisteplr", "piecewise"),
    "cosine": ("cosineannealinglr", "cosine_annealing", "cos"),
    "constant": ("fixed", "none"),
    "watch": ("monitor",),
    "with": ("inputs", "other"),
    "id": ("name",),
    "classes": ("labels", "class_names"),
    "conv2d": ("conv", "convolution", "convolution2d", "conv2"),
    "dense": ("linear", "fc", "affine", "fully_connected", "innerproduct", "inner_product"),
    "maxpool": ("max_pool", "maxpool2d", "max_pooling", "maxpooling2d", "max_pooling2d", "pool"),
    "avgpool": ("avg_pool", "avgpool2d", "averagepooling2d", "average_pooling2d", "avg_pooling"),
    "global_avgpool": ("gap", "global_average_pooling", "globalaveragepooling2d"),
    "batchnorm": ("bn", "batch_norm", "batchnorm2d", "batchnormalization", "batch_normalization"),
    "upconv2d": (
        *("deconv", "deconv2d", "deconvolution", "conv_transpose2d", "convtranspose2d", "conv2d_transpose"),
        *("conv2dtranspose", "transposed_conv2d", "up_conv", "upconv"),
    ),
    "global_maxpool": ("global_max_pooling", "globalmaxpooling2d", "gmp"),
    "adaptive_avgpool": ("adaptive_avg_pool2d", "adaptiveavgpool2d"),
    "groupnorm": ("gn", "group_norm", "groupnormalization"),
    "instancenorm": ("in", "instance_norm", "instancenorm2d"),
    "layernorm": ("ln", "layer_norm", "layernormalization"),
    "local_response_norm": ("lrn", "localresponsenorm", "cross_map_lrn"),
    "l2norm": ("l2_norm", "normalize"),
    "spatial_dropout": ("dropout2d", "spatialdropout2d"),
    "gaussian_noise": ("noise", "gaussiannoise"),
    "upsample": ("upsampling", "upsampling2d", "resize", "interpolate"),
    "pixel_shuffle": ("pixelshuffle", "depth_to_space", "subpixel"),
    "pad": ("zero_pad", "zeropadding2d", "zeropad2d", "reflectionpad2d"),
    "crop": ("cropping2d", "centercrop", "center_crop"),
    "multiply": ("mul", "scale", "eltwise"),
    "unpool": ("maxunpool2d", "max_unpool2d", "unpooling"),
    "prelu": ("parametric_relu",),
    "concat": ("cat", "concatenate", "merge", "join"),
    "silu": ("swish",),
    "leaky_relu": ("lrelu", "leakyrelu"),
    "rotate": ("rotation", "random_rotation"),
    "shift": ("translate", "translation"),
    "flip": ("mirror",),
    "he_normal": ("kaiming_normal", "kaiming", "msra"),
    "he_uniform": ("kaiming_uniform",),
    "glorot_uniform": ("xavier", "xavier_uniform"),
    "glorot_normal": ("xavier_normal",),
}


_OPTIMIZER = {
    "learning_rate": "optimizer: {adam: {learning_rate: 0.001}}",
    "weight_decay": "optimizer: {adam: {weight_decay: 0.0001}}",
    "momentum": "optimizer: {sgd: {learning_rate: 0.01, momentum: 0.9}}",
}


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Known names that mean the same elsewhere, then those that look like the word, best first."""
    pool = list(known)
    elsewhere = [name for name in pool if word.lower() in _ELSEWHERE.get(name, ())]
    return elsewhere + [name for name in _alike(word, pool) if name not in elsewhere]


def same_letters(word: str, known: Iterable[str]) -> str | None:
    """The known name that differs by capitals, hyphens and underscores alone."""
    plain = word.lower().replace("-", "").replace("_", "")
    return next((name for name in known if name.lower().replace("_", "") == plain), None)


def _alike(word: str, pool: list[str]) -> list[str]:
    import difflib

    lowered = {name.lower(): name for name in pool}
    hits = difflib.get_close_matches(word.lower(), lowered, n=3, cutoff=0.6)
    hits += [name for name in lowered if name not in hits and len(word) > 2 and word.lower() in name][:2]
    return [lowered[hit] for hit in hits]


def listed(names: Iterable[str]) -> str:
    """`a`, `b`, `c` ... of them."""
    pool = list(names)
    shown = ", ".join(f"`{name}`" for name in pool[:_SHOWN])
    return shown if len(pool) <= _SHOWN else f"{shown} and {len(pool) - _SHOWN} more"


def rename(document: Document, path: Path, known: Iterable[str], *, key: bool, safe: bool = False) -> tuple[Fix, ...]:
    """The fix `did you mean`, with its edit where the text is the spec's own."""
    word = str(path[-1]) if key else ""
    node = document.node(path)
    if isinstance(node, Scalar) and not key:
        word = node.raw
    hits = nearest(word, known)
    if not hits:
        return ()
    own = document.own_span(path if not key else path[:-1])
    span = document.key_span(path) if key else document.span(path)
    return (Fix(f"did you mean `{hits[0]}`?", () if own is None else (Edit(span, hits[0]),), safe),)


def translate(
    document: Document, errors: Iterable[ErrorDetails], model: type[BaseModel], base: Path, word: str = ""
) -> list[Diagnostic]:
    """Diagnostics for the errors of one model whose mapping stands at `base`; one for each place.

    `word` is the name of the call whose arguments they are, where it stands bare.
    """
    found: dict[Path, Diagnostic] = {}
    for error in errors:
        path, rest = follow(document, base, error["loc"])
        absent = error["type"] == "missing" and not isinstance(error["loc"][-1], int)
        if absent:
            path = (*path, rest[-1])
        if path not in found:
            owner, key = owning(model, path[len(base) :])
            if absent:
                found[path] = missing_key(document, path, owner, word=word)
            elif error["type"] == "extra_forbidden":
                found[path] = unknown_key(document, path, fields(owner))
            else:
                found[path] = _wrong(document, error, path, expected(error, model, path[len(base) :]), owner, key)
    meant = {  # keys that are there under another name: they are not missing as well
        (*path[:-1], (nearest(str(path[-1]), fields(owning(model, path[len(base) :])[0])) or [""])[0])
        for path, fault in found.items()
        if fault.code == "S102"
    }
    above = {path[:n] for path in found for n in range(len(base), len(path))}  # a member of a choice that was not meant
    return [
        fault for path, fault in found.items() if path not in above and not (fault.code == "S103" and path in meant)
    ]


def follow(document: Document, base: Path, loc: tuple[str | int, ...]) -> tuple[Path, tuple[str | int, ...]]:
    """The part of pydantic's place that exists in the text (names of union members do not), and the rest."""
    path, node = base, document.node(base)
    rest: list[str | int] = []
    for key in loc:
        child: Node | None = None
        if isinstance(node, Mapping_) and isinstance(key, str):
            child = node.get(key)
        elif isinstance(node, Sequence_) and isinstance(key, int) and key < len(node.items):
            child = node.items[key]
        if child is None:
            rest.append(key)
        else:
            path, node = (*path, key), child
            rest.clear()
    return path, tuple(rest)


def owning(model: type[BaseModel], path: Path) -> tuple[type[BaseModel], str]:
    """The model that the last named key of a path belongs to, and that key."""
    owner, key = model, ""
    for i, part in enumerate(path):
        if isinstance(part, str):
            key = part
            inner = _inner(owner, part)
            if inner is not None and i + 1 < len(path):
                owner = inner
    return owner, key


def _inner(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    field = fields(model).get(key)
    if field is None:
        return None
    waiting = [field.annotation]
    for candidate in waiting:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
        waiting += get_args(candidate)
    return None


def fields(model: type[BaseModel]) -> dict[str, Any]:
    """Fields by the name that stands in a spec."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _wrong(
    document: Document, error: ErrorDetails, path: Path, wanted: str, model: type[BaseModel], key: str
) -> Diagnostic:
    node, where = document.node(path), _where(path)
    notes = [Note("note", f"`{key}`: {fields(model)[key].description}")] if key in fields(model) else []
    fixes: tuple[Fix, ...] = ()
    if isinstance(node, Scalar):
        if wanted.endswith(_FORM) and node.raw:
            return _form(document, node, path, where, model, key)
        if node.quoted and "number" in wanted and node.raw.lstrip("-").replace(".", "", 1).isdigit():
            notes.insert(0, Note("help", "quotes make it text: leave them out"))
        fixes = rename(document, path, choices(model, key), key=False) or _twice(document, node, path, wanted)
    return Diagnostic(
        "S104",
        f"`{where}` must be {wanted}{_got(node)}" if wanted else f"`{where}`: {_plainly(error)}",
        document.span(path),
        path,
        f"expected {wanted}" if wanted else "",
        labels=document.labels(path),
        notes=(*notes, Note("more", "specc explain S104")),
        fixes=fixes,
    )


def _form(document: Document, node: Scalar, path: Path, where: str, model: type[BaseModel], key: str) -> Diagnostic:
    """A text of another form than its key wants; what it wants stands in the key's description."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", node.raw).strip("-_")[:64]
    own = document.own_span(path)
    fix = Fix(f"write `{plain}`", () if own is None else (Edit(own, plain),))
    return Diagnostic(
        "S104",
        f"`{where}` cannot be `{node.raw[:60]}`",
        document.span(path),
        path,
        (fields(model)[key].description or "").partition(";")[0],
        labels=document.labels(path),
        notes=(Note("more", "specc explain S104"),),
        fixes=(fix,) if plain and plain != node.raw else (),
    )


def _twice(document: Document, node: Scalar, path: Path, wanted: str) -> tuple[Fix, ...]:
    """One number where two are wanted."""
    own = document.own_span(path)
    if not wanted.startswith("a list of 2") or not isinstance(node.value, int | float) or isinstance(node.value, bool):
        return ()
    return (Fix(f"write `[{node.raw}, {node.raw}]`", () if own is None else (Edit(own, f"[{node.raw}, {node.raw}]"),)),)


def _where(path: Path) -> str:
    """`rotate.degrees`, `size[0]`: the last two names, and the positions after them."""
    last = max((i for i, part in enumerate(path) if isinstance(part, str)), default=0)
    names = [part for part in path[: last + 1] if isinstance(part, str)][-2:]
    return ".".join(names or ["the spec"]) + "".join(f"[{part}]" for part in path[last + 1 :])


def _plainly(error: ErrorDetails) -> str:
    return error["msg"].removeprefix("Value error, ")


def _got(node: Node | None) -> str:
    if isinstance(node, Mapping_):
        return ", not a group of keys"
    if isinstance(node, Sequence_):
        return f", not a list of {len(node.items)}"
    if isinstance(node, Scalar):
        return ", and nothing stands here" if node.value is None and not node.raw else f", not `{node.raw[:60]}`"
    return ""


def unknown_key(document: Document, path: Path, known: Iterable[str]) -> Diagnostic:
    """A key that the language does not have at this place."""
    names = list(known)
    where = f" in `{path[-2]}`" if len(path) > 1 and isinstance(path[-2], str) else ""
    place = _belongs(str(path[-1])) if not nearest(str(path[-1]), names) else ""
    return Diagnostic(
        "S102",
        f"unknown key `{path[-1]}`{where}",
        document.key_span(path),
        path,
        "not a key of the language here",
        notes=(
            *((Note("help", place),) if place else ()),
            Note("note", f"known here: {listed(names)}" if names else "no keys are known here"),
            Note("more", "specc explain S102"),
        ),
        fixes=rename(document, path, names, key=True),
    )


def _belongs(key: str) -> str:
    """Where else in a spec a key has its place, in words; empty where nowhere."""
    for name, example in _OPTIMIZER.items():
        if key.lower() in (name, *_ELSEWHERE.get(name, ())):
            return f"`{name}` belongs to the optimizer, as in `{example}`"
    places = sorted(path for path in _places() if path.rpartition(".")[2] == key.lower())
    return f"`{key.lower()}` belongs into `{places[0].rpartition('.')[0]}`" if places else ""


def _places() -> Iterator[str]:
    """Every key below another, as `train.early_stop.patience`."""
    from specc.spec.keys import FIXED

    waiting = [(name, annotation) for name, (annotation, _) in FIXED.items()]
    for path, annotation in waiting:
        for part in (annotation, *get_args(annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                below = [(f"{path}.{name}", field.annotation) for name, field in fields(part).items()]
                yield from (name for name, _ in below)
                waiting += below


def missing_key(
    document: Document, path: Path, model: type[BaseModel], advice: tuple[Note, ...] = (), word: str = ""
) -> Diagnostic:
    """A required key that is absent; points at the group that it belongs into."""
    key, parent = str(path[-1]), path[:-1]
    names = [word] if word else [str(part) for part in parent if isinstance(part, str)]
    field = fields(model).get(key)
    text = field.description if field is not None and field.default is PydanticUndefined else ""
    into = f"`{names[-1]}`" if names else "the top level of the spec"
    bare = word and isinstance(document.node(parent), Scalar)
    span = document.key_span(parent) if parent and not bare else document.span(parent)
    return Diagnostic(
        "S103",
        f"`{key}` is missing: it belongs into {into}",
        span,
        path,
        f"needs `{key}`",
        notes=(
            *((Note("note", f"`{key}`: {text}"),) if text else ()),
            *advice,
            Note("more", "specc explain S103"),
        ),
    )


def choices(model: type[BaseModel], key: str) -> tuple[str, ...]:
    """The words that a key may take."""
    return tuple(_choices(schema_of(model, (key,))))


def _choices(schema: dict[str, Any]) -> list[str]:
    names = [str(name) for name in schema.get("enum", ())]
    if "const" in schema:
        names.append(str(schema["const"]))
    for part in schema.get("anyOf", ()):
        names += _choices(part)
    return names


def expected(error: ErrorDetails, model: type[BaseModel], path: Path) -> str:
    """What stands right at a path below a model, in plain words; empty where a validator has words of its own."""
    if error["type"] == "value_error":
        return ""
    return phrase(schema_of(model, path), limits=error["type"].startswith("less_than"))
