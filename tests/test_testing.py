"""The suite for plugins: each thing that it asks is missed by a plugin that lacks it, and the message says what."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import Field

from specc.api.new_plugin import new_plugin
from specc.core import PLUGIN as CORE
from specc.errors import Diagnostic
from specc.plugin import Arguments, Example, Layer, Loss, Op, Piece, Plugin, Rule
from specc.rules.common import fault
from specc.rules.examples import complete
from specc.study import Study
from specc.testing import PluginFault, check_plugin, draw

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "tests"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """What `specc plugins new` writes, importable."""
    folder = tmp_path_factory.mktemp("plugin")
    new_plugin("trial_loss", folder)
    sys.path.insert(0, str(folder))
    yield import_module("trial_loss").PLUGIN
    sys.path.remove(str(folder))
    del sys.modules["trial_loss"]


def faults(plugin: Plugin, folder: Path, train: bool = False) -> tuple[str, ...]:
    """What the suite says."""
    with pytest.raises(PluginFault) as error:
        check_plugin(plugin, folder, train=train)
    assert f"the plugin `{plugin.name}` fails {len(error.value.faults)} of what" in str(error.value)
    return error.value.faults


def test_a_good_one_passes_without_training(plugin: Plugin, tmp_path: Path) -> None:
    check_plugin(plugin, tmp_path, train=False)
    check_plugin(plugin, train=False)


def test_images_come_along(tmp_path: Path) -> None:
    draw(tmp_path)
    assert len(list((tmp_path / "images").glob("*.png"))) == 48
    header, *rows = (tmp_path / "table.csv").read_text().splitlines()
    assert header == "file,label,value,patient,part"
    parts: dict[str, set[str]] = {}
    for row in rows:
        parts.setdefault(row.split(",")[4], set()).add(row.split(",")[3])
    assert parts.keys() == {"train", "val", "test"}
    assert sum(map(len, parts.values())) == len(set().union(*parts.values()))


class Bare(Arguments):
    """Without a word on its field."""

    size: int = Field(default=1)


def silent(study: Study) -> list[Diagnostic]:
    """What: nothing.

    Why: it never speaks.

    Bad:

        train: {epochs: 2, batch_size: 8}

    Good:

        train: {epochs: 2, batch_size: 8}
    """
    return []


def loud(study: Study) -> list[Diagnostic]:
    """What: it always speaks.

    Why: it is wrong.

    Bad:

        train: {epochs: 2, batch_size: 8}

    Good:

        train: {epochs: 3, batch_size: 8}
    """
    return [fault(study, "Z302", "always", ("train",), "")]


def wordless(study: Study) -> list[Diagnostic]:
    """It says something."""
    return []


def test_words_need_pages_and_examples(plugin: Plugin, tmp_path: Path) -> None:
    layer = Layer("lost", Bare, lambda builder, arguments, value: value, "", "")
    told = faults(replace(plugin, layers=(layer,)), tmp_path)
    assert told == (
        "layer lost has no `doc`",
        "layer lost: `size` has no description",
        "layer lost stands in no example",
    )


def test_codes_are_a_plugins_own(plugin: Plugin, tmp_path: Path) -> None:
    told = faults(replace(plugin, rules=(Rule("D440", "silent", silent),), pages={"P801": "A page."}), tmp_path)
    assert "rule silent has the code D440, which is one of specc's own" in told
    assert "a page has the code P801, which is one of specc's own" in told


def test_rules_need_examples_that_run(plugin: Plugin, tmp_path: Path) -> None:
    rules = (Rule("Z301", "silent", silent), Rule("Z303", "wordless", wordless))
    told = faults(replace(plugin, rules=rules), tmp_path)
    assert told[:4] == tuple(f"rule Z303: its docstring has no `{part}:`" for part in ("What", "Why", "Bad", "Good"))
    assert told[4] == "rule Z301: its bad example gives S223"  # of the example itself: no `resize`
    told = faults(replace(plugin, rules=(Rule("Z302", "loud", loud),)), tmp_path / "again")
    assert told[0] == "rule Z302: its good example gives Z302 always"
    assert "Z302" in told[1] and told[1].startswith("example 1: it is not clean")


def test_it_needs_an_example(plugin: Plugin, tmp_path: Path) -> None:
    assert "it has no `examples`" in faults(replace(plugin, examples=()), tmp_path)[-1]


def test_an_example_must_be_clean(plugin: Plugin, tmp_path: Path) -> None:
    spec = plugin.examples[0].spec
    for number, (old, new, code) in enumerate(
        [("filters: 4", "filters: 0", "S104"), ("units: 1", "units: 2", "S20"), ("specc: 1", "specc: {", "S0")]
    ):
        (told,) = faults(replace(plugin, examples=(Example(spec.replace(old, new)),)), tmp_path / str(number))
        assert code in told


def test_pieces_must_be_there(plugin: Plugin, tmp_path: Path) -> None:
    """A name that its file does not have, and one that needs specc itself."""
    for number, piece in enumerate((Piece("trial_loss", "nowhere"), Piece("specc.rules.common", "fault"))):
        loss = replace(plugin.losses[0], piece=piece)
        (told,) = faults(replace(plugin, losses=(loss,)), tmp_path / str(number))
        assert told.startswith("example 1: it is refused") and "S117" in told


def test_names_and_interfaces(plugin: Plugin, tmp_path: Path) -> None:
    assert "S110" in faults(replace(plugin, api=9), tmp_path)[0]
    assert "S109" in faults(replace(plugin, losses=(replace(plugin.losses[0], name="huber"),)), tmp_path)[0]


TRAINED = '''
import torch
from torch import Tensor


def flat(logits: Tensor, targets: Tensor) -> Tensor:
    """Falls nowhere."""
    return 1 + 0 * logits.squeeze(1)


def undefined(logits: Tensor, targets: Tensor) -> Tensor:
    """Is no number."""
    return (logits.squeeze(1) * 0 - 1).log()


HELD = [0.0]


def forgetful(logits: Tensor, targets: Tensor) -> Tensor:
    """Keeps what no checkpoint knows."""
    HELD[0] += 0.1
    losses = torch.nn.functional.binary_cross_entropy_with_logits(logits.squeeze(1), targets.to(logits.dtype))
    return losses.expand(len(logits)) * (2 + torch.sin(torch.tensor(HELD[0])))
'''


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "says"), [("undefined", "T601"), ("forgetful", "killed and resumed"), ("flat", "does not fall")]
)
def test_trainings_that_fail(
    plugin: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    (tmp_path / "bad_pieces.py").write_text(TRAINED, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    loss = Loss(name, Piece("bad_pieces", name), ("sigmoid",), "A loss that is wrong.")
    spec = plugin.examples[0].spec.replace("{trial_loss: {miss: 3}}", name)
    bad = Plugin("bad", losses=(loss,), examples=(Example(spec),))
    assert any(says in told for told in faults(bad, tmp_path / "work", train=True))


COUNTED = '''
import torch
from torch import Tensor, nn


class Gain(nn.Module):
    """Times a learned number."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(1))

    def forward(self, values: Tensor) -> Tensor:
        return values * self.factor
'''


@pytest.mark.slow
def test_parameters_are_counted(plugin: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `specc show` says of a layer is what torch has."""
    (tmp_path / "counted_pieces.py").write_text(COUNTED, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))

    def built(count: int) -> Plugin:
        op = Op(
            "gain",
            lambda attrs, shapes: shapes[0],
            lambda node, names: f"self.{node.name}({names[0]})",
            "Times a learned number.",
            "passed on",
            module=lambda node, shapes: "Gain()",
            parameters=lambda attrs, shapes: count,
            piece=Piece("counted_pieces", "Gain"),
        )
        layer = Layer(
            "gain", Arguments, lambda builder, given, value: builder.add("gain", (value,)), "Times a number.", "gain"
        )
        text = plugin.examples[0].spec.replace("{trial_loss: {miss: 3}}", "binary_cross_entropy")
        lines = text.replace("flatten,", "gain, flatten,").splitlines()
        spec = "\n".join(line for line in lines if "allow" not in line)
        return Plugin("counted", ops=(op,), layers=(layer,), examples=(Example(spec),))

    check_plugin(built(1), tmp_path / "right")
    assert any("its operations count" in told for told in faults(built(7), tmp_path / "wrong", train=True))


def test_programs_stand_alone(plugin: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import pandas\n\n\ndef strange(logits, targets):\n    return pandas.NA\n"
    (tmp_path / "strange_pieces.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    loss = Loss("strange", Piece("strange_pieces", "strange"), ("sigmoid",), "A loss that needs more.")
    spec = plugin.examples[0].spec.replace("{trial_loss: {miss: 3}}", "strange")
    told = faults(Plugin("bad", losses=(loss,), examples=(Example(spec),)), tmp_path / "work")
    assert any("imports pandas in metrics.py" in one for one in told)


# ------------------------------------------------------------------ who is held to it


GIVEN = {"normal": "{normal: {std: 0.1}}", "values": "{values: {weights: zeros, bias: 0}}"}
PROBES = ("coco", "cyclegan", "gan", "segmenter", "ssd", "staged")
ROBUST = ("mean_absolute_error", "huber")
CONVOLVED = """model:
  layers:
    - upconv2d: {filters: 1, kernel: 4, stride: 2, padding: 1, init: bilinear}
    - flatten
    - dense: {units: 1, activation: sigmoid}
"""


def test_the_core_is_held_to_it(tmp_path: Path) -> None:
    """All that needs no training; its specs are those of this repository, and those of its pages."""
    specs = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "specs").glob("*.yaml"))]
    specs += [complete(f"optimizer: {{{record.name}: {{learning_rate: 0.1}}}}") for record in CORE.optimizers]
    head = "{layers: [flatten, dense: {units: 1, activation: sigmoid, init: %s}]}"
    specs += [
        complete(f"model: {head % record.name}")
        for record in CORE.initializers
        if not record.ops and record.name not in GIVEN
    ]
    specs += [complete(f"model: {head % given}") for given in GIVEN.values()]
    specs += [complete(f"task: regression\nloss: {name}\nallow: {{{name}: robust}}") for name in ROBUST]
    specs += [complete("input: {format: png, size: [32, 32], channels: mono, scale: 0..1, edits: [invert]}")]
    specs += [complete("loss: focal\nallow: {focal: few findings}"), complete(CONVOLVED)]
    check_plugin(CORE, tmp_path, examples=[Example(spec) for spec in specs], train=False)


def probed(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]) -> tuple[Plugin, list[Example]]:
    """The probe plugin from its source, with its specs as examples."""
    monkeypatch.syspath_prepend(str(HERE / "probe_plugin"))
    specs = [(HERE / f"probe_plugin/specs/{name}.yaml").read_text(encoding="utf-8") for name in names]
    plugin: Plugin = import_module("specc_probe").PLUGIN
    return plugin, [Example(spec, Piece("probes", "draw_all")) for spec in specs]


def test_a_foreign_plugin_is_held_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks with several networks, pools, boxes and masks: what needs no training."""
    plugin, examples = probed(monkeypatch, PROBES)
    check_plugin(plugin, tmp_path, examples=examples, train=False)


@pytest.mark.slow
def test_a_foreign_plugin_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin, examples = probed(monkeypatch, PROBES)
    check_plugin(plugin, tmp_path, examples=examples)
