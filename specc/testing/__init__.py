"""The suite that every plugin is held to, specc's own and yours: `check_plugin(PLUGIN)` in a test of pytest.

    from specc.testing import check_plugin
    from my_loss import PLUGIN

    def test_my_loss(tmp_path):
        check_plugin(PLUGIN, tmp_path)

What it asks: the examples compile clean and to the same bytes; their programs are lint-clean and need neither specc nor
the plugin; on a CPU two steps give a finite loss and twenty a smaller one; a training that is killed and resumed ends
in the same bytes; the exported model gives torch's answers; the good example of each rule is silent and the bad one is
not; every word is documented and stands in an example.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath

from specc import registry
from specc.errors import SpeccError
from specc.plugin import Example, Plugin
from specc.testing import pages, trial
from specc.testing.images import draw

__all__ = ["PluginFault", "check_plugin", "draw"]


class PluginFault(AssertionError):
    """All that a plugin fails, one a line."""

    def __init__(self, name: str, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        lines = "\n".join(f"  - {fault}".replace("\n", "\n    ") for fault in faults)
        super().__init__(f"the plugin `{name}` fails {len(faults)} of what plugins are held to:\n{lines}")


def check_plugin(
    plugin: Plugin,
    folder: FilePath | str | None = None,
    *,
    examples: Iterable[Example] | None = None,
    train: bool = True,
) -> None:
    """Hold a plugin to the suite. Raises PluginFault with all that fails.

    `folder` is an empty one to work in (default: a temporary one). `examples` are used instead of the plugin's own;
    without `train` nothing is trained, which leaves the losses, the resume and the exported model unproved.
    """
    given = tuple(plugin.examples if examples is None else examples)
    try:
        words = registry_of(plugin)
    except SpeccError as error:
        raise PluginFault(plugin.name, [str(error)]) from error
    faults = pages.undocumented(plugin)
    faults += pages.taken(plugin)
    faults += pages.unused(plugin, given)
    faults += pages.wrong_examples(plugin, words, given)
    if not given:
        faults.append("it has no `examples`: without one nothing of it can be tried")
    with tempfile.TemporaryDirectory(prefix="specc-plugin-") as spare:
        for number, example in enumerate(given, 1):
            place = FilePath(folder or spare) / f"example_{number}"
            place.mkdir(parents=True)
            faults += [f"example {number}: {fault}" for fault in trial.tried(plugin, words, example, place, train)]
    if faults:
        raise PluginFault(plugin.name, faults)


def registry_of(plugin: Plugin) -> registry.Registry:
    """The plugin with the core and with specc's own. Raises SpeccError S109, S110."""
    if plugin.name in registry.core().plugins:
        return registry.core()
    others = [record for record in registry.records(registry.usual()) if record.name != plugin.name]
    return registry.merge([*others, plugin])
