"""D417."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found
from specc.data.split import shares
from specc.errors import Diagnostic

POINTS = 5


def check(look: Look) -> list[Diagnostic]:
    """What: the parts that could be reached are more than 5 points away from the percentages of the spec (a warning).

    Why: groups are not torn, so a few large ones leave little choice. The report must state what was reached.

    Bad: three patients with 100 images each cannot be split 80 to 20.

        data: {manifest: table.csv, columns: {image: file, patient: patient}, split: {train: 80, val: 20}}

    Good: percentages that the patients allow.

        data: {manifest: table.csv, columns: {image: file, patient: patient}, split: {train: 67, val: 33}}
    """
    asked = shares(look)
    if not asked or not look.parts or look.data.split.column or look.data.split.use:
        return []
    reached = {part: 100 * look.parts.count(part) / len(look.parts) for part in asked}
    total = sum(asked.values())
    if all(abs(reached[part] - 100 * share / total) <= POINTS for part, share in asked.items()):
        return []
    return found(
        look,
        "D417",
        "the split cannot come close to its percentages",
        ("data", "split"),
        "reached: " + ", ".join(f"{part} {share:.0f}" for part, share in reached.items()),
        ("why", f"a group is never torn, and the largest of {len(set(look.groups)):,} has "
                f"{max(look.groups.count(group) for group in set(look.groups)):,} of {len(look.parts):,} images"),
        ("help", "write the percentages that were reached, or add patients"),
        severity="warning",
    )  # fmt: skip


RULE = DataRule(
    "D417",
    "shares_off",
    check,
    ("D403", "D404", "D405", "D406", "D407", "D408", "D410", "D411", "D421", "D424", "D416"),
)
