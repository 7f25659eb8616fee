"""D404."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found
from specc.errors import Diagnostic


def check(look: Look) -> list[Diagnostic]:
    """What: the place of the data is not there, is of the wrong kind, or is not named (or twice).

    Why: relative paths start in the folder of the spec, not where the command runs, so that a study can be moved.

    Bad:

        data: {folders: data/crx}

    Good:

        data: {folders: data/cxr}
    """
    if look.table.problem is None or look.table.problem[0] != "D404":
        return []
    path, (_, reason) = look.table.path, look.table.problem
    if len(path) == 1:
        more = "".join(f", `{source.name}: ...`" for source in look.study.task.sources)
        help_ = f"one of `folders: DIR` (one folder per class), `manifest: FILE.csv`, `images: DIR`{more}"
        return found(look, "D404", f"where are the images? {reason}", path, "one source belongs here", ("help", help_))
    place = getattr(look.data, str(path[1]))
    return found(
        look,
        "D404",
        f"`{path[1]}` cannot be used: {reason}",
        path,
        "looked for here, from the folder of the spec on",
        (
            "help",
            f"give the path from the spec to the {_kind(look, str(path[1]))}; not `{place}`",
        ),
    )


def _kind(look: Look, key: str) -> str:
    files = [source.name for source in look.study.task.sources if not source.folder]
    return "CSV file" if key == "manifest" else "file" if key in files else "folder"


RULE = DataRule("D404", "no_source", check)
