"""The version of the language, as in `specc: 1`. docs/versions.md says what a version promises."""

from __future__ import annotations

from specc.errors import Diagnostic, Edit, Fix, Note
from specc.source import Document, Scalar

LANGUAGE = 1  # the version that this specc reads
_MORE = Note("more", "specc explain S113")


def other_version(document: Document) -> Diagnostic | None:
    """The fault of a spec of another version. It is told alone: what else the spec says cannot be judged here."""
    node = document.tree.get("specc")
    number = node.value if isinstance(node, Scalar) and not node.quoted else None
    if not isinstance(number, int) or isinstance(number, bool) or number == LANGUAGE:
        return None
    later = number > LANGUAGE
    if later:
        message = f"this spec is of version {number} of the language, and this specc reads version {LANGUAGE}"
        notes: tuple[Note, ...] = (
            Note("why", "another version may mean something else by the same words, so nothing of it is guessed"),
            Note("help", "install a newer specc: `pip install --upgrade specc-compiler`"),
            Note("help", f"if it was written for this specc: `specc: {LANGUAGE}`"),
        )
    else:
        message = f"there is no version {number} of the language"
        notes = (Note("help", f"write `specc: {LANGUAGE}`"),)
    label = "a later version" if later else f"the first version is {LANGUAGE}"
    return Diagnostic("S113", message, document.span(("specc",)), ("specc",), label, notes=(*notes, _MORE))


def no_version(document: Document) -> Diagnostic:
    """The fault of a `specc` that names no version: text, a fraction, a list, nothing."""
    node, own = document.node(("specc",)), document.own_span(("specc",))
    same = isinstance(node, Scalar) and node.raw.strip() in (str(LANGUAGE), f"{LANGUAGE}.0")
    edits: tuple[Edit, ...] = ()
    if own is not None and own.line == own.end_line and isinstance(node, Scalar):
        edits = (Edit(own, f"{LANGUAGE}" if own.column < own.end_column else f" {LANGUAGE}"),)
    shown = f", not `{node.raw[:60]}`" if isinstance(node, Scalar) and node.raw and not node.quoted else ""
    if isinstance(node, Scalar) and node.quoted:
        shown = ", and this is text in quotation marks"
    elif isinstance(node, Scalar) and not node.raw:
        shown = ", and nothing stands here"
    return Diagnostic(
        "S113",
        f"`specc` is the version of the language, a whole number{shown}",
        document.span(("specc",)),
        ("specc",),
        f"write {LANGUAGE}",
        notes=(_MORE,),
        fixes=(Fix(f"write `specc: {LANGUAGE}`", edits, safe=same),),
    )
