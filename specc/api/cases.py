"""cases.csv: what a plugin tells of the cases that it judged; checked, written, and read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from specc.deploy.tables import safe
from specc.run.scored import Scored, is_score

CASES = "cases.csv"
FIRST = ("split", "file", "patient")
RIVAL, SCORE = "baseline ", "score "  # before the name of a figure of a rival; of one that would be taken for another


def checked(parts: Any) -> dict[str, list[Scored]]:
    """The cases by part, their scores as floats. Raises ValueError with what is wrong with them."""
    if not isinstance(parts, Mapping):
        raise ValueError(f"tells of cases by {type(parts).__name__}, not by part")
    return {str(part): [_case(case) for case in _listed(cases)] for part, cases in parts.items()}


def _listed(cases: Any) -> Sequence[Any]:
    if isinstance(cases, str | bytes) or not isinstance(cases, Sequence):
        raise ValueError(f"tells of the cases of a part by {type(cases).__name__}, not by a list")
    return cases


def _case(case: Any) -> Scored:
    if not isinstance(case, Scored):
        raise ValueError(f"tells of {case!r}, which is no Scored record")
    for word, value in (("file", case.file), ("patient", case.patient)):
        if not isinstance(value, str):
            raise ValueError(f"has a case whose `{word}` is no text: {value!r}")
    return Scored(case.file, case.patient, _scores(case, case.scores), _scores(case, case.rivals))


def _scores(case: Scored, scores: Any) -> dict[str, float | None]:
    if not isinstance(scores, Mapping) or not all(isinstance(name, str) for name in scores):
        raise ValueError(f"has scores of {case.file} that are not by name")
    found: dict[str, float | None] = {}
    for name, score in scores.items():
        try:
            found[name] = None if score is None or isinstance(score, str) else float(score)
        except (TypeError, ValueError, OverflowError):
            found[name] = None
        if score is not None and not is_score(found[name]):
            raise ValueError(f"has a score {name} of {case.file} that is no finite number: {score!r}")
    return found


def write(parts: Mapping[str, Sequence[Scored]], file: FilePath, replace: Any) -> None:
    """Write the cases with `replace`; where there are none, an older table goes."""
    if any(parts.values()):
        replace(file, to_csv(parts))
    elif file.is_file() and file.read_text(encoding="utf-8", errors="replace").startswith(",".join(FIRST)):
        file.unlink()


def to_csv(parts: Mapping[str, Sequence[Scored]]) -> str:
    """A line a case: part, file, patient, its scores, and those of the rivals; safe in a spreadsheet."""
    every = [(part, case) for part, cases in parts.items() for case in cases]
    names = list(dict.fromkeys(name for _, case in every for name in case.scores))
    rivals = list(dict.fromkeys(name for _, case in every for name in case.rivals))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = [f"{SCORE}{name}" if name in FIRST or name.startswith((RIVAL, SCORE, "'")) else name for name in names]
    writer.writerow([*FIRST, *map(safe, heads), *(safe(f"{RIVAL}{name}") for name in rivals)])
    for part, case in every:
        scores = [*(case.scores.get(name) for name in names), *(case.rivals.get(name) for name in rivals)]
        cells = ["" if score is None else f"{score:.9g}" for score in scores]
        writer.writerow([safe(part), safe(case.file), safe(case.patient), *cells])
    return text.getvalue()


def read(file: FilePath) -> dict[str, list[Scored]]:
    """The cases by part; none where the task does not tell of them. Raises OSError, csv.Error or ValueError."""
    parts: dict[str, list[Scored]] = {}
    if not file.is_file():
        return parts
    with file.open(encoding="utf-8", newline="") as stream:
        table = list(csv.reader(stream, strict=True))
        heads = table[0][len(FIRST) :] if table else []
        if not table or tuple(table[0][: len(FIRST)]) != FIRST or len(set(heads)) < len(heads):
            raise ValueError("not a table of cases")
    names = [_unsafe(head) for head in heads]
    for row in table[1:]:
        part, name, patient = map(_unsafe, row[: len(FIRST)])
        scores: dict[str, float | None] = {}
        rivals: dict[str, float | None] = {}
        for head, cell in zip(names, row[len(FIRST) :], strict=True):
            score = float(cell) if cell else None
            if score is not None and not is_score(score):
                raise ValueError(f"{cell} is no score")
            if head.startswith(RIVAL):
                rivals[head.removeprefix(RIVAL)] = score
            else:
                scores[head.removeprefix(SCORE)] = score
        parts.setdefault(part, []).append(Scored(name, patient, scores, rivals))
    return parts


def _unsafe(cell: str) -> str:
    """A cell as it was before it was made safe for a spreadsheet."""
    return cell[1:] if cell[:1] == "'" and safe(cell[1:]) == cell else cell
