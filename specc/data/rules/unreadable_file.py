"""D403."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic


def check(look: Look) -> list[Diagnostic]:
    """What: files that are listed cannot be read: damaged, cut short, no image, or of a kind that is refused.

    Why: a reader that pads a half image with black, or leaves a file out in silence, changes the study without telling.
    So every file is decoded before training, and one bad file stops it. The list says what is wrong with each.

    Bad: a PNG whose copy stopped half-way.

        data: {folders: data/cxr}

    Good: the file is copied again, or taken out of the folder or the manifest, so that the report counts what was used.

        data: {manifest: data/cxr_without_damaged.csv, columns: {image: file}}
    """
    bad = [(row, entry.error) for row, entry in look.seen() if entry.error and entry.error[0] != "P805"]
    if not bad:
        return []
    decoders = sorted({reason for _, (code, reason) in bad if code == "P809"})
    return found(
        look,
        "D403",
        f"{share(len(bad), len(look.files), 'image', 'cannot', 'cannot')} be read",
        look.table.path,
        counts((reason for _, (_, reason) in bad), 3),
        ("why", "training on what is left would change the study in silence; the number of bad files allowed is 0"),
        *((("help", f"install what is missing: {'; '.join(decoders)}"),) if decoders else ()),
        *(
            (("help", "repair these files, or take them out of the data"),)
            if any(code != "P809" for _, (code, _) in bad)
            else ()
        ),
        files=[(row, f"{code}: {reason}") for row, (code, reason) in bad],
    )


RULE = DataRule("D403", "unreadable_file", check)
