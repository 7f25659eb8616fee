"""The strict models of a spec: what is read, what is refused and where."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from front_end import FILE, examine, found, study
from pydantic import Field, ValidationError

from specc import source
from specc.core import PLUGIN
from specc.errors import SpeccError
from specc.expand import expand
from specc.lower.front import front
from specc.plugin import Arguments, Plugin, Task
from specc.registry import Registry, core, merge
from specc.rules.examples import complete
from specc.spec import read
from specc.tasks import TASKS

SPECS = sorted((Path(__file__).resolve().parent.parent / "specs").glob("*.yaml"))


def spec_of(fragment: str) -> Any:
    return study(complete(fragment)).spec


# ------------------------------------------------------------------ what is read


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_example_specs_are_clean(path: Path) -> None:
    result, diagnostics = front(source.load(path), core())
    assert result is not None
    assert diagnostics == ()


def test_values_and_defaults() -> None:
    spec = spec_of("""
augment:
  - rotate: {degrees: 10}
  - flip: {axis: horizontal}
train: {epochs: 20, batch_size: 32, early_stop: {patience: 5}}
optimizer: {sgd: {learning_rate: 1e-2, momentum: 0.9}}
card: {background: none yet}
""")
    assert (spec.specc, spec.name, spec.task) == (1, "example", "classification")
    assert spec.input.size == (32, 32)
    assert spec.input.window is spec.input.frame is spec.init is None
    assert [(call.name, call.path) for call in spec.augment] == [("rotate", ("augment", 0)), ("flip", ("augment", 1))]
    assert spec.augment[1].args.probability == 0.5
    assert (spec.train.seed, spec.train.shuffle, spec.train.drop_last, spec.train.workers) == (42, True, False, "auto")
    assert (spec.train.early_stop.watch, spec.train.early_stop.min_delta) == ("val_loss", 0)
    (loss,) = spec.loss["network"]
    assert (loss.name, loss.args.weight) == ("binary_cross_entropy", 1.0)
    sgd = spec.optimizer["network"]
    assert (sgd.args.learning_rate, sgd.args.nesterov) == (0.01, False)
    assert spec.card == {"background": "none yet"}
    convolution = spec.model.layers[0]
    assert convolution.args.kernel == (5, 5)
    assert convolution.args.activation.name == "relu"


def test_bare_optimizer_has_the_papers_settings() -> None:
    args = spec_of("optimizer: adam").optimizer["network"].args
    assert args.model_dump() == {
        "learning_rate": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "decay": "weights",
    }  # fmt: skip


def test_specs_are_frozen() -> None:
    spec = spec_of("name: x")
    with pytest.raises(ValidationError):
        spec.name = "y"
    with pytest.raises(ValidationError):
        spec.train.epochs = 3


def test_text_fields_take_the_raw_text() -> None:
    classes = "[0, 1, 4A, no, 007, 1e3, true, null, 1.50, 12:30, 2020-01-01, '', ~]"
    spec = read(source.parse(complete(f"output: {{classes: {classes}}}"), FILE), core())
    assert spec.output.classes == (
        *("0", "1", "4A", "no", "007", "1e3", "true", "null", "1.50", "12:30", "2020-01-01", "", "~"),
    )
    data = "data:\n  manifest: 7\n  columns: {image: 1, label: 02}\n  split: {train: 80, val: 20, group: 'none'}\n"
    spec = spec_of(data)
    assert (spec.data.manifest, spec.data.columns) == ("7", {"image": "1", "label": "02"})


def test_polymorphic_values() -> None:
    layers = """
model:
  layers:
    - conv2d: {filters: 4, kernel: [3, 5], padding: [1, 2], activation: {leaky_relu: {slope: 0.2}}}
    - conv2d: {filters: 4, kernel: 3, padding: same, id: a}
    - batchnorm:
    - add: {with: [a]}
    - flatten: {}
    - dense: {units: 1, activation: sigmoid}
"""
    parts = spec_of(layers).model.layers
    assert (parts[0].args.kernel, parts[0].args.padding) == ((3, 5), (1, 2))
    assert (parts[0].args.activation.name, parts[0].args.activation.args.slope) == ("leaky_relu", 0.2)
    assert parts[1].args.padding == "same"
    assert parts[3].args.with_ == ("a",)
    for window, value in (("auto", "auto"), ("none", "none"), ("{center: 40, width: 400}", (40, 400))):
        text = "input: {format: dicom, size: [8, 8], channels: mono, resize: fit, scale: 0..1, modality: CT, window: "
        given = spec_of(
            f"{text}{window}}}\nmodel: {{layers: [flatten, dense: {{units: 1, activation: sigmoid}}]}}"
        ).input
        assert given.modality == ("CT",)
        assert value == (given.window if isinstance(value, str) else (given.window.center, given.window.width))
    losses = spec_of("loss: [binary_cross_entropy, {binary_cross_entropy: {weight: 0.5}}]").loss["network"]
    assert [(call.path, call.args.weight) for call in losses] == [(("loss", 0), 1.0), (("loss", 1), 0.5)]


# ------------------------------------------------------------------ what is refused

BAD = [  # fragment, code, the text under the caret, part of the message
    ("train: {epochs: true, batch_size: 8}", "S104", "true", "a whole number of at least 1, not `true`"),
    ("train: {epochs: 0, batch_size: 8}", "S104", "0", "at least 1"),
    ("train: {epochs: 1.5, batch_size: 8}", "S104", "1.5", "whole number"),
    ("train: {epochs: 99999999999, batch_size: 8}", "S104", "99999999999", "at most 1,048,576"),
    ('train: {epochs: "3", batch_size: 8}', "S104", '"3"', "whole number"),
    ("train: {epochs: 3, batch_size: 8, shuffle: no}", "S104", "no", "`true` or `false`, not `no`"),
    ("train: {epochs: 3, batch_size: 8, workers: many}", "S104", "many", "`auto` or a whole number"),
    ("train: {epochs: 3, batch_size: 8, seed: -1}", "S104", "-1", "at least 0"),
    ("train: [3]", "S104", "[3]", "a group of keys, not a list of 1"),
    ("train: {epochs: 3, batch_sise: 8, batch_size: 8}", "S102", "batch_sise", "unknown key `batch_sise` in `train`"),
    ("optimizer: {adam: {learning_rate: .nan}}", "S104", ".nan", "number of more than 0"),
    ("optimizer: {adam: {learning_rate: .inf}}", "S104", ".inf", "number of more than 0"),
    ("optimizer: {adam: {learning_rate: true}}", "S104", "true", "number of more than 0"),
    ("optimizer: {adam: {betas: [0.9]}}", "S104", "[0.9]", "a list of 2 numbers"),
    ("optimizer: {adam: {betas: [0.9, 1]}}", "S104", "1", "less than 1"),
    ("optimizer: sgd", "S103", "sgd", "`learning_rate` is missing: it belongs into `sgd`"),
    ("optimizer: sdg", "S101", "sdg", "unknown optimizer `sdg`"),
    ("optimizer: [adam]", "S105", "[adam]", "an optimizer is a bare name"),
    ("optimizer: {adam: 3}", "S104", "3", "`optimizer.adam` must be"),
    ("loss: {binary_cross_entropy: {weight: 0}}", "S104", "0", "more than 0"),
    ("loss: mse", "S106", "mse", "`mean_squared_error`"),
    ("loss: [bce, bce_with_logits]", "S106", "bce", "`binary_cross_entropy`"),
    (
        "input: {format: bmp, size: [8, 8], channels: mono, scale: 0..1}",
        "S104",
        "bmp",
        "`png`, `jpeg`, `tiff` or `dicom`",
    ),
    ("input: {format: png, size: 8, channels: mono, scale: 0..1}", "S104", "8", "a list of 2 whole numbers, not `8`"),
    ("input: {format: png, size: [8], channels: mono, scale: 0..1}", "S104", "[8]", "not a list of 1"),
    ("input: {format: png, size: [8, 1000000], channels: mono, scale: 0..1}", "S104", "1000000", "at most 16,384"),
    ("input: {format: png, size: [8, 8], channels: mono}", "S103", "input", "`scale` is missing"),
    ("input: {format: png, size: [8, 8], channels: grey, scale: 0..1}", "S104", "grey", "`mono` or `rgb`"),
    ("output: {classes: 3}", "S104", "3", "a list of texts"),
    ("output: {clases: [a, b]}", "S102", "clases", "unknown key `clases`"),
    ("name: ../up", "S104", "../up", "`name` cannot be `../up`"),
    ("name:", "S104", "", "nothing stands here"),
    ("specc: 2", "S113", "2", "is of version 2 of the language"),
    ("specc: true", "S113", "true", "a whole number, not `true`"),
    ("task: segmentatoin", "S101", "segmentatoin", "unknown task"),
    ("augment: rotate", "S104", "rotate", "a list of items"),
    ("augment:\n  - zoom: {range: [1.1, 0.9]}", "S104", "[1.1, 0.9]", "must not be larger"),
    ("augment:\n  - flip: {axis: diagonal}", "S104", "diagonal", "`horizontal` or `vertical`"),
    ("allow: {two_class_softmax: }", "S104", "", "text that is not empty"),
    ("networks: {a: {layers: [flatten]}}", "S102", "networks", "has one network, under `model`"),
    ("nmae: x", "S102", "nmae", "unknown key `nmae`"),
    ("model: {layers: []}", "S104", "[]", "a list of items that is not empty"),
    ("model: {layers: [flatten: {id: f, to: 3}]}", "S102", "to", "unknown key `to` in `flatten`"),
    ("model: {layers: [conv2d: {filters: 3, kernel: 3, activation: conv2d}]}", "S101", "conv2d", "unknown activation"),
    ("model: {layers: [conv2d: {filters: 3, kernel: 3, init: {normal: {}}}]}", "S103", "normal", "`std` is missing"),
    ("model: {layers: [conv2d: {filters: 3, kernel: 3, init: he}]}", "S101", "he", "unknown init"),
    ("model: {layers: [dropout: {rate: 2}]}", "S104", "2", "at least 0 and at most 1"),
    ("data: {folders: [a, b]}", "S104", "[a, b]", "text that is not empty"),
    ("data: {folders: a, split: {train: 120, val: 20}}", "S104", "120", "less than 100"),
    ("data: {folders: a, split: {train: 80, val: 20, group: {after: x}}}", "S102", "after", "unknown key `after`"),
]


@pytest.mark.parametrize(("fragment", "code", "place", "message"), BAD, ids=[bad[0][:50] for bad in BAD])
def test_bad_values_have_a_place_and_plain_words(fragment: str, code: str, place: str, message: str) -> None:
    text = complete(fragment + "\n")
    result, faults = examine(text)
    assert result is None
    fault = next(f for f in faults if f.code == code and message in f.message)
    assert fault.span is not None
    line = text.split("\n")[fault.span.line - 1]
    assert line[fault.span.column - 1 : fault.span.end_column - 1] == place
    assert fault.notes[-1].kind == "more" or fault.code == "S102"


def test_one_message_a_place_and_all_in_one_run() -> None:
    text = complete("""
train: {epochs: x, batch_size: y, early_stop: z}
optimizer: {adam: {lr: 1}}
model:
  layers:
    - conv2d: {filters: a, kernel: b, stride: c}
    - nothing
loss: bce
""")
    faults = found(text)
    assert [fault.code for fault in faults] == [*["S104"] * 3, "S102", *["S104"] * 3, "S101", "S106"]
    assert len({fault.span for fault in faults}) == len(faults)


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("specc", "specc: 1"),
        ("name", "belongs into the top level"),
        ("task", "`classification`, `regression`"),
        ("input", "scale: 0..1"),
        ("output", "two classes: dense, 1 neuron, sigmoid"),
        ("data", "split: {train: 80"),
        ("model", "one neuron per class, softmax"),
        ("loss", "sigmoid, `binary_cross_entropy`"),
        ("optimizer", "optimizer: adam"),
        ("train", "batch_size: 32"),
    ],
)
def test_missing_keys_say_where_they_belong_and_what_is_usual(key: str, advice: str) -> None:
    (fault,) = found(complete("", leave_out=(key,)))
    assert fault.code == "S103"
    assert fault.message == f"`{key}` is missing: it belongs into the top level of the spec"
    assert advice in " ".join([fault.message, *(note.text for note in fault.notes)])


@pytest.mark.parametrize(
    ("fragment", "word", "right"),
    [
        ("model: {layers: [conv2: {filters: 3}]}", "conv2", "conv2d"),
        ("model: {layers: [linear: {units: 3}]}", "linear", "dense"),
        ("model: {layers: [Flatten]}", "Flatten", "flatten"),
        ("optimizer: {adam: {lr: 0.1}}", "lr", "learning_rate"),
        ("model: {layers: [conv2d: {filters: 3, kernel_size: 3}]}", "kernel_size", "kernel"),
        ("input: {format: pgn, size: [8, 8], channels: mono, scale: 0..1}", "pgn", "png"),
        ("augment: [rotation: {degrees: 3}]", "rotation", "rotate"),
    ],
)
def test_near_and_foreign_names_are_recognised(fragment: str, word: str, right: str) -> None:
    fault = next(fault for fault in found(complete(fragment)) if f"`{word}`" in fault.message)
    assert fault.fixes[0].text == f"did you mean `{right}`?"
    (edit,) = fault.fixes[0].edits
    assert edit.text == right
    assert fault.fixes[0].safe == (word.lower() == right)  # capitals alone


def test_names_without_a_neighbour_get_no_guess() -> None:
    (fault,) = found(complete("optimizer: xyzzy"))
    assert fault.fixes == ()
    assert "`adam`, `adamw`, `sgd`" in " ".join(note.text for note in fault.notes)


def test_no_key_takes_a_python_object() -> None:
    for target in ("os.system", "torch.load", "torch.hub.load", "builtins.eval", "specc.core:PLUGIN"):
        for fragment in (
            f"optimizer: {target}",
            f"loss: {target}",
            f"model: {{layers: ['{target}']}}",
            f"init: {target}",
        ):
            assert {fault.code for fault in found(complete(fragment))} & {"S101", "S174"}, fragment
        assert "S104" in {fault.code for fault in found(complete(f"name: '{target}'"))}


def test_a_value_from_vars_is_told_with_its_definition() -> None:
    text = complete("vars: {n: six}\nmodel: {layers: [flatten, dense: {units: $n, activation: sigmoid}]}\n")
    (fault,) = found(text)
    assert fault.code == "S104"
    assert [label.text for label in fault.labels] == ["written here"]
    assert all(not fix.edits for fix in fault.fixes)


DAMAGE = (
    *("[]", "{}", "~", "true", "-1", "0", "99999999999", "1e400", ".nan", '""', "[1, 2]", "[[1]]", "{a: 1}", "$w"),
    *("$(w*2)", "input", "image", "same", "0.5", "softmax", "conv2d", "none", "{from: input}", '"\\u2028"'),
    *("{conv2d: {filters: 3, kernel: 3}}", "{add: {with: [input, input]}}", "{weights: zeros}", "[relu]", "dense"),
)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_specs_are_diagnosed_and_never_raise(seed: int) -> None:
    pick = random.Random(seed)
    whole = [path.read_text(encoding="utf-8") for path in SPECS]
    for _ in range(60):
        text = pick.choice(whole)
        for _ in range(pick.choice([1, 1, 2, 3])):
            words = list(re.finditer(r"(?<=[:\[,-] )[^\s,\[\]{}#]+|\b[a-z_0-9]+(?=:)", text))
            word = pick.choice(words)
            text = text[: word.start()] + pick.choice(DAMAGE) + text[word.end() :]
        for fault in found(text):
            assert fault.span is not None, text
            assert 1 <= fault.span.line <= text.count("\n") + 1


# ------------------------------------------------------------------ tasks with several networks


class _Latent(Arguments):
    size: int = Field(ge=1, description="length of the noise")


def two_networks() -> Registry:
    task = replace(
        TASKS[0],
        name="pair",
        output=None,
        keys={"latent": (_Latent, Field(description="the noise"))},
        lifts=frozenset({"train"}),
        networks=("generator", "discriminator"),
        inputs=lambda study: {"latent": (study.spec.latent.size,)},
        rules=(),
        table=(),
        columns=(),
        metrics={},
    )
    assert isinstance(task, Task)
    return merge([PLUGIN, Plugin("pairs", tasks=(task,))])


PAIR = """
specc: 1
name: pair
task: pair
input: {format: png, size: [8, 8], channels: mono, resize: fit, scale: -1..1}
latent: {size: 5}
data: {images: faces}
networks:
  generator:
    input: latent
    layers: [dense: {units: 64, activation: tanh}]
  discriminator:
    layers: [flatten, dense: {units: 1, activation: sigmoid}]
loss: binary_cross_entropy
optimizer:
  generator: adam
  discriminator: {sgd: {learning_rate: 0.1}}
"""


def test_networks_losses_and_optimizers_by_name() -> None:
    result, faults = examine(PAIR, two_networks())
    assert faults == ()
    assert result is not None
    spec = result.spec
    assert spec.train is None
    assert {name: call.name for name, call in spec.optimizer.items()} == {"generator": "adam", "discriminator": "sgd"}
    assert spec.optimizer["generator"].path == ("optimizer", "generator")
    assert spec.loss.keys() == {"generator", "discriminator"}
    assert result.graphs["generator"].inputs == {"latent": (5,)}
    assert result.graphs["discriminator"].inputs == {"image": (1, 8, 8)}
    assert result.passed["discriminator"].activation == "sigmoid"


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("  generator: adam\n", "  genrator: adam\n", "S102", "unknown key `genrator`"),
        ("input: latent", "input: noise", "S309", "no network an input called `noise`"),
        ("latent: {size: 5}\n", "", "S103", "`latent` is missing"),
        ("  discriminator:\n    layers", "  critic:\n    layers", "S103", "`discriminator` is missing"),
        ("input: latent", "input: [latent, image]", "S308", "nothing uses the network's input `image`"),
        ("data:", "output: {classes: [a, b]}\ndata:", "S102", "has no `output`"),
        ("networks:", "model: {layers: [flatten]}\nnetworks:", "S102", "has 2 networks"),
    ],
)
def test_faults_with_several_networks(old: str, new: str, code: str, message: str) -> None:
    assert old in PAIR
    faults = found(PAIR.replace(old, new, 1), two_networks())
    assert any(fault.code == code and message in fault.message for fault in faults), faults


def test_several_inputs_are_read_with_from() -> None:
    text = PAIR.replace(
        "    input: latent\n    layers: [dense: {units: 64, activation: tanh}]",
        """    input: [latent, image]
    layers:
      - dense: {units: 64, id: a}
      - from: image
      - flatten
      - add: {with: a}""",
    )
    result, faults = examine(text, two_networks())
    assert faults == ()
    assert result is not None
    graph = result.graphs["generator"]
    assert list(graph.inputs) == ["latent", "image"]
    assert graph.nodes[-1].inputs == ("a", "flatten1")


def test_every_fault_of_a_failed_read_carries_the_text() -> None:
    document = expand(source.parse(complete("loss: bce"), FILE))
    with pytest.raises(SpeccError) as error:
        read(document, core())
    assert error.value.texts == {FILE: document.text}
