"""Answers as a table for people, as CSV for spreadsheets, as JSON for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence

from specc.deploy.contract import Contract
from specc.deploy.predict import Answer, PatientAnswer

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_json(answer: Answer | PatientAnswer) -> str:
    """One line of ASCII; a name that is no Unicode text survives as lone surrogates, as Python itself writes it."""
    return json.dumps(answer.plain(), ensure_ascii=True, allow_nan=False)


def safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: a leading = + - @ or control character gets an apostrophe."""
    clean = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "'" + clean if clean.startswith(FORMULA) else clean


def visible(text: str) -> str:
    """A name on one line of a terminal: what does not print is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def header(contract: Contract) -> list[str]:
    """Columns of the CSV: file (and `file.CHANNEL` for the further files of a case), patient, images, answer, one for
    each class, finding or target, refused, reason.
    """
    others = (f"file.{name}" for name in contract.input.stack[1:])
    names = (safe(name) for name in contract.output.names)
    return ["file", *others, "patient", "images", "answer", *names, "refused", "reason"]


def row(contract: Contract, answer: Answer | PatientAnswer) -> list[str]:
    """One line of the CSV; numbers keep the digits of a float32."""
    names = contract.output.names
    numbers = {**answer.probabilities, **answer.values}
    cells = [_number(numbers[name]) if name in numbers else "" for name in names]
    said = _number(answer.answer) if isinstance(answer.answer, float) else safe(_told(answer.answer))
    if isinstance(answer, PatientAnswer):
        blank = [""] * max(1, len(contract.input.stack))
        return [*blank, safe(answer.patient), str(answer.images), said, *cells, "", ""]
    code, reason = answer.refused or ("", "")
    files = [answer.file, *(answer.others.get(name, "") for name in contract.input.stack[1:])]
    return [*map(safe, files), safe(answer.patient or ""), "1", said, *cells, code, safe(reason)]


def to_csv(contract: Contract, answers: Iterable[Answer | PatientAnswer]) -> str:
    """The whole table; lines end with a line feed; safe to open in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header(contract))
    writer.writerows(row(contract, answer) for answer in answers)
    return text.getvalue()


def table(contract: Contract, answers: Iterable[Answer | PatientAnswer]) -> list[str]:
    """Lines for a terminal: file (or patient), answer, probabilities or values; refused files say why."""
    rows = [[_who(answer), *_said(contract, answer)] for answer in answers]
    width = max((len(cells[0]) for cells in rows), default=0)
    said = max((len(cells[1]) for cells in rows if len(cells) > 2), default=0)
    return [_line(cells, min(width, 60), said) for cells in rows]


def _line(cells: Sequence[str], width: int, said: int) -> str:
    if len(cells) == 2:
        return f"{cells[0]:<{width}}  {cells[1]}"
    return f"{cells[0]:<{width}}  {cells[1]:<{said}}  {cells[2]}".rstrip()


def _who(answer: Answer | PatientAnswer) -> str:
    if isinstance(answer, PatientAnswer):
        return visible(f"patient {answer.patient} ({answer.images} image{'' if answer.images == 1 else 's'})")
    return visible(answer.file)


def _said(contract: Contract, answer: Answer | PatientAnswer) -> list[str]:
    if isinstance(answer, Answer) and answer.refused is not None:
        return [f"refused {answer.refused[0]}: {answer.refused[1]}"]
    if answer.probabilities:
        return [
            visible(_told(answer.answer) or "no finding"),
            "  ".join(f"{visible(k)} {v:.4f}" for k, v in answer.probabilities.items()),
        ]
    units = contract.output.units
    return [f"{visible(name)} {value:.4g} {units.get(name) or ''}".rstrip() for name, value in answer.values.items()]


def _told(answer: str | float | tuple[str, ...] | None) -> str:
    """The findings with `;` between them; a class as it is."""
    return ";".join(answer) if isinstance(answer, tuple) else str(answer or "")


def _number(value: float) -> str:
    return f"{value:.9g}"
