"""Layers of the core set used in a wrong way: one message, at its place, with the way of the sizes."""

from __future__ import annotations

import pytest
from front_end import found
from test_more_layers import text_of

VECTOR = "flatten\n"
WRONG = [  # layers (12 rows, 10 columns, 3 channels), code, what the message points at, a part of the message
    (f"{VECTOR}adaptive_avgpool: {{size: 7}}", "S303", "adaptive_avgpool", "needs an image"),
    (f"{VECTOR}global_maxpool", "S303", "global_maxpool", "needs an image"),
    (f"{VECTOR}local_response_norm: {{size: 5}}", "S303", "local_response_norm", "needs an image"),
    (f"{VECTOR}select: {{channels: [0]}}", "S303", "select", "needs an image"),
    (f"{VECTOR}groupnorm: {{groups: 1}}", "S303", "groupnorm", "needs an image"),
    (f"{VECTOR}instancenorm", "S303", "instancenorm", "needs an image"),
    (f"{VECTOR}l2norm", "S303", "l2norm", "needs an image"),
    (f"{VECTOR}spatial_dropout: {{rate: 0.5}}", "S303", "spatial_dropout", "needs an image"),
    (f"{VECTOR}upsample", "S303", "upsample", "needs an image"),
    (f"{VECTOR}pixel_shuffle", "S303", "pixel_shuffle", "needs an image"),
    (f"{VECTOR}pad: {{size: 1}}", "S303", "pad", "needs an image"),
    (f"{VECTOR}crop: {{to: [1, 1]}}", "S303", "crop", "needs an image"),
    (f"{VECTOR}upconv2d: {{filters: 1, kernel: 2}}", "S303", "upconv2d", "needs an image"),
    ("maxout: {units: 2, pieces: 2}", "S305", "maxout", "a maxout layer needs a vector"),
    (f"{VECTOR}embedding: {{classes: 3, units: 2}}", "S303", "embedding", "needs one class number"),
    ("select: {channels: [0, 3]}", "S313", "[0, 3]", "no channel 3"),
    ("groupnorm: {groups: 2}", "S304", "2", "3 channels cannot be divided into 2 groups"),
    ("pixel_shuffle: {factor: 2}", "S304", "2", "3 channels cannot be divided into groups of 4"),
    ("upconv2d: {filters: 4, kernel: 2, groups: 3}", "S304", "3", "cannot be divided"),
    ("adaptive_avgpool: {size: 1}\ninstancenorm", "S310", "instancenorm", "a single value"),
    ("adaptive_avgpool: {size: 1}\ngroupnorm: {groups: 3}", "S310", "groupnorm", "a single value"),
    ("crop: {to: [13, 4]}", "S314", "[13, 4]", "cannot cut 13x4 out of an image of 12x10"),
    ("crop: {to: 4, at: [0, 7]}", "S314", "[0, 7]", "begins at [0, 7]"),
    ("conv2d: {filters: 3, kernel: 5, id: a}\ncrop: {to: input}", "S314", "input", "cannot cut 12x10"),
    ("crop: {to: nobody}", "S309", "nobody", "nothing before this layer"),
    ("global_avgpool: {id: v}\nfrom: input\ncrop: {to: v}", "S303", "v", "takes the size of an image"),
    ("pad: {size: 10, mode: reflect}", "S306", "10", "too few pixels"),
    ("upconv2d: {filters: 1, kernel: 2, padding: 7}", "S306", "7", "takes away all of its output"),
    ("upconv2d: {filters: 1, kernel: 2, stride: 2, output_padding: 2}", "S306", "2", "smaller than its stride"),
    ("upconv2d: {filters: 1, kernel: 2, padding: same}", "S307", "same", "cannot be symmetric"),
    ("upconv2d: {filters: 1, kernel: 4, stride: 2, padding: same, output_padding: 1}", "S307", "same", "cannot be"),
    ("reshape: {to: [3, 3, 3]}", "S312", "[3, 3, 3]", "3x3x3 needs 27 values, and there are 360"),
    ("reshape: {to: [36, 10]}", "S312", "[36, 10]", "has two numbers"),
    ("maxpool: {size: 2, id: a}\nfrom: input\nmultiply: {with: a}", "S302", "a", "cannot multiply 3x6x5 and 3x12x10"),
    ("maxpool: {size: 2, id: a}\nmaxpool: {size: 2}\nunpool: {with: a}", "S302", "a", "do not fit"),
    ("avgpool: {size: 2, id: a}\nunpool: {with: a}", "S315", "a", "`a` is none"),
    ("unpool: {with: input}", "S315", "input", "`input` is none"),
    ("conv2d: {filters: 1, kernel: 2, init: bilinear}", "S316", "bilinear", "is for `upconv2d`"),
    ("flatten\nmaxout: {units: 1, pieces: 2, init: {weights: bilinear}}", "S316", "bilinear", "is for `upconv2d`"),
    ("upsample: {mode: cubic}", "S104", "cubic", ""),
    ("dropout", "S103", "dropout", ""),
    ("reshape: {to: [1, 2, 3, 4]}", "S104", "[1, 2, 3, 4]", ""),
    ("pad: {size: [1, 2, 3]}", "S104", "[1, 2, 3]", ""),
    ("maxout: {units: 2}", "S103", "maxout", ""),
    ("conv2d: {filters: 1, kernel: 2, lr_scale: -1}", "S104", "-1", ""),
]


@pytest.mark.parametrize(
    ("layers", "code", "place", "message"), WRONG, ids=[f"{c[1]} {c[0].split()[-1]}" for c in WRONG]
)
def test_a_wrong_use_is_refused_at_its_place(layers: str, code: str, place: str, message: str) -> None:
    text = text_of(layers)
    fault = found(text)[0]
    assert fault.code == code
    assert message in fault.message
    assert fault.span is not None
    line = text.split("\n")[fault.span.line - 1]
    pointed = line[fault.span.column - 1 : fault.span.end_column - 1]
    assert pointed == place
    assert fault.severity == "error"
    if code[1] == "3":
        assert any(note.kind == "help" for note in fault.notes) or fault.fixes or fault.label


def test_bilinear_for_every_layer_is_refused() -> None:
    (fault,) = found(text_of("relu") + "init: bilinear\n")
    assert fault.code == "S316"
    assert fault.path == ("init",)


TRACES = [
    ("upsample\nmaxpool: {size: 20}\nconv2d: {filters: 1, kernel: 3}",
     "10 -upsample-> 20 -pool-> 1 -conv3-> 0", "[30, 30]"),
    ("pad: {size: 1}\ncrop: {to: 4}\nmaxpool: {size: 5}", "10 -pad-> 12 -crop-> 4 -pool-> 0", ""),
    ("upconv2d: {filters: 2, kernel: 3, stride: 2}\navgpool: {size: 11}\nconv2d: {filters: 1, kernel: [2, 1]}",
     "10 -upconv3-> 21 -avgpool-> 1 -conv2x1-> 0", "[11, 10]"),
    ("adaptive_avgpool: {size: 2}\nconv2d: {filters: 1, kernel: 3}", "10 -adaptive_avgpool-> 2 -conv3-> 0", ""),
    ("maxpool: {size: 2, id: p}\nunpool: {with: p}\nmaxpool: {size: 11}", "10 -pool-> 5 -unpool-> 10 -pool-> 0", ""),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "trace", "size"), TRACES, ids=[t[0].split(":")[0] for t in TRACES])
def test_the_trace_follows_every_change_of_size(layers: str, trace: str, size: str) -> None:
    fault = found(text_of(layers, (10, 10)))[0]
    notes = {note.kind: note.text for note in fault.notes}
    assert fault.code == "S301"
    assert notes["trace"] == trace
    if size:
        assert f"use `size: {size}` or more" in notes["help"]
        height, width = map(int, size.strip("[]").split(","))
        assert found(text_of(layers, (height, width))) == ()
        assert found(text_of(layers, (height - 1, width)))[0].code == "S301"
    assert fault.labels[0].text.startswith("leaves ")
