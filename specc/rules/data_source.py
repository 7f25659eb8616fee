"""S227."""

from __future__ import annotations

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import Said, fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: no source of images, several at once, or a table without `columns`.

    Why: folders say the class by their name, a manifest says it in a column; two sources could contradict each other.

    Bad:

        data:
          folders: data/slices
          manifest: data/slices.csv
          columns: {image: file, label: label}
          split: {train: 80, val: 20, group: none}

    Good:

        data:
          manifest: data/slices.csv
          columns: {image: file, label: label}
          split: {train: 80, val: 20, group: none}

    Source: Wataya et al. 2020, Jpn J Radiol 38 (dataset creation: CSV or class folders).
    """
    data = study.spec.data
    if data is None:
        return []
    given = [name for name in study.sources if getattr(data, name) is not None]
    if not given:
        cure: Said = ("help", "`folders: DIR` with one folder per class, or `manifest: FILE.csv` with `columns`")
        label = "needs `folders` or `manifest`"
        return [fault(study, "S227", "no images are named", ("data",), label, cure, span=study.key_span("data"))]
    if len(given) > 1:
        first, second = given[:2]
        return [
            fault(
                study,
                "S227",
                f"`{first}` and `{second}` both say where the images are",
                ("data", second),
                "a second source",
                ("help", "keep one of them"),
                span=study.key_span("data", second),
                labels=(Label(study.key_span("data", first), "the first one"),),
            )
        ]
    if given == ["manifest"] and not data.columns:
        label = "needs `columns`"
        note: Said = ("help", "say which column is what: `columns: {image: YOUR_COLUMN, label: YOUR_COLUMN}`")
        return [fault(study, "S227", "a manifest needs `columns`", ("data", "manifest"), label, note)]
    if given != ["manifest"] and data.columns:
        label = "only a manifest has columns"
        return [fault(study, "S227", "`columns` needs a `manifest`", ("data", "columns"), label)]
    return []


RULE = Rule("S227", "data_source", check)
