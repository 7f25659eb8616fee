"""A new plugin as files: one beside the specs with its test, or a distribution. Both are whole and pass their test."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path as FilePath
from string import Template
from typing import Any

from specc import __version__, registry
from specc.api.enabling import NAME, Enabled, enable_plugin
from specc.api.notebook import Shown
from specc.run.faults import fault

PIECES = '''

def $name(logits: Tensor, targets: Tensor, miss: float) -> Tensor:
    """-[miss t log p + (1 - t) log(1 - p)] with p = sigmoid(logits): (B, 1), classes (B,) with 1 = positive -> (B,)."""
    truth = targets.to(logits.dtype)
    losses = F.binary_cross_entropy_with_logits(logits.squeeze(1), truth, reduction="none")
    return losses * torch.where(truth > 0, miss, 1.0)
'''
TORCH = """import torch
from torch import Tensor
from torch.nn import functional as F
"""
RECORDS = '''

class $group(Arguments):
    """What a spec may say of it: `loss: {$name: {miss: 3}}`. Each description becomes documentation."""

    miss: float = Field(default=2.0, ge=1, le=1000, description="how many false alarms a missed finding is worth")


EXAMPLE = """
specc: 1
name: $name
task: classification
input: {format: png, size: [24, 24], channels: mono, scale: 0..1}
output: {classes: [dark, bright]}
data: {manifest: table.csv, columns: {image: file, label: label, patient: patient}, split: {column: part}}
model:
  layers: [conv2d: {filters: 4, kernel: 3}, relu, maxpool: {size: 4}, flatten, dense: {units: 1, activation: sigmoid}]
loss: {$name: {miss: 3}}
allow: {other_loss: "a missed finding costs more than a false alarm"}
optimizer: {adam: {learning_rate: 0.005}}
train: {epochs: 8, batch_size: 8}
"""

PLUGIN = Plugin(
    "$name",
    losses=(
        Loss(
            "$name",
            Piece($module, "$name"),
            fits=("sigmoid",),  # the last activation of the network; the loss itself gets logits
            doc="Binary cross entropy in which a missed finding costs more than a false alarm.",
            arguments=$group,
            bind=lambda given: {"miss": given.miss},  # keyword arguments of the function
        ),
    ),
    examples=(Example(EXAMPLE),),
)
'''
IMPORTS = """from pydantic import Field
from specc.plugin import Arguments, Example, Loss, Piece, Plugin
"""
FILE = (
    '''"""A loss of your own. specc.toml beside it enables this file as it is: after an edit, and once you have read it,

    specc plugins enable $name.py

A check reads PLUGIN and what it needs, and never loads torch; the source of the function goes into the program.
"""

from __future__ import annotations

'''
    + """import torch  # not loaded while a spec is checked
from pydantic import Field
from specc.plugin import Arguments, Example, Loss, Piece, Plugin
from torch import Tensor
from torch.nn import functional as F
"""
    + PIECES
    + RECORDS
)
TEST = '''"""`pytest test_$name.py`: the suite that every plugin of specc is held to."""

from pathlib import Path

from specc.testing import check_plugin

from $name import PLUGIN


def test_$name(tmp_path: Path) -> None:
    check_plugin(PLUGIN, tmp_path)
'''
PROJECT = """[build-system]
requires = ["setuptools>=77.0.3"]
build-backend = "setuptools.build_meta"

[project]
name = "$dashed"
version = "0.1.0"
description = "A plugin of specc: a loss in which a missed finding costs more than a false alarm"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["specc-compiler>=$version"]

[project.entry-points."specc.plugins"]
$name = "$name:PLUGIN"

[tool.setuptools]
packages = ["$name"]
"""
README = """# $dashed

A plugin of specc. It brings one loss:

```yaml
loss: {$name: {miss: 3}}
allow: {other_loss: "a missed finding costs more than a false alarm"}
```

Install it with `pip install .`, and enable it in a `specc.toml` beside your specs or above:

```toml
[plugins]
enabled = ["$name"]
```

`pytest` holds it to the suite of `specc.testing`.
"""


@dataclass(frozen=True, repr=False)
class Made(Shown):
    """The files of a new plugin, and how specc.toml has them; a distribution is enabled once it is installed."""

    name: str
    files: tuple[FilePath, ...]
    enabled: Enabled | None = None

    @property
    def next(self) -> str:
        """What to do now."""
        if self.enabled is None:
            return f"pip install -e {self.files[0].parent}, then pytest {self.files[0].parent}"
        return f"pytest {self.files[-1]}"

    def lines(self) -> list[str]:
        """For a terminal."""
        lines = [f"wrote {file}" for file in self.files]
        return [*lines, *(self.enabled.lines() if self.enabled is not None else [])]

    def plain(self) -> dict[str, Any]:
        """As `plugins new --json` prints it."""
        enabled = None if self.enabled is None else self.enabled.plain()
        return {"name": self.name, "files": [file.as_posix() for file in self.files], "enabled": enabled}


def new_plugin(name: str, folder: FilePath | str = ".", *, package: bool = False) -> Made:
    """Write a small plugin with a loss of its own and its test: NAME.py, which specc.toml then enables as it is, or
    with `package` a distribution in the new folder NAME. Raises SpeccError T660 (nothing is overwritten), T664.
    """
    from specc.run.folders import replace

    place = FilePath(folder)
    if not NAME.fullmatch(name) or keyword.iskeyword(name) or keyword.issoftkeyword(name):
        cure = "small letters, digits and `_`, a letter first: `specc plugins new my_loss`"
        raise fault("T664", f"`{name[:80]}` cannot be the name of a plugin", cure)
    texts = distribution(name) if package else {f"{name}.py": FILE, f"test_{name}.py": TEST}
    given = {"name": name, "group": "".join(part.capitalize() for part in name.split("_")), "version": __version__}
    given |= {"dashed": name.replace("_", "-"), "module": f'"{name}.pieces"' if package else "__name__"}
    files = {place / file: Template(text).substitute(given) for file, text in texts.items()}
    there = [file for file in files if file.exists()] + [place / name] * (package and (place / name).exists())
    if there:
        raise fault("T660", f"{there[0]} is there already, and nothing is overwritten", "choose another name")
    settle(name, place)
    try:
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            replace(file, text)
    except OSError as error:
        raise fault("T659", f"cannot write {place}: {error.strerror}", "choose another folder") from error
    return Made(name, tuple(files), None if package else enable_plugin(place / f"{name}.py"))


def settle(name: str, folder: FilePath) -> None:
    """Raise SpeccError T664 unless a new plugin, its module and its loss can have that name."""
    words = registry.enabled(folder)
    taken = next((owner for (_, word), owner in words.owners.items() if word == name), "")
    taken = f"a word of `{taken}`" if taken else "a plugin" if name in (*words.plugins, *words.installed) else ""
    if name in sys.stdlib_module_names or re.fullmatch(r"specc\w*|torch|numpy|test|tests", name):
        taken = "a module of Python or of specc"
    if taken:
        raise fault("T664", f"`{name}` is {taken} already", "choose another name")


def distribution(name: str) -> dict[str, str]:
    """The files of a distribution: records and functions for the program apart, so that a check never loads torch."""
    head = '"""A plugin of specc: the records. A check imports this and never loads torch."""\n\n'
    pieces = '"""What goes into the program: its source is copied there, with all that it refers to."""\n\n'
    return {
        f"{name}/pyproject.toml": PROJECT,
        f"{name}/README.md": README,
        f"{name}/{name}/__init__.py": head + IMPORTS + RECORDS,
        f"{name}/{name}/pieces.py": pieces + TORCH + PIECES,
        f"{name}/test_{name}.py": TEST,
    }
