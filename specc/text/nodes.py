"""The tree of a spec: values that know where they stand. Built by `specc.source`, rewritten by `specc.expand`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from specc.errors import Label, Path, Span

Value = bool | int | float | str | None
Within = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `value` is what YAML 1.2 makes of it, `raw` the text itself (without quotes, escapes resolved).

    Fields that hold text take `raw`; `quoted` tells that the author meant text. `span` is the place of use;
    `definition`, where it is not None, the place that the value was written at. `within` (of a layer that came out of
    blocks) names the uses of blocks around it, outermost first: (the block, a name for this use).
    """

    value: Value
    raw: str
    quoted: bool
    span: Span
    definition: Span | None = None
    within: Within = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping; the key itself is the name in `Mapping_.items`."""

    key_span: Span
    node: Node
    key_definition: Span | None = None


@dataclass(frozen=True, slots=True)
class Mapping_:
    """`key: value` pairs in the order of the text. Keys are text as written, never numbers or booleans.

    `within` as in `Scalar`.
    """

    items: dict[str, Entry]
    span: Span
    definition: Span | None = None
    within: Within = ()

    def get(self, key: str) -> Node | None:
        """The value of a key, or None where it is absent (a present empty value is a Scalar)."""
        entry = self.items.get(key)
        return None if entry is None else entry.node


@dataclass(frozen=True, slots=True)
class Sequence_:
    """A list."""

    items: tuple[Node, ...]
    span: Span
    definition: Span | None = None


Node = Scalar | Mapping_ | Sequence_


@dataclass(frozen=True)
class Document:
    """A spec's text and its tree. Paths are tuples of keys and list positions, as in `("model", "layers", 0)`.

    `blocks` and `vars` (name -> place of the name) are filled by `expand`, which takes both out of the tree.
    """

    file: str
    text: str
    tree: Mapping_
    blocks: Mapping[str, Span] = field(default_factory=dict)
    vars: Mapping[str, Span] = field(default_factory=dict)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the text in UTF-8, as hexadecimal digits."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

    def node(self, path: Path) -> Node | None:
        """The node at a path, or None."""
        steps = list(self._walk(path))
        return steps[-1][1] if len(steps) == len(path) + 1 else None

    def span(self, path: Path) -> Span:
        """Place of the value at a path; of the nearest enclosing one where the path is not in the text."""
        return self._nearest(path)[1].span

    def key_span(self, path: Path) -> Span:
        """Place of the key that leads to a path (a list item: of the item); the nearest one where it is absent."""
        entry, node = self._nearest(path)
        return node.span if entry is None else entry.key_span

    def definition(self, path: Path) -> Span | None:
        """Place where the value was written, if that is not its place of use."""
        return self._nearest(path)[1].definition

    def labels(self, path: Path, text: str = "written here") -> tuple[Label, ...]:
        """The second label that a diagnostic at `path` owes its reader: the definition, if there is one."""
        definition = self.definition(path)
        return () if definition is None else (Label(definition, text),)

    def own_span(self, path: Path) -> Span | None:
        """Place that a fix may rewrite: None where the text is shared (a variable, a block) or does not exist."""
        node = self.node(path)
        return None if node is None or node.definition is not None else node.span

    def _nearest(self, path: Path) -> tuple[Entry | None, Node]:
        return list(self._walk(path))[-1]

    def _walk(self, path: Path) -> Iterator[tuple[Entry | None, Node]]:
        """The root and every node on the way, as far as the path exists."""
        node: Node = self.tree
        yield None, node
        for key in path:
            entry: Entry | None = None
            if isinstance(node, Mapping_) and isinstance(key, str) and key in node.items:
                entry = node.items[key]
                node = entry.node
            elif isinstance(node, Sequence_) and isinstance(key, int) and 0 <= key < len(node.items):
                node = node.items[key]
            else:
                return
            yield entry, node
