"""D431."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found, printable
from specc.data.split import LEFT_OUT, PARTS, findings
from specc.errors import Diagnostic
from specc.rules.common import plural


def check(look: Look) -> list[Diagnostic]:
    """What: a finding is in no image of a part of the split, in all of them, or known of none.

    Why: from images that all say the same nothing can be learned: in training that is an error. In validation and test
    such a finding has no figure and does not take part in the choice of the epoch: a warning.

    Bad: the column nodule holds 0 for every image that trains.

        output: {labels: [effusion, nodule]}
        data: {manifest: table.csv, columns: {image: file, labels: {effusion: effusion, nodule: nodule}}}

    Good: patients with and without a nodule are in every part.

        output: {labels: [effusion, nodule]}
        data: {manifest: table.csv, columns: {image: file, labels: {effusion: effusion, nodule: nodule}}}
    """
    table = findings(look) if look.findings else []
    if not table or not look.parts or not set(look.parts) <= {*PARTS, LEFT_OUT}:
        return []
    made = []
    for part in PARTS:
        rows = [row for row, of in zip(table, look.parts, strict=True) if of == part]
        lacking = (
            [_lack(name, {row[k] for row in rows} - {-100}) for k, name in enumerate(look.findings)] if rows else []
        )
        if any(lacking):
            column = look.data.split.column
            made += found(
                look,
                "D431",
                f"`{part}` cannot tell findings apart: " + ", ".join(filter(None, lacking)),
                ("data", "split", "column") if column else ("data", "split"),
                f"{plural(len(rows), 'image')} in `{part}`",
                (
                    "help",
                    "add such patients, correct the column" if column else "add such patients, or try another `seed`",
                ),
                ("help", "or take the finding out of `labels`"),
                severity="error" if part == "train" else "warning",
            )
    return made


def _lack(name: str, seen: set[int]) -> str:
    """What one finding lacks."""
    if len(seen) == 2:
        return ""
    how = "is in none" if seen == {0} else "is in all" if seen else "is known of none"
    return f"`{printable(name)}` {how}"


RULE = DataRule(
    "D431", "part_without_finding", check, ("D403", "D404", "D405", "D406", "D407", "D408", "D421", "D424", "D430")
)
