"""Variables, blocks and repeats: what comes out, where it says it stands, and what ids mean."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.errors import Path, SpeccError
from specc.expand import expand
from specc.source import Document, Mapping_, Node, Scalar, Sequence_, parse
from specc.text.arithmetic import ExpressionFault, calculate
from specc.text.names import as_name, why_no_name

RESIDUAL = """\
vars: {w: 16, twice: $(w * 2), sizes: [3, 5]}
name: resnet
model:
  layers:
    - conv2d: {filters: $w, kernel: $sizes, id: stem}
    - basic: {filters: $twice, id: enc1}
    - basic: {filters: $(twice * 2), stride: 2}
    - add: {with: [enc1.mid, stem, enc1.body.c, enc1]}
    - flatten
blocks:
  conv_bn:
    params: {filters: required, kernel: 3, stride: 1}
    layers:
      - conv2d: {filters: $filters, kernel: $kernel, stride: $stride, padding: same, bias: false, id: c}
      - batchnorm
  basic:
    params: {filters: required, stride: 1, half: $(filters // 2)}
    layers:
      - conv_bn: {filters: $half, stride: $stride, id: body}
      - relu: {id: mid}
      - conv_bn: {filters: $filters}
      - add: {with: input, project: auto}
      - relu
"""


def values(node: Node | None) -> object:
    """A tree as plain Python values."""
    if isinstance(node, Mapping_):
        return {key: values(entry.node) for key, entry in node.items.items()}
    if isinstance(node, Sequence_):
        return [values(item) for item in node.items]
    return None if node is None else node.value


def unfolded(text: str) -> Document:
    return expand(parse(text, "f.yaml"))


def layers(text: str, blocks: str = "", variables: str = "") -> object:
    """The layers that a list of items unfolds to."""
    whole = (f"vars: {variables}\n" if variables else "") + f"model:\n  layers:\n{text}"
    document = unfolded(whole + (f"blocks:\n{blocks}" if blocks else ""))
    return values(document.node(("model", "layers")))


def cut(document: Document, path: Path, definition: bool = False) -> str:
    """The text at a place."""
    span = document.definition(path) if definition else document.span(path)
    assert span is not None
    assert span.line == span.end_line
    return f"{span.line}: " + document.text.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1]


def test_a_residual_network() -> None:
    conv = {"padding": "same", "bias": False, "kernel": 3}
    assert values(unfolded(RESIDUAL).tree) == {
        "name": "resnet",
        "model": {
            "layers": [
                {"conv2d": {"filters": 16, "kernel": [3, 5], "id": "stem"}},
                {"mark": {"id": "@in:1"}},
                {"conv2d": {**conv, "filters": 16, "stride": 1, "id": "enc1.body.c"}},
                "batchnorm",
                {"mark": {"id": "enc1.body"}},
                {"relu": {"id": "enc1.mid"}},
                {"conv2d": {**conv, "filters": 32, "stride": 1, "id": "enc1.conv_bn1.c"}},
                "batchnorm",
                {"add": {"with": "@in:1", "project": "auto"}},
                "relu",
                {"mark": {"id": "enc1"}},
                {"mark": {"id": "@in:4"}},
                {"conv2d": {**conv, "filters": 32, "stride": 2, "id": "basic1.body.c"}},
                "batchnorm",
                {"mark": {"id": "basic1.body"}},
                {"relu": {"id": "basic1.mid"}},
                {"conv2d": {**conv, "filters": 64, "stride": 1, "id": "basic1.conv_bn1.c"}},
                "batchnorm",
                {"add": {"with": "@in:4", "project": "auto"}},
                "relu",
                {"add": {"with": ["enc1.mid", "stem", "enc1.body.c", "enc1"]}},
                "flatten",
            ]
        },
    }


def test_names_of_what_was_taken_out_stay_known() -> None:
    document = unfolded(RESIDUAL)
    assert list(document.vars) == ["w", "twice", "sizes"]
    assert {name: span.line for name, span in document.blocks.items()} == {"conv_bn": 11, "basic": 16}


def test_a_spec_without_any_of_it_stays_as_it_is() -> None:
    text = "name: x\nmodel: {layers: [relu, {conv2d: {filters: 3}}, {dropout: null}]}\n"
    document = parse(text, "f")
    assert expand(document).tree == document.tree


def test_expanding_twice_changes_nothing() -> None:
    once = unfolded("vars: {w: 2}\nmodel: {layers: [relu: {repeat: 2}, dense: {units: $w}]}\n")
    assert expand(once).tree == once.tree


# ---------------------------------------------------------------------- places


def test_places_of_variables() -> None:
    document = unfolded(RESIDUAL)
    filters = ("model", "layers", 0, "conv2d", "filters")
    assert (cut(document, filters), cut(document, filters, True)) == ("5: $w", "1: 16")
    kernel = ("model", "layers", 0, "conv2d", "kernel")
    assert (cut(document, kernel), cut(document, kernel, True)) == ("5: $sizes", "1: [3, 5]")
    assert (cut(document, (*kernel, 1)), cut(document, (*kernel, 1), True)) == ("5: $sizes", "1: 5")
    assert document.own_span(filters) is None


def test_places_inside_of_blocks() -> None:
    document = unfolded(RESIDUAL)
    layer = ("model", "layers", 2)
    assert cut(document, layer) == "6: basic", "the use in the network, not the one inside of another block"
    assert cut(document, (*layer, "conv2d", "padding")) == "6: basic"
    assert cut(document, (*layer, "conv2d", "padding"), True) == "14: same"
    assert cut(document, (*layer, "conv2d", "kernel"), True) == "12: 3", "the default"
    assert cut(document, (*layer, "conv2d", "stride"), True) == "17: 1"
    assert cut(document, ("model", "layers", 6, "conv2d", "filters")) == "6: $twice", "what the caller passed"
    assert document.key_span((*layer, "conv2d")).line == 6
    assert cut(document, ("model", "layers", 5, "relu", "id")) == "6: basic"
    assert cut(document, ("model", "layers", 10, "mark", "id")) == "6: enc1"
    assert document.definition(("model", "layers", 0)) is None
    (label,) = document.labels((*layer, "conv2d", "padding"))
    assert label.span.line == 14


def test_a_passed_value_stands_at_the_use_even_through_two_blocks() -> None:
    inner = "  a: {params: {n: required}, layers: [b: {m: $n}]}\n"
    inner += "  b: {params: {m: required}, layers: [dense: {units: $m}]}\n"
    document = unfolded(f"model:\n  layers:\n    - a: {{n: 77}}\nblocks:\n{inner}")
    path = ("model", "layers", 0, "dense", "units")
    assert (cut(document, path), document.definition(path) is not None) == ("3: 77", True)


# ---------------------------------------------------------------------- repeats and ids


def test_repeat() -> None:
    assert layers("    - relu: {repeat: 3, id: r}\n") == [{"relu": {}}, {"relu": {}}, {"relu": {"id": "r"}}]
    block = "  a: {layers: [relu: {id: x}, add: {with: x}]}\n"
    assert layers("    - a: {repeat: 2, id: r}\n    - add: {with: r.x}\n", block) == [
        {"relu": {"id": "a1.x"}}, {"add": {"with": "a1.x"}},
        {"relu": {"id": "r.x"}}, {"add": {"with": "r.x"}}, {"mark": {"id": "r"}},
        {"add": {"with": "r.x"}},
    ]  # fmt: skip
    assert layers("    - relu: {repeat: $(n + 1)}\n", variables="{n: 1}") == [{"relu": {}}] * 2


def test_each_repeat_of_a_block_has_its_own_input() -> None:
    block = "  a: {layers: [relu, add: {with: input}]}\n"
    got = layers("    - a: {repeat: 2}\n", block)
    assert isinstance(got, list)
    marks = [item["mark"]["id"] for item in got if "mark" in item]
    assert len(set(marks)) == 2
    assert got.index({"add": {"with": marks[0]}}) < got.index({"mark": {"id": marks[1]}})


def test_scopes_without_an_id_take_no_name_that_is_given() -> None:
    block = "  a: {layers: [relu: {id: x}]}\n"
    got = layers("    - relu: {id: a1}\n    - a\n    - a\n", block)
    assert got == [{"relu": {"id": "a1"}}, {"relu": {"id": "a2.x"}}, {"relu": {"id": "a3.x"}}]


def test_an_id_passed_as_parameter_is_the_callers() -> None:
    blocks = """\
  outer:
    params: {skip: required}
    layers:
      - relu: {id: x}
      - inner: {a: x, b: $skip, c: input, d: [x, $skip]}
  inner:
    params: {a: required, b: required, c: required, d: required, e: input, f: x}
    layers:
      - tanh: {id: x}
      - add: {with: [$a, $b, $c, x, $e, $f]}
      - add: {with: $d}
      - crop: {to: $b}
      - crop: {to: [4, 4]}
      - from: $a
"""
    got = layers("    - relu: {id: x}\n    - outer: {skip: x, id: o}\n", blocks)
    assert got == [
        {"relu": {"id": "x"}},
        {"mark": {"id": "@in:1"}},
        {"relu": {"id": "o.x"}},
        {"mark": {"id": "@in:2"}},
        {"tanh": {"id": "o.inner1.x"}},
        {"add": {"with": ["o.x", "x", "@in:1", "o.inner1.x", "@in:2", "o.inner1.x"]}},
        {"add": {"with": ["o.x", "x"]}},
        {"crop": {"to": "x"}},
        {"crop": {"to": [4, 4]}},
        {"from": "o.x"},
        {"mark": {"id": "o"}},
    ]


def test_outside_of_blocks_references_stay_as_written() -> None:
    text = "    - relu: {id: a}\n    - add: {with: [input, a, unknown]}\n    - from: a\n    - crop: {to: input}\n"
    assert layers(text) == [
        {"relu": {"id": "a"}}, {"add": {"with": ["input", "a", "unknown"]}}, {"from": "a"}, {"crop": {"to": "input"}},
    ]  # fmt: skip


def test_several_networks_have_ids_of_their_own() -> None:
    text = "networks:\n  g: {layers: [relu: {id: x}, b]}\n  d: {layers: [tanh: {id: x}, b]}\n"
    text += "blocks: {b: {layers: [elu: {id: y}]}}\n"
    assert values(unfolded(text).tree) == {
        "networks": {
            "g": {"layers": [{"relu": {"id": "x"}}, {"elu": {"id": "b1.y"}}]},
            "d": {"layers": [{"tanh": {"id": "x"}}, {"elu": {"id": "b1.y"}}]},
        }
    }


def test_a_parameter_may_name_a_layer_or_a_block() -> None:
    blocks = "  a: {params: {act: relu}, layers: [$act]}\n  b: {layers: [elu]}\n"
    assert layers("    - a\n    - a: {act: tanh}\n    - a: {act: b}\n", blocks) == ["relu", "tanh", "elu"]


def test_a_parameter_hides_a_variable() -> None:
    blocks = "  a: {params: {w: 2}, layers: [dense: {units: $w}]}\n  b: {layers: [dense: {units: $w}]}\n"
    got = layers("    - a\n    - b\n", blocks, "{w: 1}")
    assert got == [{"dense": {"units": 2}}, {"dense": {"units": 1}}]


def test_quoted_text_is_never_a_variable() -> None:
    text = "vars: {w: 1}\na: ['$w', \"$(w)\", $5, US$]\nb: |\n  $w\nc: >-\n  $w\n"
    assert values(unfolded(text).tree) == {"a": ["$w", "$(w)", "$5", "US$"], "b": "$w\n", "c": "$w"}


def test_faults_of_a_block_are_told_once_with_the_use() -> None:
    text = "model: {layers: [a, a, a]}\nblocks: {a: {layers: [dense: {units: $n}]}}\n"
    with pytest.raises(SpeccError) as caught:
        unfolded(text)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, len(diagnostic.labels)) == ("S160", 1)
    assert caught.value.texts == {"f.yaml": text}


# ---------------------------------------------------------------------- arithmetic and names


@pytest.mark.parametrize(
    ("text", "value"),
    [("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("-w + 1", -7), ("--w", 8), ("w // 3 * 3 + w % 3", 8), ("7 % 4 % 2", 1),
     ("2 - 3 - 4", -5), ("16 // 2 // 2", 4), ("w * 0.5", 4.0), ("1e2 // 1", 100.0), ("+w", 8), ("-7 // 2", -4),
     (" ( ( w ) ) ", 8), ("1.", 1.0), (".5 + .5", 1.0)],
)  # fmt: skip
def test_arithmetic(text: str, value: float) -> None:
    got = calculate(text, lambda name, at: {"w": 8}[name])
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "at"),
    [("", 0), ("1 +", 3), ("1 2", 2), ("(1", 0), ("1)", 1), ("1 / 2", 2), ("2 ** 3", 2), ("1 // 0", 2), ("5 % 0", 2),
     ("9" * 16, 0), ("1e15 * 2", 5), ("a.b", 1), ("f(1)", 1), ("[1]", 0), ("1 == 1", 2), ("'a'", 0), ("$w", 0),
     ("1" + "+1" * 200, 0), ("(" * 33 + "1" + ")" * 33, 32), ("-" * 33 + "1", 32), ("１", 0), ("0x10", 1), ("1_0", 1)],
)  # fmt: skip
def test_arithmetic_that_is_refused(text: str, at: int) -> None:
    with pytest.raises(ExpressionFault) as caught:
        calculate(text, lambda name, at: 1)
    assert (caught.value.at, bool(caught.value.message)) == (at, True)


@given(st.text(alphabet="0123456789wx+-*/%(). ", max_size=30))
@settings(max_examples=1000, deadline=None)
def test_arithmetic_agrees_with_python(text: str) -> None:
    try:
        ours = calculate(text, lambda name, at: {"w": 8, "x": 3}.get(name, 1))
    except ExpressionFault:
        return
    names = dict.fromkeys(re.findall(r"[wx][wx0-9]*", text), 1) | {"w": 8, "x": 3}
    assert ours == eval(text.strip(), {"__builtins__": {}}, names)


@pytest.mark.parametrize("name", ["a", "enc1", "a_b", "x" * 64, "match", "torch", "self"])
def test_good_names(name: str) -> None:
    assert why_no_name(name) == ""


@pytest.mark.parametrize(
    "name", ["", "A", "1a", "_a", "a-b", "a b", "é", "ﬁ", "class", "None", "x" * 65, "input", "a\n"]
)
def test_bad_names(name: str) -> None:
    assert why_no_name(name)
    assert as_name(name) == "" or why_no_name(as_name(name)) == ""


def test_scalars_made_by_arithmetic_have_text() -> None:
    node = unfolded("vars: {w: 3}\na: $(w * 2)\n").node(("a",))
    assert isinstance(node, Scalar)
    assert (node.value, node.raw, node.quoted) == (6, "6", False)


TWO = """\
name: cycle
vars: {w: 4}
networks:
  a_to_b:
    input: image
    layers: [{conv2d: {filters: $w, kernel: 3}}]
  b_to_a: {use: a_to_b}
  third: {use: b_to_a, input: other}
"""


def test_use_is_another_instance_of_a_definition() -> None:
    document = unfolded(TWO)
    for name in ("a_to_b", "b_to_a", "third"):
        assert values(document.node(("networks", name, "layers"))) == [{"conv2d": {"filters": 4, "kernel": 3}}]
        assert document.node(("networks", name, "use")) is None
    assert [values(document.node(("networks", name, "input"))) for name in ("b_to_a", "third")] == ["image", "other"]


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "help_"),
    [
        ("{use: a_to_b}", "{use: a_to_c}", 7, "no network is called `a_to_c`", "did you mean `a_to_b`?"),
        ("{use: a_to_b}", "{use: third}", 8, "`b_to_a` uses itself", "did you mean `a_to_b`?"),
        ("{use: a_to_b}", "{use: b_to_a}", 7, "`b_to_a` uses itself", "did you mean `a_to_b`?"),
        ("{use: a_to_b}", "{use: [a_to_b]}", 7, "no network is called ``", "name a network that has `layers`"),
        ("{use: a_to_b}", "{use: a_to_b, layers: []}", 7, "`b_to_a` takes the definition of `a_to_b`", "leave out"),
    ],
)
def test_bad_uses(old: str, new: str, line: int, message: str, help_: str) -> None:
    with pytest.raises(SpeccError) as caught:
        unfolded(TWO.replace(old, new))
    fault = next(one for one in caught.value.diagnostics if message in one.message)
    assert fault.code == "S173" and fault.span is not None and fault.span.line == line
    assert help_ in fault.notes[0].text
