"""D421."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found, share
from specc.data.split import by_groups, grouping
from specc.errors import Diagnostic


def check(look: Look) -> list[Diagnostic]:
    """What: nobody says which images belong to one patient: a folder of PNG files without `group`, DICOM files without
    PatientID, or blanks in the column.

    Why: if images of one patient fall on both sides of the split, validation measures memory. Where each image is a
    patient of its own, say so: `group: none`.

    Bad:

        data: {folders: data/cxr, split: {train: 80, val: 20}}

    Good: files are called PATIENT_SLICE.png.

        data: {folders: data/cxr, split: {train: 80, val: 20, group: {before: "_"}}}

    Source: Yagis et al. 2021, Sci Rep 11: 22544.
    """
    if not look.table.rows or not by_groups(look):
        return []
    why = "images of one person on both sides would let validation measure memory"
    ways = '`group: {before: "_"}` (part of the file name), `group: folder`, or a column `patient` in a manifest'
    path = ("data", "split", "group") if look.data.split.group is not None else ("data", "split")
    kind = grouping(look)
    if not kind:
        return found(
            look,
            "D421",
            "the spec does not say which images belong to one patient",
            path,
            "splits the images",
            ("why", why),
            ("help", ways),
            ("help", "every image is another patient: `group: none`"),
        )
    blank = [(row, "") for row, group in zip(look.table.rows, look.groups, strict=False) if not group.strip()]
    if not blank:
        return []
    what = "no PatientID in the header" if kind == "patient id" else f"no entry for {kind}"
    return found(
        look,
        "D421",
        f"{share(len(blank), len(look.table.rows), 'image', 'does', 'do')} not tell the patient: {what}",
        path,
        "groups by patient",
        ("why", why),
        ("help", ways if kind == "patient id" else "fill in the column"),
        files=[(row, what) for row, _ in blank],
    )


RULE = DataRule("D421", "unknown_patient", check)
