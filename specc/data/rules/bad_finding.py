"""D430."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic, Label, NoteKind, Path
from specc.pieces.findings import ENTRIES


def check(look: Look) -> list[Diagnostic]:
    """What: a finding's column holds something else than 1 (or yes), 0 (or no), or nothing.

    Why: 1 says that the finding is there, 0 that it is not, and a blank that nobody knows: it is left out of the loss
    and of every figure. What else is written could mean any of the three, and a guess would be a false diagnosis.

    Bad: the column effusion holds `-1` where a report was unsure, and `mild`.

        output: {labels: [effusion, nodule]}
        data: {manifest: table.csv, columns: {image: file, labels: {effusion: effusion, nodule: nodule}}}

    Good: these entries are blank, or 1 where mild counts as there.

        output: {labels: [effusion, nodule]}
        data: {manifest: table.csv, columns: {image: file, labels: {effusion: effusion, nodule: nodule}}}
    """
    bad = [
        (row, text, name)
        for row in look.table.rows
        for name in look.findings
        if (text := row.targets.get(f"labels.{name}", "")).strip().lower() not in ENTRIES
    ]
    if not bad:
        return []
    rows, names = {row.number for row, _, _ in bad}, {name for _, _, name in bad}
    notes: list[tuple[NoteKind, str]] = [
        ("help", "write 1 where it is there, 0 where it is not, nothing where unknown")
    ]
    if any(text.strip() in ("-1", "-1.0", "u", "U", "?") for _, text, _ in bad):
        notes.append(("help", "uncertain: leave the entry blank, or decide for 1 or 0"))
    columns = look.data.columns if isinstance(look.data.columns, dict) else {}
    path: Path = ("data", "columns", "labels") if "labels" in columns else look.table.path
    if len(names) == 1 and len(path) == 3:
        path = (*path, *names)
    return found(
        look,
        "D430",
        f"{share(len(rows), len(look.table.rows), 'image', 'has', 'have')} a finding that is neither 1 nor 0 nor blank",
        path,
        counts(f"`{text}`" for _, text, _ in bad),
        *notes,
        files=[(row, f"{name}: {text}") for row, text, name in bad],
        labels=(Label(look.study.span("output", "labels"), "findings"),),
    )


RULE = DataRule("D430", "bad_finding", check)
