"""`specc plugins`: what is listed and told, a new plugin, a file that is enabled as it is."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from front_end import UPDATE

import specc
from specc import registry
from specc.api.answered import ask, task_of
from specc.api.explaining import asked
from specc.api.plugins import used
from specc.cli import main
from specc.compile import check as check_spec
from specc.deploy.contract import Contract
from specc.errors import SpeccError
from specc.plugin import Plugin
from specc.rules.examples import complete
from specc.run.folders import recorded
from specc.run.resume import Lock, told_plugin
from specc.settings import Local, with_local


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    """A command in this process: what it says on both streams."""
    sys.argv = ["specc", *words]
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    assert (end.value.code or 0) == code, said.out + said.err
    return said.out, said.err


def raised(error: pytest.ExceptionInfo[SpeccError]) -> str:
    return error.value.diagnostics[0].code


# ------------------------------------------------------------------ list and info


def test_own_plugins_are_listed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = list(registry.own())
    out, _ = run(capsys, "plugins")
    listed = [line.split()[:2] for line in out.splitlines()[:-1] if "installed" not in line]
    assert listed == [[name, "own"] for name in own]
    assert out.splitlines()[-1].startswith("next: ")
    if own:
        (project / "specc.toml").write_text(f'[plugins]\ndisabled = ["{own[0]}"]\n', encoding="utf-8")
        assert specc.plugins().rows[0].state == "own, disabled"


def test_the_list_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specc.new_plugin("my_loss")
    out, err = run(capsys, "plugins", "list", "--json")
    rows = {row["name"]: row for row in json.loads(out)["plugins"]}
    assert rows["my_loss"] == {
        **dict.fromkeys(("version", "distribution", "reason")),
        "name": "my_loss",
        "state": "local",
        "place": "my_loss.py",
    }
    assert err.startswith("next: ")


def test_info_tells_words_and_where(project: Path) -> None:
    core = specc.plugin_info("specc")
    assert core.row.state == "core"
    assert core.words is not None
    assert {word.name for word in core.words} >= {"dense", "adam", "classification", "S204"}
    assert all(word.doc for word in core.words)
    for name in registry.own():
        info = specc.plugin_info(name)
        assert info.licence == "Apache-2.0"
        assert info.entry == f"specc_{name}:PLUGIN"
        assert Path(info.folder, "__init__.py").is_file()
        assert info.api == 1


def test_broken_ones_are_told_and_the_list_goes_on(project: Path) -> None:
    specc.new_plugin("my_loss")
    with (project / "my_loss.py").open("a", encoding="utf-8") as file:
        file.write("# edited\n")
    with (project / "specc.toml").open("a", encoding="utf-8") as file:
        file.write('\n[plugins]\nenabled = ["nowhere"]\n')
    states = {row.name: (row.state, row.reason) for row in specc.plugins().rows}
    assert states["nowhere"] == ("broken", "specc.toml enables it, and it is not installed")
    assert states["my_loss"][0] == "broken" and "has changed since it was enabled" in states["my_loss"][1]
    assert specc.plugin_info("my_loss").next == "specc plugins enable my_loss.py"


def test_a_list_runs_nothing(project: Path) -> None:
    """Whoever gives a folder away may have enabled what they like in it: one looks before one runs."""
    text = 'from specc.plugin import Plugin\nPLUGIN = Plugin("mine", doc=open("ran.txt", "w").name)\n'
    (project / "mine.py").write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    (project / "specc.toml").write_text(f'[plugins.local]\nmine = {{file = "mine.py", sha256 = "{digest}"}}\n')
    assert specc.plugins().rows[-1].state == "local"
    assert not (project / "ran.txt").exists()
    assert specc.plugin_info("mine").row.state == "local"
    assert (project / "ran.txt").exists()


def test_the_files_beside_a_model_are_not_run(project: Path) -> None:
    """A model comes from anywhere; no file can bring what it is asked with."""
    text = 'from specc.plugin import Plugin\nPLUGIN = Plugin("mine", doc=open("ran.txt", "w").name)\n'
    (project / "mine.py").write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    (project / "specc.toml").write_text(f'[plugins.local]\nmine = {{file = "mine.py", sha256 = "{digest}"}}\n')
    contract = Contract.model_construct(name="x", task="masks", plugin="other")
    with pytest.raises(SpeccError, match="P848"):
        task_of(contract, project)
    assert asked(["occlusion"], project)
    with pytest.raises(SpeccError, match="P849"):
        session: Any = SimpleNamespace(folder=project, outputs=(), contract=contract)
        list(ask(None, session, (), None, None, ["features"], print))
    assert not (project / "ran.txt").exists()
    assert "mine" in registry.enabled(project).plugins
    assert (project / "ran.txt").exists()


def test_what_fails_is_told_by_info(project: Path) -> None:
    text = 'from specc.plugin import Plugin\nPLUGIN = Plugin("mine", doc=1 / 0)\n'
    (project / "mine.py").write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    (project / "specc.toml").write_text(f'[plugins.local]\nmine = {{file = "mine.py", sha256 = "{digest}"}}\n')
    info = specc.plugin_info("mine")
    assert info.row.state == "broken" and "ZeroDivisionError" in info.row.reason and info.words is None
    assert "known once it is enabled" not in "\n".join(info.lines())


def test_names_do_nothing_to_a_terminal(project: Path) -> None:
    """Names and metadata are anybody's."""
    site = project / "site/strange-1.0.dist-info"
    site.mkdir(parents=True)
    about = "Metadata-Version: 2.1\nName: st\x1b[31mrange\nVersion: 1.0\nSummary: a\x1b[2Jb\nLicense: \x1b]0;x\x07MIT\n"
    (site / "METADATA").write_text(about, encoding="utf-8")
    (site / "entry_points.txt").write_text("[specc.plugins]\nstr\x1b[1mange = strange:PLUGIN\n", encoding="utf-8")
    (project / "specc.toml").write_text('[plugins]\nenabled = ["a\\u001b[31mb"]\n', encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(project / "site"))
        shown = [*specc.plugins().lines(), specc.plugins().next]
        for name in ("str\x1b[1mange", "a\x1b[31mb"):
            info = specc.plugin_info(name)
            shown += [*info.lines(), info.next]
    assert "st\\u{1B}[31mrange" in "\n".join(shown) and "a\\u{1B}[2Jb" in "\n".join(shown)
    assert not [line for line in shown if not line.isprintable()]


def test_a_name_that_nobody_has(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = run(capsys, "plugins", "info", "nobody", code=2)
    assert "T663" in err and "specc plugins list" in err
    run(capsys, "plugins", "info", code=2)


# ------------------------------------------------------------------ new


def test_a_new_plugin_works_at_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the page says, to the letter: it is enabled, explained, and passes its own test."""
    out, _ = run(capsys, "plugins", "new", "my_loss")
    assert out.splitlines()[:2] == ["wrote my_loss.py", "wrote test_my_loss.py"]
    assert out.splitlines()[-1] == "next: pytest test_my_loss.py"
    assert "miss" in run(capsys, "explain", "my_loss")[0]
    path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(Path(specc.__file__).parent.parent)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_loss.py"]
    done = subprocess.run(
        command, cwd=project, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_new_distribution(project: Path) -> None:
    """It has all that pip needs, and its record is whole; it is enabled by nobody."""
    made = specc.new_plugin("my_package", package=True)
    names = {file.relative_to("my_package").as_posix() for file in made.files}
    assert names == {
        "pyproject.toml", "README.md", "my_package/__init__.py", "my_package/pieces.py", "test_my_package.py"
    }  # fmt: skip
    table = tomllib.loads((project / "my_package/pyproject.toml").read_text(encoding="utf-8"))
    assert table["project"]["entry-points"]["specc.plugins"] == {"my_package": "my_package:PLUGIN"}
    assert made.enabled is None and not (project / "specc.toml").exists()
    code = (
        "import sys; from my_package import PLUGIN; from specc.testing import check_plugin\n"
        "check_plugin(PLUGIN, sys.argv[1], train=False)\nassert 'torch' not in sys.modules"
    )
    path = os.pathsep.join([str(project / "my_package"), os.environ.get("PYTHONPATH", "")])
    path = os.pathsep.join([path, str(Path(specc.__file__).parent.parent)])
    command = [sys.executable, "-c", code, str(project / "work")]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("form", ["file", "package"])
def test_new_files_are_clean(project: Path, form: str) -> None:
    from ruff import find_ruff_bin

    made = specc.new_plugin("my_loss", package=form == "package")
    for command in (["format", "--check"], ["check", "--select", "E,W,F,I,B,UP,C4,RET,SIM"]):
        files = [str(file) for file in made.files if file.suffix == ".py"]
        arguments = [find_ruff_bin(), *command, "--isolated", "--line-length", "120", *files]
        done = subprocess.run(arguments, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_nothing_is_overwritten(project: Path) -> None:
    (project / "test_my_loss.py").write_text("mine", encoding="utf-8")
    with pytest.raises(SpeccError) as error:
        specc.new_plugin("my_loss")
    assert raised(error) == "T660"
    assert [file.name for file in project.iterdir()] == ["test_my_loss.py"]
    (project / "my_loss").mkdir()
    (project / "test_my_loss.py").unlink()
    with pytest.raises(SpeccError) as error:
        specc.new_plugin("my_loss", package=True)
    assert raised(error) == "T660"


@pytest.mark.parametrize("name", ["Loss", "my-loss", "huber", "dense", "json", "torch", "class", "specc_x", "../x", ""])
def test_names_that_cannot_be(project: Path, name: str) -> None:
    with pytest.raises(SpeccError) as error:
        specc.new_plugin(name)
    assert raised(error) == "T664"
    assert not list(project.iterdir())


# ------------------------------------------------------------------ enable


def test_enabling_says_what_it_brings_and_keeps_comments(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specc.new_plugin("my_loss")
    old = (project / "specc.toml").read_text(encoding="utf-8")
    (project / "specc.toml").write_text(f"# of our group\n{old}# the end\n", encoding="utf-8")
    text = (project / "my_loss.py").read_text(encoding="utf-8").replace("default=2.0", "default=4.0")
    (project / "my_loss.py").write_text(text, encoding="utf-8")
    out, _ = run(capsys, "plugins", "enable", "my_loss.py")
    assert "loss  my_loss  Binary cross entropy" in out and "enabled anew" in out
    new = (project / "specc.toml").read_text(encoding="utf-8")
    digest = hashlib.sha256((project / "my_loss.py").read_bytes()).hexdigest()
    assert (
        new == f'# of our group\n[plugins.local]\nmy_loss = {{file = "my_loss.py", sha256 = "{digest}"}}\n# the end\n'
    )
    assert "was enabled as it is" in run(capsys, "plugins", "enable", "my_loss.py")[0]
    assert registry.enabled(project).losses["my_loss"].arguments.model_fields["miss"].default == 4.0


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("\n\ndef f(:\n", "is not Python", 3),
        ('from specc.plugin import Loss, Plugin\n\nPLUGIN = Plugin("mine", losses=3)\n', "losses must be a tuple", 3),
        (
            'from specc.plugin import Plugin\nLEAST = 1 / 0\nPLUGIN = Plugin("mine", doc=LEAST)\n',
            "ZeroDivisionError",
            2,
        ),
    ],
)
def test_the_line_at_fault_is_shown(project: Path, text: str, says: str, line: int) -> None:
    (project / "mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(SpeccError) as error:
        specc.enable_plugin("mine.py")
    (fault,) = error.value.diagnostics
    assert says in fault.message and fault.span is not None and fault.span.line == line
    assert error.value.texts == {"mine.py": text}


def test_words_that_another_file_has_are_not_enabled(project: Path) -> None:
    """Also where a third one must be enabled anew: what can be read of the project counts."""
    specc.new_plugin("my_loss")
    text = (project / "my_loss.py").read_text(encoding="utf-8")
    (project / "yours.py").write_text(text.replace('Plugin(\n    "my_loss"', 'Plugin(\n    "yours"'), encoding="utf-8")
    with pytest.raises(SpeccError, match="two plugins bring `my_loss`"):
        specc.enable_plugin("yours.py")
    (project / "my_loss.py").write_text(text + "# edited\n", encoding="utf-8")
    assert specc.enable_plugin("my_loss.py").before


def test_enabling_from_a_folder_below(project: Path) -> None:
    """The nearest specc.toml upwards names the file by its way down."""
    (project / "specc.toml").write_text("", encoding="utf-8")
    (project / "below").mkdir()
    made = specc.new_plugin("my_loss", project / "below")
    assert made.enabled is not None and made.enabled.settings == project / "specc.toml"
    assert (
        tomllib.loads((project / "specc.toml").read_text())["plugins"]["local"]["my_loss"]["file"] == "below/my_loss.py"
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = 1\n", "S115"),
        ("PLUGIN = = 1\n", "S115"),
        ('from specc.plugin import Plugin\nPLUGIN = Plugin("specc")\n', "T664"),
        ('from specc.plugin import Plugin\nPLUGIN = Plugin("My Loss")\n', "T664"),
        ('from specc.plugin import Plugin\nPLUGIN = Plugin("mine", api=7)\n', "S110"),
        (
            'import specc.losses as s\nfrom specc.plugin import Plugin\nPLUGIN = Plugin("mine", losses=s.LOSSES)\n',
            "S109",
        ),
    ],
)
def test_what_cannot_be_enabled(project: Path, text: str, code: str) -> None:
    (project / "mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(SpeccError) as error:
        specc.enable_plugin("mine.py")
    assert raised(error) == code
    assert not (project / "specc.toml").exists()


def test_a_file_that_is_not_there_or_elsewhere(project: Path) -> None:
    with pytest.raises(SpeccError, match="S114"):
        specc.enable_plugin("nowhere.py")
    (project / "a").mkdir()
    (project / "a/mine.py").symlink_to(project / "b.py")
    (project / "a/specc.toml").write_text("", encoding="utf-8")
    (project / "b.py").write_text('from specc.plugin import Plugin\nPLUGIN = Plugin("mine")\n', encoding="utf-8")
    with pytest.raises(SpeccError, match="outside of the project"):
        specc.enable_plugin("a/mine.py")


ENTRY = Local("mine", "mine.py", "0" * 64)
LINE = f'mine = {{file = "mine.py", sha256 = "{"0" * 64}"}}'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", f"[plugins.local]\n{LINE}\n"),
        ("# a", f"# a\n\n[plugins.local]\n{LINE}\n"),
        ("[plugins.local] # here\n\n[x]\nmine = 1\n", f"[plugins.local] # here\n{LINE}\n\n[x]\nmine = 1\n"),
        ('[plugins.local]\nmine = {file = "a"}  # b\n', f"[plugins.local]\n{LINE}  # b\n"),
        ('[plugins.local]\nmine = "..."\nother = 1\n', f"[plugins.local]\n{LINE}\nother = 1\n"),
        ("# a\r\n[plugins.local]\r\nmine = 1\r\n# b\r\n", f"# a\r\n[plugins.local]\r\n{LINE}\r\n# b\r\n"),
    ],
)
def test_one_line_of_the_settings_changes(old: str, new: str) -> None:
    assert with_local(Path("specc.toml"), old, ENTRY)[1] == new


@pytest.mark.parametrize(
    "old",
    [
        "[plugins]\nlocal = {}\n",
        "[plugins]\nlocal = 3\n",
        "[plugins.local.mine]\nfile = 'a'\n",
        "[plugins\n",
        "plugins = 1",
    ],
)
def test_settings_that_a_person_must_change(old: str) -> None:
    with pytest.raises(SpeccError, match="S111"):
        with_local(Path("specc.toml"), old, ENTRY)


def test_a_file_of_any_name_can_be_enabled(project: Path) -> None:
    text = 'from specc.plugin import Plugin\nPLUGIN = Plugin("mine")\n'
    (project / 'my "own" lösung.py').write_text(text, encoding="utf-8")
    specc.enable_plugin('my "own" lösung.py')
    assert registry.enabled(project).plugins[-1] == "mine"


# ------------------------------------------------------------------ the lock


def test_the_lock_names_the_plugins_in_use(project: Path) -> None:
    """Those whose words the spec uses, with the hash of their source."""
    made = specc.new_plugin("my_loss")
    assert made.enabled is not None
    spec = made.enabled.plugin.examples[0].spec
    (project / "a.yaml").write_text(spec, encoding="utf-8")
    study, found = check_spec(project / "a.yaml", False)
    assert study is not None, found
    assert used(study) == {"specc", "my_loss"}
    assert recorded(study.registry.origins["my_loss"]) == {"sha256": made.enabled.sha256}
    usual = spec.replace("loss: {my_loss: {miss: 3}}", "loss: binary_cross_entropy").replace("allow: ", "# allow: ")
    (project / "a.yaml").write_text(usual, encoding="utf-8")
    other, found = check_spec(project / "a.yaml", False)
    assert other is not None, found
    assert used(other) == {"specc"}


def test_the_hash_of_a_plugin_is_that_of_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "hashed_words"
    package.mkdir()
    (package / "__init__.py").write_text("a = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    origin = registry.Origin("hashed", "installed", "hashed_words", "hashed-words", "1.0")
    first = recorded(origin)
    assert first.keys() == {"distribution", "version", "sha256"} and len(first["sha256"]) == 64
    assert recorded(origin) == first
    (package / "more.py").write_text("", encoding="utf-8")
    assert recorded(origin)["sha256"] != first["sha256"]


def test_a_changed_plugin_is_told_where_it_judges() -> None:
    known: dict[str, Any] = {"distribution": "d", "version": "1.0", "sha256": "a"}
    lock = Lock("n", "t", "", (), "", {}, "", "", 0, {}, {"mine": known})
    assert told_plugin(lock, "mine", known) == ()
    (told,) = told_plugin(lock, "mine", {**known, "version": "2.0", "sha256": "b"})
    assert (told.code, told.severity) == ("T665", "warning")
    assert "version 1.0 then, 2.0 now" in told.message


# ------------------------------------------------------------------ the page


PAGE = Path(__file__).resolve().parent.parent / "docs/plugins.md"
STUDY = """specc: 1
name: study
"""


def test_the_page_shows_what_happens(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command of docs/plugins.md is run in order, in one folder, and says what stands there."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(console|python|toml)\n(.*?)^```$", text, re.M | re.S)
    made: list[str] = []
    for kind, body in blocks:
        first = body.splitlines()[0]
        if kind == "console" and first.startswith("$ specc"):
            if first.split()[2] == "check":
                with (project / "my_loss.py").open("a", encoding="utf-8") as file:
                    file.write("# an edit\n")
                (project / "study.yaml").write_text(STUDY, encoding="utf-8")
            out, err = run(capsys, *first.split()[2:], code=1 if "check" in first else 0)
            shown = (err if "check" in first else "") + out
            body = f"{first}\n{shown}".replace(str(project), "/home/me/study")
        elif first == "# my_gate.py":
            (project / "my_gate.py").write_text(body.partition("\n")[2], encoding="utf-8")
        elif first == "# my_loss.py":
            body = f"{first}\n{(project / 'my_loss.py').read_text(encoding='utf-8')}"
        elif first == "[plugins.local]":
            body = (project / "specc.toml").read_text(encoding="utf-8")
        made.append(f"```{kind}\n{body}```")
    pieces = iter(made)
    new = re.sub(r"^```(?:console|python|toml)\n.*?^```$", lambda hit: next(pieces), text, flags=re.M | re.S)
    if UPDATE:
        PAGE.write_text(new, encoding="utf-8")
        text = new
    assert text == new, "SPECC_UPDATE_CASES=1 pytest tests/test_plugins.py writes it anew"
    gated = "model: {layers: [conv2d: {filters: 4, kernel: 3}, my_gate: {start: 0.5}, flatten, %s]}"
    end = "dense: {units: 1, activation: sigmoid}"
    (project / "study.yaml").write_text(complete(gated % end), encoding="utf-8")
    assert "class Gate(nn.Module)" in specc.compile(project / "study.yaml")["model.py"]
    (project / "study.yaml").write_text(complete(gated % f"my_gate, {end}"), encoding="utf-8")
    assert [d.code for d in specc.check(project / "study.yaml", data=False).diagnostics if d.severity == "error"] == [
        "S303"
    ]


def test_the_page_names_every_field_of_a_plugin() -> None:
    names = {field.name for field in dataclasses.fields(Plugin)}
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| \w", PAGE.read_text(encoding="utf-8"), re.M)
    assert names <= set(re.findall(r"\w+", " ".join(rows)))
