"""What the data are, in numbers: for the report of a check and for the first lines of a training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from specc.data.look import Look, printable
from specc.data.split import marks


@dataclass(frozen=True)
class Summary:
    """`parts` counts images by part and class (class "" where there are none); sizes are (height, width)."""

    images: int = 0
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)  # percent reached
    patients: Mapping[str, int] = field(default_factory=dict)  # by part, where they are known
    sizes: Mapping[tuple[int, int], int] = field(default_factory=dict)
    bits: Mapping[int, int] = field(default_factory=dict)
    modalities: Mapping[str, int] = field(default_factory=dict)
    skipped: int = 0  # images of another modality, by the spec's own wish


def fold_table(look: Look) -> list[str]:
    """The sizes of all folds as lines: images, groups, images of each class (or with each finding); none without."""
    held = marks(look) if look.folds else None
    if held is None:
        return []
    names = look.findings or look.classes
    heads = ["", "images", *(["groups"] if look.groups else []), *map(printable, names)]
    cells = [heads]
    for fold in [*range(1, look.study.spec.data.split.folds + 1), *([0] if 0 in look.folds else [])]:
        places = [place for place, of in enumerate(look.folds) if of == fold]
        counts = [len(places), *([len({look.groups[place] for place in places})] if look.groups else [])]
        counts += [sum(name in held[place] for place in places) for name in names]
        cells.append([f"fold {fold}" if fold else "test", *(f"{count:,}" for count in counts)])
    widths = [max(len(row[k]) for row in cells) for k in range(len(heads))]
    return [f"{row[0]:<{widths[0]}}" + "".join(f"  {c:>{w}}" for c, w in zip(row[1:], widths[1:], strict=True))
            for row in cells]  # fmt: skip


def summarize(look: Look, skipped: int) -> Summary:
    """Counts over everything that could be read."""
    facts = [fact for _, fact in look.facts()]
    order = [part for part in ("train", "val", "test") if part in look.parts]
    patients = look.patients() if look.parts else []
    people = {part: {who for who, of in zip(patients, look.parts, strict=True) if of == part} for part in order}
    labels = {part: Counter[str]() for part in order}
    for row, part in zip(look.table.rows, look.parts, strict=False):
        if part in labels:
            labels[part][row.label or ""] += 1
    total = sum(count.total() for count in labels.values())
    return Summary(
        images=len(look.table.rows),
        parts={part: {name: count[name] for name in look.classes or ("",)} for part, count in labels.items()},
        shares={part: 100 * count.total() / total for part, count in labels.items()},
        patients={part: len(who) for part, who in people.items() if "" not in who},
        sizes=dict(Counter((fact.height, fact.width) for fact in facts).most_common()),
        bits=dict(Counter(fact.bits for fact in facts).most_common()),
        modalities=dict(Counter(fact.modality for fact in facts if fact.modality).most_common()),
        skipped=skipped,
    )
