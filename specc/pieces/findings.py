"""Several findings per image: how a table writes them, and a split that shares them out."""

from collections.abc import Mapping, Sequence

from specc.pieces import tables

ENTRIES = {"1": 1, "1.0": 1, "yes": 1, "0": 0, "0.0": 0, "no": 0, "": -100}  # -100: passed over by torch's losses


def finding(entry: str) -> int:
    """1 where it is there, 0 where it is not, -100 where nobody knows (blank). Raises ValueError for other entries."""
    text = entry.strip().lower()
    if text not in ENTRIES:
        raise ValueError(f"{entry!r} is neither 1 nor 0 nor blank")
    return ENTRIES[text]


def split_findings(
    findings: Sequence[Sequence[int]], groups: Sequence[str], shares: Mapping[str, float], seed: int
) -> list[str]:
    """A part for each row, as `tables.split_grouped`: images, and those with each finding, in the same shares."""
    marks = [(place, "") for place in range(len(findings))]
    marks += [(place, str(k)) for place, row in enumerate(findings) for k, there in enumerate(row) if there == 1]
    parts = tables.split_grouped([mark for _, mark in marks], [groups[place] for place, _ in marks], shares, seed)
    return parts[: len(findings)]
