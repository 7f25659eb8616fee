"""Diagnostics as text for people, as JSON and SARIF 2.1.0 for programs, and as GitHub annotations.

error[S204]: `binary_cross_entropy` does not fit a softmax output with 3 classes
  --> pneumonia.yaml:13:7
   |
12 |     - dense: {units: 3, activation: softmax}
   |                                     ------- gives 3 probabilities that sum to 1
13 | loss: binary_cross_entropy
   |       ^^^^^^^^^^^^^^^^^^^^ expects independent yes/no outputs (sigmoid)
   = why: training would run and the curve would fall, but the probabilities would be wrong
   = help: one answer per image: `loss: categorical_cross_entropy` (suggested)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Literal

from specc import __version__
from specc.errors import Diagnostic, Edit, Fix, Label, Note, Span
from specc.text.picture import clean, picture

Format = Literal["text", "json", "sarif", "github"]
FORMATS: tuple[Format, ...] = ("text", "json", "sarif", "github")
FORMAT_VERSION = 1

_ORDER = ("rule", "why", "where", "trace", "help", "note", "more")
_SEVERITY = {"error": "1;31", "warning": "1;33", "note": "1;36"}


def render(
    diagnostics: Iterable[Diagnostic],
    texts: Mapping[str, str],
    format: Format = "text",  # noqa: A002  the word of the command line
    color: bool = False,
    width: int = 120,
) -> str:
    """All diagnostics in one format, without a line feed at the end.

    `texts` maps file names to their text, for the pictures; `width` is how many columns a picture may take;
    `color` (text only) adds ANSI colours: whether to is for the caller to decide (NO_COLOR, a terminal or not).
    """
    found = tuple(diagnostics)
    if format == "json":
        return json.dumps(as_json(found), indent=2)
    if format == "sarif":
        return json.dumps(as_sarif(found), indent=2)
    if format == "github":
        return "\n".join(_annotation(diagnostic) for diagnostic in found)
    lines: dict[str, list[str]] = {file: text.split("\n") for file, text in texts.items()}
    return "\n\n".join(_text(diagnostic, lines, color, width) for diagnostic in found)


# ---------------------------------------------------------------------- text


def _text(diagnostic: Diagnostic, lines: Mapping[str, Sequence[str]], color: bool, width: int) -> str:
    def paint(text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if color and text else text

    main = _SEVERITY[diagnostic.severity]
    head = f"{paint(f'{diagnostic.severity}[{clean(diagnostic.code)}]', main)}: {paint(clean(diagnostic.message), '1')}"
    out = [head]
    margin = 2
    if diagnostic.span is not None:
        drawn, margin = picture(diagnostic, lines, paint, main, width)
        out += drawn
    for kind, text in _remarks(diagnostic):
        out.append(f"{' ' * (margin + 1)}{paint('=', '1;34')} {paint(f'{kind}:', '1')} {clean(text)}")
    return "\n".join(out)


def _remarks(diagnostic: Diagnostic) -> list[tuple[str, str]]:
    """The lines below the picture, fixes among the helps and before them."""
    remarks: list[tuple[str, str]] = []
    for kind in _ORDER:
        if kind == "help":
            remarks += [("help", f"{fix.text} ({'safe fix' if fix.safe else 'suggested'})") for fix in diagnostic.fixes]
        remarks += [(kind, note.text) for note in diagnostic.notes if note.kind == kind]
    return remarks


# ---------------------------------------------------------------------- JSON


def as_json(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """`{"format_version": 1, "diagnostics": [...]}` of plain values; the same input gives the same bytes."""
    return {"format_version": FORMAT_VERSION, "diagnostics": [_record(diagnostic) for diagnostic in diagnostics]}


def _record(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": clean(diagnostic.message),
        "path": list(diagnostic.path),
        "span": _place(diagnostic.span),
        "label": clean(diagnostic.label),
        "labels": [{"span": _place(label.span), "text": clean(label.text)} for label in diagnostic.labels],
        "help": [clean(note.text) for note in diagnostic.notes if note.kind == "help"],
        "notes": [{"kind": note.kind, "text": clean(note.text)} for note in _others(diagnostic.notes)],
        "fixes": [_fix(fix) for fix in diagnostic.fixes],
    }


def _others(notes: Iterable[Note]) -> list[Note]:
    return sorted((note for note in notes if note.kind != "help"), key=lambda note: _ORDER.index(note.kind))


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{"span": _place(edit.span), "text": edit.text} for edit in fix.edits]
    return {"text": clean(fix.text), "safe": fix.safe, "edits": edits}


def _place(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


# ---------------------------------------------------------------------- SARIF


def as_sarif(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """A SARIF 2.1.0 log with one run. Columns count code points; fixes and second labels are kept."""
    found = tuple(diagnostics)
    codes = sorted({diagnostic.code for diagnostic in found})
    rules = [{"id": code, "shortDescription": {"text": f"specc explain {code}"}} for code in codes]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "specc", "version": __version__, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(diagnostic, codes.index(diagnostic.code)) for diagnostic in found],
            }
        ],
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    lines = [f"{diagnostic.message}." if not diagnostic.label else f"{diagnostic.message}: {diagnostic.label}."]
    lines += [f"{kind}: {text}" for kind, text in _remarks(diagnostic)]
    lines = [clean(line) for line in lines]
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": {"text": "\n".join(lines)},
    }
    if diagnostic.span is not None:
        result["locations"] = [{"physicalLocation": _physical(diagnostic.span)}]
    if diagnostic.labels:
        result["relatedLocations"] = [_related(number, label) for number, label in enumerate(diagnostic.labels, 1)]
    fixes = [_sarif_fix(fix) for fix in diagnostic.fixes if fix.edits]
    if fixes:
        result["fixes"] = fixes
    return result


def _related(number: int, label: Label) -> dict[str, Any]:
    return {"id": number, "physicalLocation": _physical(label.span), "message": {"text": clean(label.text)}}


def _physical(span: Span) -> dict[str, Any]:
    return {"artifactLocation": {"uri": _uri(span.file)}, "region": _region(span)}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _sarif_fix(fix: Fix) -> dict[str, Any]:
    files: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        files.setdefault(edit.span.file, []).append(edit)
    changes = [
        {
            "artifactLocation": {"uri": _uri(file)},
            "replacements": [
                {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}} for edit in edits
            ],
        }
        for file, edits in files.items()
    ]
    return {"description": {"text": clean(fix.text)}, "artifactChanges": changes}


def _uri(file: str) -> str:
    """A relative path as a relative reference, an absolute one as a file URI (RFC 8089), drive and all."""
    path = PurePath(file)
    from urllib.parse import quote

    encoded = quote(path.as_posix().encode("utf-8", "replace"), safe="/:" if path.drive else "/")
    return f"file://{'' if encoded.startswith('/') else '/'}{encoded}" if path.is_absolute() else encoded


# ---------------------------------------------------------------------- GitHub


def _annotation(diagnostic: Diagnostic) -> str:
    """A workflow command: one line, with line feeds and signs of its own grammar escaped."""
    level = "notice" if diagnostic.severity == "note" else diagnostic.severity
    fields: dict[str, str | int] = {}
    span = diagnostic.span
    if span is not None:
        fields = {"file": PurePath(span.file).as_posix(), "line": span.line, "endLine": span.end_line}
        if span.line == span.end_line:
            fields |= {"col": span.column, "endColumn": span.end_column}
    fields["title"] = diagnostic.code
    lines = [diagnostic.message, diagnostic.label, *(f"{kind}: {text}" for kind, text in _remarks(diagnostic))]
    body = "%0A".join(_escaped(clean(line)) for line in lines if line)
    properties = ",".join(f"{key}={_property(value)}" for key, value in fields.items())
    return f"::{level} {properties}::{body}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str | int) -> str:
    return re.sub(r"[:,]", lambda sign: "%3A" if sign.group() == ":" else "%2C", _escaped(clean(str(value))))
