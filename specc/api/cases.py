"""cases.csv: what a plugin tells of the cases that it judged; checked, written, and read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from specc.deploy.tables import safe
from specc.run.case_scores import CaseScores, is_score
from specc.run.folders import replace

CASES = "cases.csv"
FIRST = ("split", "file", "patient")
BASELINE, SCORE = "baseline ", "score "  # before names of figures: of baselines, and of those that look like these


def checked(parts: Any) -> dict[str, list[CaseScores]]:
    """The cases by part, their scores as floats. Raises ValueError with what is wrong with them."""
    if not isinstance(parts, Mapping):
        raise ValueError(f"tells of cases by {type(parts).__name__}, not by part")
    return {str(part): [_case(case) for case in _listed(cases)] for part, cases in parts.items()}


def _listed(cases: Any) -> Sequence[Any]:
    if isinstance(cases, str | bytes) or not isinstance(cases, Sequence):
        raise ValueError(f"tells of the cases of a part by {type(cases).__name__}, not by a list")
    return cases


def _case(case: Any) -> CaseScores:
    if not isinstance(case, CaseScores):
        raise ValueError(f"tells of {case!r}, which is no CaseScores record")
    for word, value in (("file", case.file), ("patient", case.patient)):
        if not isinstance(value, str):
            raise ValueError(f"has a case whose `{word}` is no text: {value!r}")
    return CaseScores(case.file, case.patient, _scores(case, case.scores), _scores(case, case.baselines))


def _scores(case: CaseScores, scores: Any) -> dict[str, float | None]:
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


def write(parts: Mapping[str, Sequence[CaseScores]], file: FilePath) -> None:
    """Write the cases; where there are none, an older table goes."""
    if any(parts.values()):
        replace(file, to_csv(parts))
    elif file.is_file() and file.read_text(encoding="utf-8", errors="replace").startswith(",".join(FIRST)):
        file.unlink()


def to_csv(parts: Mapping[str, Sequence[CaseScores]]) -> str:
    """A line a case: part, file, patient, its scores, and those of the baselines; safe in a spreadsheet."""
    every = [(part, case) for part, cases in parts.items() for case in cases]
    names = list(dict.fromkeys(name for _, case in every for name in case.scores))
    baselines = list(dict.fromkeys(name for _, case in every for name in case.baselines))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = [f"{SCORE}{name}" if name in FIRST or name.startswith((BASELINE, SCORE, "'")) else name for name in names]
    writer.writerow([*FIRST, *map(safe, heads), *(safe(f"{BASELINE}{name}") for name in baselines)])
    for part, case in every:
        scores = [*(case.scores.get(name) for name in names), *(case.baselines.get(name) for name in baselines)]
        cells = ["" if score is None else f"{score:.9g}" for score in scores]
        writer.writerow([safe(part), safe(case.file), safe(case.patient), *cells])
    return text.getvalue()


def read(file: FilePath) -> dict[str, list[CaseScores]]:
    """The cases by part; none where the task does not tell of them. Raises OSError, csv.Error or ValueError."""
    parts: dict[str, list[CaseScores]] = {}
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
        baselines: dict[str, float | None] = {}
        for head, cell in zip(names, row[len(FIRST) :], strict=True):
            score = float(cell) if cell else None
            if score is not None and not is_score(score):
                raise ValueError(f"{cell} is no score")
            if head.startswith(BASELINE):
                baselines[head.removeprefix(BASELINE)] = score
            else:
                scores[head.removeprefix(SCORE)] = score
        parts.setdefault(part, []).append(CaseScores(name, patient, scores, baselines))
    return parts


def _unsafe(cell: str) -> str:
    """A cell as it was before it was made safe for a spreadsheet."""
    return cell[1:] if cell[:1] == "'" and safe(cell[1:]) == cell else cell
