"""YAML text to `Document`: a tree of values with places, or every fault of the text in one go.

Order of work: bytes (size, encoding), characters (`text.characters`), YAML (`text.tree`). What can be repaired is
repaired in a copy, so that faults behind it show in the same run; places are always those of the author's text.
Codes: S001 to S049.
"""

from __future__ import annotations

import stat
from pathlib import Path as FilePath
from typing import TypeVar

from specc.errors import Diagnostic, Edit, Note, Span, SpeccError
from specc.fix import apply_edits
from specc.text.characters import Finding, scan
from specc.text.faults import explain
from specc.text.nodes import Document, Entry, Mapping_, Node, Scalar, Sequence_, Value
from specc.text.repair import mend, with_note
from specc.text.shift import Shift
from specc.text.tree import Tree, build
from specc.text.values import value_of, why_not_a_number

__all__ = [
    "LARGEST", "Document", "Entry", "Mapping_", "Node", "Scalar", "Sequence_", "Value", "load", "parse", "value_of",
    "why_not_a_number",
]  # fmt: skip

LARGEST = 2**20  # bytes of a spec
T = TypeVar("T")
_ROUNDS = 12  # repairs in one run
_REREAD = 2**21  # characters that may be read again for the sake of repairs


def load(path: FilePath | str) -> Document:
    """Read a spec from a file. Raises SpeccError (exit code 2 for a file that cannot be had, else 1)."""
    file = str(path)
    try:
        mode = FilePath(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise _no_file("S041", f"`{file}` is a folder, and a spec is one file", file, _inside(FilePath(path)))
        if not stat.S_ISREG(mode):
            raise _no_file("S042", f"`{file}` is not an ordinary file", file, "write the spec into a file")
        with FilePath(path).open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise _no_file("S040", f"there is no file `{file}`", file, _near(FilePath(path))) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _no_file("S042", f"`{file}` cannot be read: {reason}", file, "look at the rights of the file") from error
    return parse(_decode(data, file), file)


def parse(text: str, file: str) -> Document:
    """Read a spec from text; `file` is its name in messages. Raises SpeccError with every fault of the text."""
    if len(text) > LARGEST or len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise SpeccError((_too_large(file),), 1, {file: ""})
    findings = scan(text, file)
    diagnostics = [finding.diagnostic for finding in findings]
    if any(diagnostic.code == "S020" for diagnostic in diagnostics):
        raise SpeccError(tuple(diagnostics), 1, {file: text})
    tree, more = _read(text, file, [edit for finding in findings for edit in finding.repair])
    hurt = {line for diagnostic in diagnostics if diagnostic.code >= "S017" for line in _lines(diagnostic)}
    diagnostics += [d for d in more if not (tree.fault and hurt & _lines(d))]
    if isinstance(tree.root, Mapping_) and not diagnostics:
        return Document(file, text, tree.root)
    raise SpeccError(tuple(sorted(diagnostics, key=_order)), 1, {file: text})


def _lines(diagnostic: Diagnostic) -> set[int]:
    spans = [diagnostic.span, *(label.span for label in diagnostic.labels)]
    return {span.line for span in spans if span}


def _order(diagnostic: Diagnostic) -> tuple[int, int, str]:
    span = diagnostic.span
    return (span.line, span.column, diagnostic.code) if span else (0, 0, diagnostic.code)


def _read(text: str, file: str, edits: list[Edit]) -> tuple[Tree, list[Diagnostic]]:
    """Build the tree, repairing what can be repaired; diagnostics have places in `text`."""
    shifts = [Shift(edits)]
    current = apply_edits(text, edits)
    found: list[Finding] = []
    budget = max(_REREAD, 2 * len(current))
    tree = build(current, file)
    for _ in range(_ROUNDS):
        budget -= 4 * len(current)
        if tree.joined:
            joined = tree.joined
            new = apply_edits(current, [edit for finding in joined for edit in finding.repair])
        else:
            mended = mend(current, file, tree) if budget > 0 else None
            if mended is None:
                break
            joined, new = [mended.finding], mended.text
        found += [_back(shifts, finding) for finding in joined]
        shifts.append(Shift(edit for finding in joined for edit in finding.repair))
        current = new
        tree = build(current, file)
    rest = [_back(shifts, diagnostic) for diagnostic in _rest(tree, current, file)]
    if found and not rest:
        found[-1] = with_note(found[-1], "reading went on after repair: no other fault of the text")
    return tree, [*(finding.diagnostic for finding in found), *rest]


def _back(shifts: list[Shift], value: T) -> T:
    for shift in reversed(shifts):
        value = shift.all(value)
    return value


def _rest(tree: Tree, text: str, file: str) -> list[Diagnostic]:
    """What is left after the repairs: refused forms, the parser's last fault, a spec that is no mapping."""
    found = list(tree.diagnostics)
    if tree.fault is not None:
        return [*found, explain(tree.fault, text, file)]
    if found and tree.root is None:
        return found
    if tree.folded:
        line = tree.folded[0] + 1
        start = len(text.split("\n")[line - 1]) - len(text.split("\n")[line - 1].lstrip()) + 1
        note = Note("help", "line it up with the line that it belongs to, or put the whole text in quotation marks")
        span = Span(file, line, start, line, start + 1)
        found.append(Diagnostic("S002", "this line is read as the end of the text above it", span, (), "", (), (note,)))
    if not isinstance(tree.root, Mapping_):
        found.append(_not_a_spec(tree.root, file))
    return found


def _not_a_spec(root: Node | None, file: str) -> Diagnostic:
    note = Note("help", "a spec begins with `specc: 1`")
    if root is None or (isinstance(root, Scalar) and root.value is None):
        span = Span(file, 1, 1, 1, 1)
        return Diagnostic("S029", "the spec is empty", span, (), "nothing stands here", (), (note,))
    what = "a list" if isinstance(root, Sequence_) else "one piece of text"
    span = Span(file, root.span.line, root.span.column, root.span.line, root.span.column + 1)
    return Diagnostic("S029", f"the spec is {what}, not `key: value` lines", span, (), "begins here", (), (note,))


# ---------------------------------------------------------------------- files and bytes


def _no_file(code: str, message: str, file: str, help_: str) -> SpeccError:
    notes = (Note("help", help_),) if help_ else ()
    return SpeccError((Diagnostic(code, message, Span(file, 1, 1, 1, 1), (), "", (), notes),), 2, {file: ""})


def _near(path: FilePath) -> str:
    """Other specs in the folder that was named, if there is one, the one of nearly that name first."""
    import difflib

    try:
        names = sorted(p.name for p in path.parent.iterdir() if p.suffix in (".yaml", ".yml"))
    except OSError:
        return f"there is no folder `{path.parent}` either"
    near = difflib.get_close_matches(path.name, names, 1)
    if near:
        return f"did you mean `{path.parent / near[0]}`?"
    return f"specs in that folder: {', '.join(names[:5])}" if names else "that folder holds no YAML file"


def _inside(folder: FilePath) -> str:
    """What may have been meant by a folder."""
    if (folder / "spec.lock.yaml").is_file():
        return f"it is a run: `specc train --resume {folder}` goes on with it, its spec is `{folder / 'spec.yaml'}`"
    names = sorted(str(p) for p in folder.glob("*.y*ml") if p.suffix in (".yaml", ".yml"))[:5]
    return f"name the YAML file in it: {', '.join(f'`{name}`' for name in names)}" if names else "it holds no YAML file"


def _too_large(file: str) -> Diagnostic:
    note = Note("help", "long lists of names go into a file of their own: `classes: {file: names.txt}`")
    return Diagnostic("S012", "the spec is larger than 1 MiB", Span(file, 1, 1, 1, 1), (), "", (), (note,))


def _decode(data: bytes, file: str) -> str:
    if len(data) > LARGEST:
        raise SpeccError((_too_large(file),), 1, {file: ""})
    head = data[:4]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(head) > 1 and 0 in head[:2] and head[:2] != b"\0\0"):
        note = Note("help", "save it as UTF-8 (in the editor: save as, encoding)")
        message = "the file is saved as UTF-16, and a spec is UTF-8"
        raise SpeccError((Diagnostic("S015", message, Span(file, 1, 1, 1, 1), (), "", (), (note,)),), 1, {file: ""})
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", "replace")
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        guess = _encoding(data)
        notes = (Note("help", f"save it as UTF-8 (in the editor: save as, encoding){guess}"),)
        message = f"the file is not UTF-8: byte 0x{data[error.start]:02X} makes no character"
        span = Span(file, line, column, line, column + 1)
        raise SpeccError((Diagnostic("S016", message, span, (), "here", (), notes),), 1, {file: text}) from error


def _encoding(data: bytes) -> str:
    for name, shown in (("cp932", "Shift_JIS"), ("euc_jp", "EUC-JP"), ("gb18030", "GB18030")):
        try:
            data.decode(name)
        except UnicodeDecodeError:
            continue
        return f"; it looks like {shown}"
    return ""
