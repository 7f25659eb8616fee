"""Names that stand in a file of their own: `classes: {file: names.txt}` becomes the list that the file holds.

This happens before anything reads the spec, so that every later stage sees names and their order, as if they stood in
the spec. Each points at the line of its file as the place where it was written.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path as FilePath
from pathlib import PurePosixPath, PureWindowsPath
from typing import NoReturn

from specc.errors import Diagnostic, Note, Path, Span
from specc.source import Document, Entry, Mapping_, Scalar, Sequence_

PLACES: tuple[Path, ...] = (("output", "classes"), ("output", "labels"))
LARGEST = 2**20  # bytes of such a file


def attempt(document: Document) -> tuple[Document, tuple[Diagnostic, ...]]:
    """The document with the names in place of their files, and what is wrong with such files (S118).

    Paths start in the folder of the spec. A value whose file cannot be had stays as it is.
    """
    faults = []
    for path in PLACES:
        node = document.node(path)
        if isinstance(node, Mapping_):
            try:
                document = _replaced(document, path, _names(document, path, node))
            except _Fault as fault:
                faults.append(fault.diagnostic)
    return document, tuple(faults)


class _Fault(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def _names(document: Document, path: Path, node: Mapping_) -> Sequence_:
    """One name for each line that is not blank. Raises _Fault."""
    given = node.get("file")
    if set(node.items) != {"file"} or not isinstance(given, Scalar) or not given.raw:
        text = f"`{path[-1]}` is a list of names, or the file that holds them"
        _fail(
            document, path, text, "neither", f"`{path[-1]}: [normal, pneumonia]` or `{path[-1]}: {{file: names.txt}}`"
        )
    place, file = (*path, "file"), given.raw
    if PurePosixPath(file).is_absolute() or PureWindowsPath(file).anchor or "\0" in file:
        text = "the path of a file of names starts in the folder of the spec"
        _fail(document, place, text, "starts elsewhere", "put the file beside the spec and write its name alone")
    source = FilePath(document.file).resolve().parent / file
    try:
        if not source.is_file():
            _fail(document, place, f"there is no file `{file}`", f"looked for in {source.parent}", "check the name")
        with source.open("rb") as stream:
            data = stream.read(LARGEST + 1)
        lines = data.decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        reason = (
            "it is not UTF-8 text" if isinstance(error, ValueError) else getattr(error, "strerror", "") or "no file"
        )
        _fail(
            document, place, f"`{file}` cannot be read: {reason}", "names, one a line", "save it as plain text, UTF-8"
        )
    if len(data) > LARGEST:
        _fail(document, place, f"`{file}` is larger than 1 MiB", "names, one a line", "is it the right file?")
    items = [
        Scalar(line.strip(), line.strip(), True, given.span, Span(str(source), number, 1, number, len(line) + 1))
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not items:
        _fail(document, place, f"`{file}` holds no name", "names, one a line", "write one name a line")
    return Sequence_(tuple(items), given.span)


def _fail(document: Document, path: Path, message: str, label: str, cure: str) -> NoReturn:
    notes = (Note("help", cure), Note("more", "specc explain S118"))
    raise _Fault(Diagnostic("S118", message, document.span(path), path, label, document.labels(path), notes))


def _replaced(document: Document, path: Path, node: Sequence_) -> Document:
    """The document with another value at a path of two keys."""
    top, key = str(path[0]), str(path[1])
    outer = document.tree.items[top]
    assert isinstance(outer.node, Mapping_)  # it holds the path
    inner = replace(outer.node, items={**outer.node.items, key: replace(outer.node.items[key], node=node)})
    entry = Entry(outer.key_span, inner, outer.key_definition)
    return replace(document, tree=replace(document.tree, items={**document.tree.items, top: entry}))
