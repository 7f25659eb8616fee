"""What is printed for a split: `parts_of`, by percentage, by a column, by folds, with all training groups or some."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from specc.emit.literal import literal

if TYPE_CHECKING:
    from specc.study import Study


def grouping(study: Study) -> tuple[str, str]:
    """What stays together, as (kind, column or mark): column, folder, before, none or patient id."""
    split, words = study.spec.data.split, study.spec.data.columns or {}
    group = split.group if split else None
    if group is None:
        return ("column", words["patient"]) if "patient" in words else ("patient id", "")
    if not isinstance(group, str):
        return "before", group.before
    if group in ("folder", "none"):
        return group, ""
    if group == "patient" and group not in words and study.spec.input.format == "dicom":
        return "patient id", ""
    return "column", words.get(group, group)


@dataclass(frozen=True)
class Written:
    """What `parts_of` returns and what must stand before: `columns` of the manifest, imports, names with their values
    (`groups` and `marks`, the classes of each row, where they are used), and its docstring."""

    result: str
    document: str
    columns: dict[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)


def parts_of(study: Study) -> tuple[dict[str, str], str]:
    """The columns that `parts_of` needs, and the function."""
    split = study.spec.data.split
    if split is None:
        written = Written('["train"] * len(rows)', "Every image trains")
    elif split.folds:
        written = _fold(study)
    elif split.column:
        written = Written('tables.split_column(rows, "part")', "The part of each row as the table tells it")
        written = replace(written, columns={"part": split.column})
    else:
        written = _shared(study)
    if split is not None and split.use and split.use < 100:
        written = _some(study, written)
    text = "".join(f"{line}\n" for line in ("from specc.pieces import index, tables", *written.imports)) + "\n\n"
    text += "def parts_of(rows: list[dict[str, str]], entries: list[index.Entry]) -> list[str]:\n"
    text += f'    """{written.document}."""\n'
    text += "".join(f"    {name} = {value}\n" for name, value in written.names.items())
    return written.columns, f"{text}    return {written.result}\n"


def _shared(study: Study) -> Written:
    """Percentages."""
    split = study.spec.data.split
    columns, groups = _groups(study)
    imports: tuple[str, ...] = ()
    labels = '[row["label"] for row in rows]' if study.classes else '[""] * len(rows)'
    deal = f"tables.split_grouped({labels}"
    if names := study.findings:
        imports = ("from specc.pieces.findings import finding, split_findings",)
        words = literal(tuple(f"labels.{name}" for name in names))
        deal = f"split_findings([[finding(row[name]) for name in {words}] for row in rows]"
    given = {part: getattr(split, part) for part in ("train", "val", "test")}
    shares = {part: share for part, share in given.items() if share is not None}
    result = f"{deal}, groups, {literal(shares)}, seed={literal(split.seed)})"
    document = "Parts by percentage; what belongs together stays together"
    return Written(result, document, columns, imports, {"groups": groups})


def _fold(study: Study) -> Written:
    """One fold validates, the others train."""
    split, seed = study.spec.data.split, literal(study.spec.data.split.seed)
    result, document = (
        f"folds.parts(numbers, fold={split.fold or 1})",
        f"Fold {split.fold or 1} of {split.folds} validates",
    )
    imports = ("from specc.pieces import folds",)
    if split.folds_column:
        told = f'folds.told([row["fold"] for row in rows], {split.folds})'
        return Written(result, document, {"fold": split.folds_column}, imports, {"numbers": told})
    written = _with_groups(study, Written(result, document, {}, imports))
    columns, apart = written.columns, "[False] * len(rows)"
    if split.column:
        apart = '[part == "test" for part in tables.split_column(rows, "part")]'
        columns = {**columns, "part": split.column}
    elif split.test:
        apart = f"folds.held_out(marks, groups, {literal(split.test)}, seed={seed})"
    dealt = f"folds.dealt(marks, groups, apart, {split.folds}, seed={seed})"
    return replace(written, columns=columns, names={**written.names, "apart": apart, "numbers": dealt})


def _some(study: Study, written: Written) -> Written:
    """A part of the training groups."""
    split = study.spec.data.split
    written = _with_groups(study, written)
    return replace(
        written,
        result=f"subset.train_on({written.result}, marks, groups, {literal(split.use)}, seed={literal(split.seed)})",
        document=f"{written.document}; {split.use:g} % of the training groups train",
        imports=(*written.imports, "from specc.pieces import subset"),
    )


def _with_groups(study: Study, written: Written) -> Written:
    """The same with the names `groups` and `marks`."""
    columns, groups = _groups(study)
    imports, marks = written.imports, "[[] for _ in rows]"
    if study.classes:
        marks = '[[row["label"]] for row in rows]'
    elif names := study.findings:
        words = literal(tuple(f"labels.{name}" for name in names))
        marks = f"[[name for name in {words} if finding(row[name]) == 1] for row in rows]"
        imports = (*imports, "from specc.pieces.findings import finding")
    needed = {"groups": groups, "marks": marks}
    return replace(written, columns={**columns, **written.columns}, imports=imports, names={**needed, **written.names})


def _groups(study: Study) -> tuple[dict[str, str], str]:
    """The column that says what stays together, if one does, and the expression."""
    kind, detail = grouping(study)
    return {"group": detail} if kind == "column" else {}, {
        "column": '[row["group"] for row in rows]',
        "folder": 'tables.group_by_folder([row["file"] for row in rows])',
        "before": f'tables.group_before([row["file"] for row in rows], {literal(detail)})',
        "none": '[row["file"] for row in rows]',
        "patient id": '[entry.facts.patient if entry.facts else "" for entry in entries]',
    }[kind]
