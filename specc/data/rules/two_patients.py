"""D434."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found, share
from specc.errors import Diagnostic


def check(look: Look) -> list[Diagnostic]:
    """What: the DICOM files of one case name different patients.

    Why: two series of two people do not lie on top of each other. Lines of a table slip easily when columns are sorted
    one by one.

    Bad: the column T2 was sorted, and T1 was not.

        input: {format: dicom, size: [256, 256], channels: [t1, t2], scale: 0..1, modality: MR}
        data: {manifest: table.csv, columns: {image: [T1, T2]}}

    Good: each line names files of one patient.

        input: {format: dicom, size: [256, 256], channels: [t1, t2], scale: 0..1, modality: MR}
        data: {manifest: table.csv, columns: {image: [T1, T2]}}
    """
    mixed = []
    for row, files in look.cases():
        people = {file.facts.patient for file in files if file is not None and file.facts is not None} - {""}
        if len(people) > 1:
            mixed.append((row, " and ".join(sorted(people))))
    if not mixed:
        return []
    return found(
        look,
        "D434",
        f"{share(len(mixed), len(look.table.rows), 'case', 'holds', 'hold')} files of different patients",
        ("data", "columns", "image"),
        "one case each line",
        ("why", "PatientID differs between the files, so that they are pictures of two people"),
        ("help", "correct the table: the files of a line belong to one patient and one examination"),
        files=mixed,
    )


RULE = DataRule("D434", "two_patients", check)
