"""Examples of a few keys, completed to whole specs: what rules and pages show is run by the tests."""

from __future__ import annotations

import re
from inspect import cleandoc

_COMMON = {
    "specc": "specc: 1\n",
    "name": "name: example\n",
    "input": "input: {format: png, size: [32, 32], channels: mono, resize: fit, scale: 0..1}\n",
    "model": """model:
  layers:
    - conv2d: {filters: 6, kernel: 5, activation: relu}
    - maxpool: {size: 2}
    - flatten
    - dense: {units: 1@}
""",
    "optimizer": "optimizer: adam\n",
    "train": "train: {epochs: 20, batch_size: 32}\n",
}
_TASKS = {
    "classification": {
        "task": "task: classification\n",
        "output": "output: {classes: [normal, pneumonia]}\n",
        "data": """data:
  manifest: data/images.csv
  columns: {image: file, label: label, patient: patient}
  split: {train: 80, val: 20, group: patient}
""",
        "loss": "loss: binary_cross_entropy\n",
    },
    "regression": {
        "task": "task: regression\n",
        "output": "output: {target: age, unit: years}\n",
        "data": """data:
  manifest: data/images.csv
  columns: {image: file, target: age, patient: patient}
  split: {train: 80, val: 20, group: patient}
""",
        "loss": "loss: mean_squared_error\n",
    },
}
_ORDER = ("specc", "name", "task", "input", "output", "data", "model", "loss", "optimizer", "train")


def complete(fragment: str, leave_out: tuple[str, ...] = ()) -> str:
    """A whole spec: the fragment's top-level keys, and the usual text for every required key that it lacks.

    `leave_out` names keys that shall stay missing.
    """
    given = re.findall(r"^([a-z_]+):", fragment, re.MULTILINE)
    task = re.search(r"^task:\s*(\w+)", fragment, re.MULTILINE)
    name = task[1] if task and task[1] in _TASKS else "classification"
    parts = {**_COMMON, **_TASKS[name]}
    parts["model"] = parts["model"].replace("@", "" if name == "regression" else ", activation: sigmoid")
    missing = [parts[key] for key in _ORDER if key not in given and key not in leave_out]
    return "".join(missing) + fragment.strip("\n") + "\n"


def sections(text: str) -> dict[str, str]:
    """A docstring's parts by name: What, Why, Bad, Good, Source. Examples lose their indentation."""
    lines = cleandoc(text).split("\n")  # Python 3.13 takes the indentation of docstrings away itself
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        head = re.match(r"(What|Why|Bad|Good|Source):\s?(.*)$", line)
        if head:
            current = found.setdefault(head[1], [])
            current.append(head[2])
        else:
            current.append(line)
    return {key: _block(part) for key, part in found.items()}


def _block(lines: list[str]) -> str:
    text = "\n".join(lines).strip("\n")
    if text.startswith("    "):
        return "\n".join(line.removeprefix("    ") for line in text.split("\n")).rstrip() + "\n"
    return " ".join(text.split())
