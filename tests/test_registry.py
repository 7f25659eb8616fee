"""Registries: clashes, versions, and plugins that are listed without being imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from front_end import found

from specc import registry, settings
from specc.core import PLUGIN
from specc.errors import Diagnostic, SpeccError
from specc.layers import LAYERS
from specc.losses import LOSSES
from specc.plugin import Arguments, Layer, Plugin, Rule
from specc.records import faults_of
from specc.rules.examples import complete


def layer(name: str) -> Layer:
    return Layer(name, Arguments, lambda builder, arguments, value: value, "Does nothing.", name)


def codes(error: pytest.ExceptionInfo[SpeccError]) -> list[str]:
    return [fault.code for fault in error.value.diagnostics]


def test_the_core_comes_through_the_plugin_door() -> None:
    core = registry.core()
    assert core.plugins == ("specc",)
    assert set(core.layers) == {record.name for record in LAYERS}
    assert core.owners["losses", LOSSES[0].name] == "specc"
    assert len(core.rules) == len(PLUGIN.rules)
    assert registry.core() is core


def test_a_plugin_adds_words() -> None:
    merged = registry.merge([PLUGIN, Plugin("hospital", layers=(layer("nothing"),))])
    assert merged.owners["layers", "nothing"] == "hospital"
    text = complete("model: {layers: [nothing, flatten, dense: {units: 1, activation: sigmoid}]}")
    assert found(text, merged) == ()
    assert [fault.code for fault in found(text)] == ["S101"]


def test_a_clash_names_both_owners() -> None:
    with pytest.raises(SpeccError) as error:
        registry.merge([PLUGIN, Plugin("hospital", layers=(layer("dense"),), losses=(LOSSES[0],))])
    assert codes(error) == ["S109", "S109"]
    for fault in error.value.diagnostics:
        assert "`specc`" in fault.message
        assert "`hospital`" in fault.message


def test_rules_clash_by_name() -> None:
    rule = Rule("Z900", "class_count", lambda study: [])
    with pytest.raises(SpeccError) as error:
        registry.merge([PLUGIN, Plugin("hospital", rules=(rule,))])
    assert codes(error) == ["S109"]


def test_rules_clash_by_code() -> None:
    first, second = (Plugin(name, rules=(Rule("Z777", f"of_{name}", lambda study: []),)) for name in ("one", "two"))
    with pytest.raises(SpeccError) as error:
        registry.merge([PLUGIN, first, second])
    assert codes(error) == ["S109"]
    assert "two plugins bring `Z777` (codes): `one` and `two`" in error.value.diagnostics[0].message


def test_the_rules_of_a_task_are_for_that_task() -> None:
    rule = Rule("Z900", "never_content", lambda study: [Diagnostic("Z900", "never content", study.span("task"))])
    other = replace(PLUGIN.tasks[1], name="other", rules=(rule,))
    merged = registry.merge([PLUGIN, Plugin("hospital", tasks=(other,))])
    assert found(complete("name: x"), merged) == ()
    text = complete("task: regression\n").replace("task: regression", "task: other")
    assert [fault.code for fault in found(text, merged)] == ["Z900"]


@pytest.mark.parametrize(
    ("api", "cure"), [(0, "newer version of the plugin"), (99, "newer specc"), ("1", "must be a whole number")]
)
def test_another_interface_is_refused(api: int, cure: str) -> None:
    with pytest.raises(SpeccError) as error:
        registry.merge([PLUGIN, Plugin("old", api=api)])
    assert f"interface {api!r}, and this specc has 1" in error.value.diagnostics[0].message
    assert codes(error) == ["S110"]
    assert cure in error.value.diagnostics[0].notes[0].text


# ------------------------------------------------------------------ discovery

CODE = """print("hello")

from specc.plugin import Arguments, Layer, Plugin
PLUGIN = Plugin("probe_words", layers=(
    Layer("echo", Arguments, lambda builder, arguments, value: value, "Does nothing.", "echo"),))
NOT_A_PLUGIN = 3
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that looks like site-packages with a distribution of four entry points; one module must never load."""
    site = tmp_path / "site"
    info = site / "probe_words-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: probe-words\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[specc.plugins]\n"
        "probe_words = probe_words:PLUGIN\n"
        "hostile = probe_hostile:PLUGIN\n"
        "wrong = probe_words:NOT_A_PLUGIN\n"
        "gone = probe_words:NOT_THERE\n"
    )
    (site / "probe_words.py").write_text(CODE)
    (site / "probe_hostile.py").write_text("raise SystemExit('this must never be imported')\n")
    monkeypatch.syspath_prepend(str(site))
    project = tmp_path / "project" / "specs"
    project.mkdir(parents=True)
    yield project
    sys.modules.pop("probe_words", None)


OWN = ("specc", *registry.own())  # what is always enabled


def enable(project: Path, text: str) -> None:
    (project.parent / "specc.toml").write_text(text, encoding="utf-8")


def test_installed_plugins_are_listed_without_being_imported(installed: Path) -> None:
    assert {"probe_words", "hostile"} <= registry.installed().keys()
    enable(installed, "")
    merged = registry.enabled(installed)
    assert {"probe_words", "hostile"} <= set(merged.installed)
    assert merged.plugins == OWN
    assert not {"probe_words", "probe_hostile"} & sys.modules.keys()


def test_only_what_the_project_enables_is_imported(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    enable(installed, '[plugins]\nenabled = ["probe_words"]\n')
    merged = registry.enabled(installed)
    assert capsys.readouterr() == ("", "hello\n"), "standard output is for results"
    assert merged.plugins == (*OWN, "probe_words")
    assert merged.owners["layers", "echo"] == "probe_words"
    assert "probe_hostile" not in sys.modules


def test_the_nearest_settings_count(installed: Path) -> None:
    enable(installed, '[plugins]\nenabled = ["probe_words"]\n')
    (installed / "specc.toml").write_text("", encoding="utf-8")
    assert registry.enabled(installed).plugins == OWN
    assert settings.find(installed) == installed / "specc.toml"


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ('[plugins]\nenabled = ["missing"]\n', "S111", "missing"),
        ('[plugins]\nenabled = "probe_words"\n', "S111", "list of names"),
        ("[plugins]\nenabled = [1]\n", "S111", "list of names"),
        ("plugins = 1\n", "S111", "list of names"),
        ("[plugins\n", "S111", "cannot be read"),
        ('[plugin]\nenabled = ["probe_words"]\n', "S111", "no key or table `plugin`"),
        ('enabled = ["probe_words"]\n', "S111", "no key or table `enabled`"),
        ('[plugins]\nenabled = ["wrong"]\n', "S112", "not a Plugin record"),
        ('[plugins]\nenabled = ["gone"]\n', "S112", "cannot be imported"),
    ],
)
def test_bad_settings_are_diagnostics(installed: Path, text: str, code: str, word: str) -> None:
    enable(installed, text)
    with pytest.raises(SpeccError) as error:
        registry.enabled(installed)
    assert codes(error) == [code]
    assert word in error.value.diagnostics[0].message


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no folders of that kind")
def test_nobody_else_enables_plugins_from_a_folder_for_all(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A specc.toml in /tmp would run code as whoever works below it."""
    enable(installed, '[plugins]\nenabled = ["hostile"]\n')
    planted = installed.parent / "specc.toml"
    assert settings.find(installed) == planted
    if os.geteuid() == 0:
        os.chown(planted, 4711, 4711)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert settings.find(installed) == planted, "a folder of a group"
    installed.parent.chmod(0o1777)
    assert settings.find(installed) != planted
    assert registry.enabled(installed).plugins == OWN
    monkeypatch.setattr(os, "geteuid", lambda: planted.stat().st_uid)
    assert settings.find(installed) == planted, "one's own"


def test_the_built_in_records_are_held_to_what_others_are() -> None:
    for plugin in registry.records(registry.usual()):
        assert faults_of(plugin, "PLUGIN") == []


def test_a_spec_that_needs_a_plugin_says_how_to_enable_it(installed: Path) -> None:
    enable(installed, "")
    (fault,) = found(complete("plugins: [hostile]"), registry.enabled(installed))
    assert fault.code == "S107"
    assert "installed, but not enabled" in fault.message
    assert any('enabled = ["hostile"]' in note.text for note in fault.notes)
    enable(installed, '[plugins]\nenabled = ["probe_words"]\n')
    assert found(complete("plugins: [probe_words]"), registry.enabled(installed)) == ()
    assert "probe_hostile" not in sys.modules


# ------------------------------------------------------------------ specc's own plugins


def test_own_plugins_are_enabled_by_default(tmp_path: Path) -> None:
    """Those of the entry points of specc's own distribution, in the order of their names; the core is less."""
    merged = registry.enabled(tmp_path)
    assert merged.plugins == ("specc", *sorted(registry.own()))
    assert {merged.origins[name].kind for name in registry.own()} <= {"own"}
    assert registry.core().plugins == ("specc",)
    assert registry.enabled(tmp_path) is merged


@pytest.fixture
def own(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """As if the distribution of the fixture `installed` were specc itself."""
    monkeypatch.setattr(registry, "DISTRIBUTION", "probe-words")
    clear()
    yield installed
    clear()


def clear() -> None:
    registry.own.cache_clear()
    registry.usual.cache_clear()


def points(project: Path, text: str) -> None:
    """Other entry points of the distribution."""
    (project.parent.parent / "site/probe_words-1.0.dist-info/entry_points.txt").write_text(f"[specc.plugins]\n{text}")
    clear()


def test_own_plugins_can_be_disabled(own: Path) -> None:
    points(own, "probe_words = probe_words:PLUGIN\n")
    assert registry.enabled(own).plugins == ("specc", "probe_words")
    enable(own, '[plugins]\ndisabled = ["probe_words"]\n')
    assert registry.enabled(own).plugins == ("specc",)
    enable(own, '[plugins]\nenabled = ["probe_words"]\n')
    assert registry.enabled(own).plugins == ("specc", "probe_words")
    enable(own, '# mine\n[plugins]\ndisabled = ["hospital"]\n')
    with pytest.raises(SpeccError) as error:
        registry.enabled(own)
    (fault,) = error.value.diagnostics
    assert (fault.code, fault.span and fault.span.line) == ("S111", 3)
    assert error.value.texts


def test_the_core_goes_on_without_an_own_plugin(own: Path) -> None:
    points(own, "away = specc_away_from_here:PLUGIN\nprobe_words = probe_words:PLUGIN\n")
    assert registry.enabled(own).plugins == ("specc", "probe_words")
    assert found(complete("name: x"), registry.enabled(own)) == ()


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "import not_there_either", "1 / 0", "class"])
def test_whatever_an_import_raises_is_a_diagnostic(own: Path, code: str) -> None:
    (own.parent.parent / "site/probe_bad.py").write_text(f"{code}\n")
    points(own, "bad = probe_bad:PLUGIN\n")
    with pytest.raises(SpeccError) as error:
        registry.enabled(own)
    assert codes(error) == ["S112"]
    assert "probe-words 1.0" in error.value.diagnostics[0].notes[0].text


def test_a_record_of_another_name_is_refused(own: Path) -> None:
    points(own, "other = probe_words:PLUGIN\n")
    with pytest.raises(SpeccError, match="calls itself `probe_words`"):
        registry.enabled(own)


def test_two_distributions_with_one_name(installed: Path) -> None:
    """The error names both, and neither is imported; while nobody enables it, it does not matter."""
    info = installed.parent.parent / "site/thief-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thief\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text("[specc.plugins]\nprobe_words = probe_hostile:PLUGIN\n")
    enable(installed, "")
    assert "probe_words" not in registry.enabled(installed).plugins
    enable(installed, '[plugins]\nenabled = ["probe_words"]\n')
    with pytest.raises(SpeccError) as error:
        registry.enabled(installed)
    assert codes(error) == ["S116"]
    assert "probe-words 1.0" in error.value.diagnostics[0].message
    assert "thief 2.5" in error.value.diagnostics[0].message
    assert not {"probe_words", "probe_hostile"} & sys.modules.keys()


def test_no_other_distribution_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check of a project that enables nothing reads specc's own metadata alone, which takes milliseconds."""
    import importlib.metadata

    def scan(**given: object) -> None:
        raise AssertionError("all distributions were asked")

    monkeypatch.setattr(importlib.metadata, "entry_points", scan)
    clear()
    assert registry.enabled(tmp_path).plugins == OWN
    (tmp_path / "specc.toml").write_text("[plugins]\nenabled = []\n", encoding="utf-8")
    assert registry.enabled(tmp_path).plugins == OWN


def test_nobody_takes_the_name_of_an_own_plugin(own: Path) -> None:
    """Another distribution with that name changes nothing; enabled by that name, the two are told apart by no one."""
    points(own, "probe_words = probe_words:PLUGIN\n")
    info = own.parent.parent / "site/thief-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thief\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text("[specc.plugins]\nprobe_words = probe_hostile:PLUGIN\n")
    assert registry.enabled(own).plugins == ("specc", "probe_words")
    enable(own, '[plugins]\nenabled = ["probe_words"]\n')
    with pytest.raises(SpeccError, match=r"thief 2\.5"):
        registry.enabled(own)
    assert "probe_hostile" not in sys.modules
