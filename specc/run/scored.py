"""What a task that judges its own kind of answers tells of single cases, so that several runs can be summed up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specc.run import metrics


@dataclass(frozen=True)
class Scored:
    """One case, and what figures are means of: by the figure's name, which is the names on the way to it, with spaces
    between, under `metrics` and `classes` (`scores`) or under `baseline` (`rivals`). A figure does not count a case of
    which it is None.
    """

    file: str
    patient: str
    scores: Mapping[str, float | None]
    rivals: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """The figure that says whether more cases would help: its name as in `Scored.scores`, 1 where more is better and
    -1 where less is, how much more is worth having, and the value that leaves nothing to gain (None: there is none).
    """

    name: str
    sign: int = 1
    margin: float = metrics.MARGIN
    best: float | None = 1.0
