"""add, concat, multiply, from, mark: joins and branches."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from specc.errors import Diagnostic, Fix, Label, Note
from specc.layers.common import References
from specc.plugin import Arguments, Builder, Layer
from specc.shapes import Shape, show_shape


class Add(Arguments):
    """Arguments of add."""

    with_: References = Field(alias="with", description="id of the layer to add, or a list of ids")
    project: Literal["auto", "pad"] | None = Field(
        default=None,
        description="where shapes differ: `auto` (1x1 conv, then batchnorm; ResNet's option B) or `pad` (every "
        "stride-th pixel and channels of zeros; option A)",
    )


class Concat(Arguments):
    """Arguments of concat."""

    with_: References = Field(alias="with", description="id of the layer to join, or a list of ids; they come first")


class Multiply(Arguments):
    """Arguments of multiply."""

    with_: References = Field(alias="with", description="id of the layer to multiply by, or a list of ids")


class From(Arguments):
    """Arguments of from."""

    shorthand: ClassVar[str] = "source"
    source: str = Field(description="id of the layer to go on from")


def _add(builder: Builder, arguments: Add, value: str) -> str:
    target = builder.shape(value)
    named = []
    for other in _resolve(builder, arguments.with_):
        shape = builder.shape(other)
        if shape == target:
            named.append(other)
        elif arguments.project is None or not _projectable(shape, target):
            _refuse(builder, other, value, "add", arguments.project is None and _projectable(shape, target))
        else:
            named.append(_project(builder, other, target, arguments.project))
    return builder.add("add", (*named, value))


def _concat(builder: Builder, arguments: Concat, value: str) -> str:
    named = _resolve(builder, arguments.with_)
    for other in named:
        if builder.shape(other)[1:] != builder.shape(value)[1:]:
            _refuse(builder, other, value, "join", False)
    return builder.add("concat", (*named, value))


def _multiply(builder: Builder, arguments: Multiply, value: str) -> str:
    values = (*_resolve(builder, arguments.with_), value)
    images = any(len(builder.shape(name)) == 3 for name in values)
    vectors = tuple(i for i, name in enumerate(values) if images and len(builder.shape(name)) == 1)
    return builder.add("multiply", values, vectors=vectors)


def _resolve(builder: Builder, names: tuple[str, ...]) -> tuple[str, ...]:
    one = len(names) == 1
    return tuple(
        builder.resolve(name, builder.path("with") if one else builder.path("with", i)) for i, name in enumerate(names)
    )


def _stride(shape: Shape, target: Shape) -> int:
    """The one stride that takes a size to another, 0 where there is none."""
    steps = {max(1, -(-n // m)) for n, m in zip(shape[1:], target[1:], strict=True)}
    step = steps.pop()
    fits = not steps and all(-(-n // step) == m for n, m in zip(shape[1:], target[1:], strict=True))
    return step if fits else 0


def _projectable(shape: Shape, target: Shape) -> bool:
    return len(shape) == len(target) == 3 and _stride(shape, target) > 0


def _project(builder: Builder, other: str, target: Shape, how: str) -> str:
    shape = builder.shape(other)
    stride = _stride(shape, target)
    if how == "pad":
        missing = target[0] - shape[0]
        before = missing // 2
        return builder.add(
            "pad_channels", (other,), channels=target[0], stride=stride, before=before, after=missing - before
        )
    conv = builder.add(
        "conv2d",
        (other,),
        filters=target[0],
        kernel=(1, 1),
        stride=(stride, stride),
        padding=(0, 0),
        dilation=(1, 1),
        groups=1,
        bias=False,
    )
    return builder.add("batchnorm2d", (conv,), eps=1e-5, momentum=0.1)


def _what(shape: Shape) -> str:
    return f"a {shape[0]}-channel image" if len(shape) == 3 else f"a vector of {shape[0]}"


def _refuse(builder: Builder, other: str, value: str, verb: str, projectable: bool) -> None:
    left, right = builder.shape(other), builder.shape(value)
    same_channels = left[0] == right[0] and len(left) == len(right)
    names = (show_shape(left), show_shape(right)) if same_channels or verb == "join" else (_what(left), _what(right))
    rule = "same channels, height and width" if verb == "add" else "same height and width"
    fixes = [Fix(f"make both {show_shape(right)}")]
    if projectable:
        weights = left[0] * right[0] + 2 * right[0]
        fixes.insert(0, Fix(f"`project: auto` inserts a 1x1 conv and batchnorm, {weights:,} weights"))
    builder.fail(
        Diagnostic(
            "S302",
            f"cannot {verb} {names[0]} {'to' if verb == 'add' else 'with'} {names[1]}",
            builder.span("with"),
            builder.path("with"),
            f"shapes must be equal: {show_shape(left)} and {show_shape(right)}"
            if verb == "add"
            else f"height and width must be equal: {show_shape(left)} and {show_shape(right)}",
            labels=(
                Label(builder.origin(other), f"this one gives {show_shape(left)}"),
                Label(builder.origin(value), f"the main path has {show_shape(right)}"),
            ),
            notes=(
                Note("rule", f"layers.{'add' if verb == 'add' else 'concat'} - {rule}"),
                Note("more", "specc explain S302"),
            ),
            fixes=tuple(fixes),
        )
    )


def _from(builder: Builder, arguments: From, value: str) -> str:
    return builder.resolve(arguments.source, builder.path())


LAYERS = (
    Layer(
        "add",
        Add,
        _add,
        "Adds named outputs to the current path. Where shapes differ, `project: auto` puts a 1x1 convolution (stride = "
        "size ratio, no bias) and batchnorm on the `with` side, `project: pad` takes every stride-th pixel and adds "
        "channels of zeros, half before and half after.",
        "add: {with: input, project: auto}",
        "He et al. 2016, arXiv:1512.03385, section 3.3 (options A and B)",
    ),
    Layer(
        "concat",
        Concat,
        _concat,
        "Puts named outputs and the current path one after another along the channels: the named ones first.",
        "concat: {with: [enc1]}",
        "Ronneberger et al. 2015, arXiv:1505.04597, Fig. 1",
    ),
    Layer(
        "multiply",
        Multiply,
        _multiply,
        "Multiplies named outputs and the current path. Their shapes are equal, or some are gates: one number for each "
        "channel of the image (a vector, or C x 1 x 1), or one for each pixel (1 x H x W). Squeeze-and-excitation is "
        "`global_avgpool`, two `dense` layers, and `multiply: {with: ID}` of the image before them.",
        "multiply: {with: enc1}",
        "Hu et al. 2018, arXiv:1709.01507, eq. 4",
    ),
    Layer("from", From, _from, "Goes on from a named output; the next layer reads it.", "from: enc1"),
    Layer(
        "mark",
        Arguments,
        lambda builder, arguments, value: value,
        "Computes nothing: gives the current value a name.",
        "mark: {id: enc1}",
        internal=True,
    ),
)
