"""Plugins that are one file beside the specs: enabled by name and hash, read without torch, linked into the program."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

import specc
from specc import registry
from specc.api.program import check
from specc.errors import SpeccError
from specc.rules.examples import complete

LOSS = '''"""A loss of one's own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from pydantic import Field
from specc.plugin import Arguments, Loss, Piece, Plugin

FLOOR = torch.tensor(0.0)  # never made while a spec is checked
LEAST = 1.5
HALF = LEAST / 2


def asymmetric(logits: Tensor, targets: Tensor, miss: float) -> Tensor:
    """-[miss t log p + (1 - t) log(1 - p)]: (B, 1), (B,) -> (B,)."""
    truth = targets.to(logits.dtype)
    return losses_of(logits, truth) * torch.where(truth > 0, miss, 1.0)


def losses_of(logits: Tensor, truth: Tensor) -> Tensor:
    """(B, 1), (B,) -> (B,)."""
    return F.binary_cross_entropy_with_logits(logits.squeeze(1), truth, reduction="none")


class Asymmetric(Arguments):
    """Options of the loss."""

    miss: float = Field(default=HALF * 4, ge=1, description="how many false alarms a missed finding is worth")


print(1 / 0)
PLUGIN = Plugin(
    "my_loss",
    losses=(
        Loss("asymmetric", Piece(__name__, "asymmetric"), ("sigmoid",), "Missed findings cost more.",
             arguments=Asymmetric, bind=lambda given: {"miss": given.miss}),
    ),
)
'''
SPEC = complete("loss: {asymmetric: {miss: 3.5}}\nallow: {other_loss: misses cost more}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A spec with the loss, its file beside it, and specc.toml with the right hash."""
    (tmp_path / "study.yaml").write_text(SPEC, encoding="utf-8")
    put(tmp_path, LOSS.encode())
    return tmp_path


def put(project: Path, data: bytes, name: str = "my_loss", file: str = "my_loss.py") -> None:
    """Write the file and enable it as it is."""
    (project / "my_loss.py").write_bytes(data)
    entry = f'{name} = {{file = "{file}", sha256 = "{hashlib.sha256(data).hexdigest()}"}}'
    (project / "specc.toml").write_text(f"# ours\n[plugins.local]\n{entry}\n", encoding="utf-8")


def test_the_program_holds_its_source(project: Path) -> None:
    program = specc.compile(project / "study.yaml")
    assert "def asymmetric(" in program["metrics.py"]
    assert "def losses_of(" in program["metrics.py"]
    assert "asymmetric(outputs, targets, miss=3.5)" in program["train.py"]
    assert program == specc.compile(project / "study.yaml")
    for text in program.values():
        assert not {"my_loss", "specc_local", "FLOOR"} & set(text.replace(".", " ").split())


def test_line_ends_of_windows_change_nothing(project: Path) -> None:
    usual = specc.compile(project / "study.yaml")
    put(project, LOSS.replace("\n", "\r\n").encode())
    assert specc.compile(project / "study.yaml") == usual


def test_a_check_loads_no_torch_and_runs_what_the_record_needs(project: Path) -> None:
    code = (
        "import sys, specc; assert specc.compile(sys.argv[1]); print('torch' in sys.modules, 'my_loss' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, "study.yaml"], cwd=project, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("False False", "")
    origin = registry.enabled(project).origins["my_loss"]
    assert (origin.kind, origin.place) == ("local", "my_loss.py")


def test_options_are_checked(project: Path) -> None:
    (project / "study.yaml").write_text(SPEC.replace("3.5", "0.5"), encoding="utf-8")
    assert [d.code for d in check(project / "study.yaml", data=False).diagnostics] == ["S104"]


def test_annotations_know_the_names_of_the_file(project: Path) -> None:
    """The groups of arguments are built when a spec uses them, long after the file was run."""
    text = LOSS.replace(
        "from pydantic import Field", "from typing import Annotated, Literal\n\nfrom pydantic import Field"
    )
    text = text.replace(
        "class Asymmetric", 'Mode = Literal["hard", "soft"]\nWhole = Annotated[int, Field(ge=1)]\n\n\nclass Asymmetric'
    )
    more = (
        '    mode: Mode = Field(default="hard", description="how")\n    times: Whole = Field(1, description="often")\n'
    )
    put(project, text.replace("\n\nprint(1 / 0)", f"{more}\n\nprint(1 / 0)").encode())
    for given, codes in (("mode: soft, times: 2", []), ("mode: mild", ["S104"]), ("times: 0", ["S104"])):
        (project / "study.yaml").write_text(SPEC.replace("miss: 3.5", given), encoding="utf-8")
        assert [d.code for d in check(project / "study.yaml", data=False).diagnostics if d.severity == "error"] == codes


def test_a_spec_below_finds_it_and_one_beside_does_not(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    below = project / "specs"
    below.mkdir()
    (below / "study.yaml").write_text(SPEC, encoding="utf-8")
    assert check(below / "study.yaml", data=False).ok
    away = tmp_path_factory.mktemp("away") / "study.yaml"
    away.write_text(SPEC, encoding="utf-8")
    assert [d.code for d in check(away, data=False).diagnostics] == ["S101"]


def refused(project: Path) -> tuple[str, str]:
    """Code and whole text of the only fault, which stands at the entry and names the cure."""
    result = check(project / "study.yaml", data=False)
    (fault,) = result.diagnostics
    assert fault.span is not None and fault.span.line == 3
    assert fault.span.file.endswith("specc.toml")
    assert "specc plugins enable my_loss.py" in str(result) or "specc plugins enable" in str(result)
    return fault.code, str(result)


def test_another_byte_is_refused(project: Path) -> None:
    (project / "my_loss.py").write_bytes(LOSS.encode() + b"\n")
    code, text = refused(project)
    assert code == "S114" and "has changed since it was enabled" in text and "enabled here" in text


@pytest.mark.parametrize("file", ["below", "circle.py", "a\\u0000b.py", "x" * 5000, ""])
def test_what_is_no_file_is_refused(project: Path, file: str) -> None:
    (project / "below").mkdir()
    (project / "circle.py").symlink_to(project / "circle.py")
    put(project, LOSS.encode(), file=file)
    assert refused(project)[0] == "S114"


def test_a_missing_file_is_refused(project: Path) -> None:
    (project / "my_loss.py").unlink()
    code, text = refused(project)
    assert code == "S114" and "is not there" in text


@pytest.mark.parametrize("file", ["../my_loss.py", "/etc/passwd", "a/../../my_loss.py", "C:my_loss.py", "link.py"])
def test_a_file_outside_is_refused(project: Path, file: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    away = tmp_path_factory.mktemp("away") / "my_loss.py"
    away.write_text(LOSS, encoding="utf-8")
    try:
        (project / "link.py").symlink_to(away)
    except OSError:
        pytest.skip("this computer lets nobody make links")
    put(project, LOSS.encode(), file=file)
    code, text = refused(project)
    assert code == "S114" and "outside of the project's folder" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LOSS.encode() + b"# \xff\n", "is not UTF-8 text"),
        (LOSS.replace("LEAST = 1.5", "LEAST = = 1.5").encode(), "is not Python"),
        (LOSS.replace("PLUGIN =", "RECORD =").encode(), "has no `PLUGIN = Plugin(...)`"),
        (LOSS.replace('"my_loss",', '"other",').encode(), "holds the plugin `other`"),
        (LOSS.replace("LEAST = 1.5", "LEAST = 1 / 0").encode(), "ZeroDivisionError"),
        (LOSS.replace("LEAST = 1.5", "LEAST = exit(7)").encode(), "cannot be run"),
        (LOSS.replace("LEAST = 1.5", "LEAST = FLOOR.item()").encode(), "needs torch for its record"),
        (LOSS.replace("LEAST = 1.5", "import not_there; LEAST = not_there.x").encode(), "ModuleNotFoundError"),
        (b"PLUGIN = 3\n", "is no Plugin record"),
    ],
    ids=["utf-8", "syntax", "no record", "name", "raises", "exits", "torch", "missing", "number"],
)
def test_a_file_that_cannot_be_used_is_refused(project: Path, text: bytes, says: str) -> None:
    put(project, text)
    code, shown = refused(project)
    assert code == "S115" and says in shown


def test_another_interface_is_refused(project: Path) -> None:
    put(project, LOSS.replace('"my_loss",', '"my_loss", api=99,').encode())
    with pytest.raises(SpeccError, match="S110"):
        registry.enabled(project)


@pytest.mark.parametrize("entry", ['"my_loss.py"', '{file = "my_loss.py"}', '{file = 3, sha256 = ""}', "{}"])
def test_an_entry_needs_file_and_hash(project: Path, entry: str) -> None:
    (project / "specc.toml").write_text(f"# ours\n[plugins.local]\nmy_loss = {entry}\n", encoding="utf-8")
    assert refused(project)[0] == "S111"


def test_a_name_that_is_taken_is_refused(project: Path) -> None:
    """By specc itself or by one of its own plugins; nothing of the file is run."""
    for name in ("specc", *registry.own()):
        put(project, b"raise SystemExit", name)
        with pytest.raises(SpeccError) as error:
            registry.enabled(project)
        (fault,) = error.value.diagnostics
        assert fault.code == "S116" and "the local file my_loss.py" in fault.message
        assert fault.span is not None and fault.span.line == 3


def test_words_that_exist_are_refused(project: Path) -> None:
    put(project, LOSS.replace('Loss("asymmetric"', 'Loss("huber"').encode())
    with pytest.raises(SpeccError, match="S109"):
        registry.enabled(project)


LAYER = '''"""A layer with weights of its own, and a rule on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from pydantic import Field
from specc.errors import Diagnostic
from specc.ir import Node
from specc.plugin import Arguments, Builder, Layer, Op, Piece, Plugin, Rule
from specc.rules.common import fault
from torch import Tensor, nn

if TYPE_CHECKING:
    from specc.study import Study

MOST = 8.0


class Gain(nn.Module):
    """(B, ...) times a learned number."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(start))

    def forward(self, values: Tensor) -> Tensor:
        return values * self.factor


class Start(Arguments):
    """Arguments of gain."""

    start: float = Field(default=1.0, description="the number at first")


def lower(builder: Builder, arguments: Start, value: str) -> str:
    return builder.add("gain", (value,), start=arguments.start)


def module(node: Node, shapes: tuple[tuple[int, ...], ...]) -> str:
    return f"Gain({node.attrs['start']})"


def check(study: Study) -> list[Diagnostic]:
    """What: a large gain."""
    large = [n for g in study.graphs.values() for n in g.nodes if n.op == "gain" and n.attrs["start"] > MOST]
    return [fault(study, "Z900", f"a gain of at most {MOST:g}", ("model",), "") for _ in large]


PLUGIN = Plugin(
    "my_loss",
    layers=(Layer("gain", Start, lower, "All values times a learned number.", "gain: {start: 2}"),),
    ops=(
        Op("gain", lambda attrs, shapes: shapes[0], lambda node, names: f"self.{node.name}({names[0]})",
           "Times a number.", "passed on", module=module, parameters=lambda attrs, shapes: 1,
           piece=Piece(__name__, "Gain")),
    ),
    rules=(Rule("Z900", "large_gain", check),),
)
'''


def test_a_layer_and_a_rule(project: Path) -> None:
    """Functions of the record are run, the class of the program is linked; the rule finds what it is for."""
    put(project, LAYER.encode())
    text = complete("model: {layers: [gain: {start: 2.5}, flatten, dense: {units: 1, activation: sigmoid}]}")
    (project / "study.yaml").write_text(text, encoding="utf-8")
    program = specc.compile(project / "study.yaml")
    assert "class Gain(nn.Module)" in program["model.py"] and "Gain(2.5)" in program["model.py"]
    assert "Start" not in program["model.py"]
    (project / "study.yaml").write_text(text.replace("2.5", "9.5"), encoding="utf-8")
    assert [d.code for d in check(project / "study.yaml", data=False).diagnostics if d.severity == "error"] == ["Z900"]


def test_what_must_be_imported_needs_a_distribution(project: Path) -> None:
    """A task that answers in its own kind is imported when it predicts: no file beside a spec is."""
    text = """from dataclasses import replace
from specc.plugin import Piece, Plugin
from specc.tasks import TASKS
PLUGIN = Plugin("my_loss", tasks=(replace(TASKS[0], name="mine", answering=Piece(__name__, "Answers")),))
"""
    put(project, text.encode())
    code, shown = refused(project)
    assert code == "S115" and "make it a distribution" in shown


def test_a_piece_that_cannot_be_linked_is_a_diagnostic(project: Path) -> None:
    put(project, LOSS.replace("return losses_of(", "return nowhere(").encode())
    with pytest.raises(SpeccError, match="S117") as error:
        specc.compile(project / "study.yaml")
    assert "nowhere, which is not defined" in str(error.value)


MANY = '''"""A word of every kind that a step meets."""

from __future__ import annotations

import torch
from pydantic import Field
from specc.plugin import Arguments, Augmentation, Edit, Layer, Op, Optimizer, Piece, Plugin
from torch import Tensor, nn


class Gate(nn.Module):
    """(B, C, H, W) -> the same, each channel times a learned number."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, values: Tensor) -> Tensor:
        return values * self.weight


class Signs(torch.optim.Optimizer):
    """w = w - lr sign(g)."""

    def __init__(self, params: object, lr: float) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: object = None) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                weight.sub_(weight.grad.sign(), alpha=group["lr"])


def dim(images: Tensor, u: Tensor, most: float) -> Tensor:
    """Times a factor from 1 - most to 1."""
    return images * (1 - most * u[:, 0].view(-1, 1, 1, 1))


def capped(images: Tensor, at: float) -> Tensor:
    """At most so bright."""
    return images.clamp(max=at)


class Dim(Arguments):
    """Options of dim."""

    most: float = Field(default=0.2, gt=0, lt=1, description="at most so much darker")


class Rate(Arguments):
    """Options of signs."""

    learning_rate: float = Field(default=0.01, gt=0, description="size of a step")


GATE = Op("gate", lambda attrs, shapes: shapes[0], lambda node, names: f"self.{node.name}({names[0]})", "Gains.", "x",
          module=lambda node, shapes: f"Gate({shapes[0][0]})", parameters=lambda attrs, shapes: shapes[0][0],
          piece=Piece(__name__, "Gate"))
PLUGIN = Plugin(
    "my_loss",
    ops=(GATE,),
    layers=(Layer("gate", Arguments, lambda builder, given, value: builder.add("gate", (value,)), "Gains.", "gate"),),
    augmentations=(Augmentation("dim", Piece(__name__, "dim"), lambda given, shape: 1, Dim,
                                lambda given: {"most": given.most}, "Darker."),),
    edits=(Edit("capped", Piece(__name__, "capped"), bind=lambda given: {"at": 0.9}, doc="At most so bright."),),
    optimizers=(Optimizer("signs", "Signs", Rate, lambda given: {"lr": given.learning_rate}, "Steps of one size.",
                          piece=Piece(__name__, "Signs")),),
)
'''
MANY_SPEC = complete(
    "input: {format: png, size: [100, 100], channels: mono, scale: 0..1, resize: fit, edits: [capped]}\n"
    "augment: [dim: {most: 0.3}]\n"
    "model: {layers: [gate, flatten, dense: {units: 1, activation: sigmoid}]}\n"
    "optimizer: {signs: {learning_rate: 0.02}}"
)


@pytest.fixture
def many(project: Path) -> Path:
    """A project whose file brings an edit, an augmentation, a layer and an optimizer."""
    (project / "study.yaml").write_text(MANY_SPEC, encoding="utf-8")
    put(project, MANY.encode())
    return project


def test_one_file_may_bring_words_of_every_kind(many: Path) -> None:
    program = specc.compile(many / "study.yaml")
    whole = "".join(program.values())
    assert "Signs(net.parameters(), lr=Config.learning_rate)" in program["train.py"]
    assert "learning_rate: float = 0.02  # of signs" in program["train.py"]
    for definition in ("class Signs(", "class Gate(", "def dim(", "def capped("):
        assert whole.count(definition) == 1
    assert "capped(images, at=0.9)" in program["deploy.py"] and "dim(images, u, most=0.3)" in program["augment.py"]


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ('{"at": 0.9}', '{"on": 0.9}', "input", "has no argument `on`"),
        ('{"at": 0.9}', '{"at": object()}', "input", "`at`, of which object has no literal"),
        ('{"at": 0.9}', '["at"]', "input", "and not keywords with their values"),
        ("def capped(images: Tensor, at", "def capped(at", "input", "has no argument `at`"),
        ('"most": given.most', '"least": given.most', "augment", "has no argument `least`"),
        ("u: Tensor, most: float", "most: float", "augment", "has no argument `most`"),
        ('Piece(__name__, "dim")', 'Piece(__name__, "dims")', "augment", "has no `dims`"),
        ('{"lr": given.learning_rate}', '{"rate": given.learning_rate}', "optimizer", "gives no `lr`"),
        ("given.learning_rate", "given.rate", "optimizer", "no attribute 'rate'"),
        ('Piece(__name__, "Signs")', 'Piece(__name__, "Sign")', "optimizer", "has no `Sign`"),
        ('Piece(__name__, "Gate")', 'Piece(__name__, "Gat")', "model", "has no `Gat`"),
    ],
)
def test_each_fault_stands_at_its_word(many: Path, old: str, new: str, key: str, says: str) -> None:
    assert old in MANY
    put(many, MANY.replace(old, new).encode())
    with pytest.raises(SpeccError) as error:
        specc.compile(many / "study.yaml")
    (one,) = error.value.diagnostics
    assert one.code in ("S117", "S119") and one.path[0] == key and one.span is not None
    assert says in one.message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("class Gate(", '"Gate"', 'f"Gate('), ("class Network(", '"Network"', 'f"Network(')),
        (("def dim(", '__name__, "dim"'), ("def augment(", '__name__, "augment"')),
        (("def capped(", '__name__, "capped"'), ("def edited(", '__name__, "edited"')),
    ],
)
def test_a_name_that_the_program_defines_itself(many: Path, old: tuple[str, ...], new: tuple[str, ...]) -> None:
    """It would call itself for ever."""
    text = MANY
    for before, after in zip(old, new, strict=True):
        text = text.replace(before, after)
    put(many, text.encode())
    with pytest.raises(SpeccError, match="call it otherwise"):
        specc.compile(many / "study.yaml")


def test_one_file_has_nothing_beside_it(many: Path) -> None:
    text = MANY.replace("from torch import Tensor, nn", "from torch import Tensor, nn\n\nfrom .other import least")
    put(many, text.replace("clamp(max=at)", "clamp(max=least(at))").encode())
    with pytest.raises(SpeccError, match=r"uses least of \.other, and one file has nothing beside it"):
        specc.compile(many / "study.yaml")


def test_a_mark_of_the_order_of_bytes_is_no_fault(project: Path) -> None:
    """Editors of Windows write it, into the file and into specc.toml."""
    usual = specc.compile(project / "study.yaml")
    put(project, b"\xef\xbb\xbf" + LOSS.encode())
    toml = (project / "specc.toml").read_bytes()
    (project / "specc.toml").write_bytes(b"\xef\xbb\xbf" + toml)
    assert specc.compile(project / "study.yaml") == usual


def test_what_a_record_prints_is_no_result(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(project, LOSS.replace("PLUGIN = Plugin(", 'PLUGIN = (print("hello"), Plugin)[1](').encode())
    assert registry.enabled(project).plugins[-1] == "my_loss"
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "hello\n")


def test_cures_fit_their_fault(project: Path) -> None:
    (project / "my_loss.py").rename(project / "moved.py")
    assert "where it has another place now, `specc plugins enable` that" in refused(project)[1]
    (project / "moved.py").rename(project / "my_loss.py")
    put(project, LOSS.encode(), name="yours")
    assert "take `yours` out of specc.toml, and `specc plugins enable my_loss.py`" in refused(project)[1]


def test_records_of_another_form_are_refused(project: Path) -> None:
    put(project, LOSS.replace('"asymmetric", Piece(__name__, "asymmetric")', '"asymmetric", "asymmetric"').encode())
    code, shown = refused(project)
    assert code == "S120" and "losses[0].piece must be a Piece" in shown
