"""Cases of several files, each a channel: the table by files, files put on top of each other, a range for each channel.

Of a case the row and the entry are those of its first file; `Stack.files` holds all of them in the order of channels.
"""

from collections.abc import Sequence

from specc.pieces import index, readers
from specc.pieces import runtime as rt
from specc.pieces.pixels import Stack, every_file, files_of
from specc.pieces.slots import FILES


def file_by_file(table: list[dict[str, str]]) -> list[dict[str, str]]:
    """A line a file: each case has as many as there are channels."""
    return [{"image": row[name]} for row in table for name in FILES]


def stacked(entries: list[index.Entry]) -> list[index.Entry]:
    """One entry a case. Files that do not lie on top of each other, pixel by pixel, end the program."""
    every_file(entries)
    cases: list[index.Entry] = [
        Stack.of(tuple(entries[at : at + len(FILES)])) for at in range(0, len(entries), len(FILES))
    ]
    for case in cases:
        found = [(fact.height, fact.width, fact.samples) for file in files_of(case) if (fact := file.facts)]
        if len(set(found)) > 1 or found[0][2] > 1:
            told = ", ".join(f"{height}x{width}x{samples}" for height, width, samples in found)
            cure = "`specc check` lists every case whose files differ in size, or are not mono"
            rt.fail("D432", f"{case.path}: the files of this case are {told}", cure, 2)
    return cases


def each_file(entries: list[index.Entry]) -> list[index.Entry]:
    """All files, case after case."""
    return [file for entry in entries for file in files_of(entry)]


def ranges_of_types(facts: Sequence[readers.Facts]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Of each channel, the range of the type that its files have: 0 to 255 or 0 to 65535.

    Numbers that are signed, real or larger stay as they are: they have a window, or are standardized.
    """
    channels = [facts[place :: len(FILES)] for place in range(len(FILES))]
    free = [any(fact.signed or fact.floating or fact.bits > 16 for fact in files) for files in channels]
    types = [255.0 if all(fact.bits <= 8 for fact in files) else 65535.0 for files in channels]
    return (0.0,) * len(FILES), tuple(1.0 if far else top for far, top in zip(free, types, strict=True))
