"""Unfolds `vars`, `$w`, `$(w * 2)`, `blocks` and `repeat` on the source tree. Pure: Document in, Document out.

What the next stage gets
------------------------
`vars` and `blocks` are gone from the tree (their names stay in `Document.vars` and `Document.blocks`, so that a block
that hides a layer's name can be refused where the layers are known). Every value is plain. Every list under a key
`layers` is flat, and each item of it is one of

- a Scalar: the bare name of a layer (`flatten`);
- a Mapping_ with exactly one key, the layer's name, whose value is a Mapping_ of arguments or a null Scalar;
- `{from: <Scalar>}`: go on from that value;
- `{mark: {id: <Scalar>}}`: a pseudo layer. It computes nothing and names the current value. A block that refers to
  its own `input` is preceded by `{mark: {id: "@in:12"}}`, a block with an `id` is followed by `{mark: {id: b1}}`.

Items of another form (two keys, a list, a number) are refused here. `repeat` is taken out of the arguments.

Ids
---
An id is a checked name; `expand` refuses bad and doubled ones. An id inside a block is renamed to `<scope>.<id>`, where
the scope is the id of the block's use (`enc1.conv`, nested `enc1.body.conv`). A use without an id gets a scope made
from the block's name and a number that no name in the spec has (`basic1.conv`): unique, readable in the program, and a
reference to it from outside is refused. Ids match `[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*`, or begin with `@in:`.

References are the text values of the arguments `with`, `from` and `to` (one, or a list). Inside a block they may name
`input`, the block's own ids and, through `$parameter`, what the caller passed (resolved in the caller's scope): they
are rewritten to full ids, and anything else is refused. Outside of blocks they are left as written (`input` stays
`input`): an unknown one is for the lowering to refuse.

Places
------
A value that replaces `$w` has the place of the `$w` as `span`, and the place in `vars` as `definition`. A layer that
comes out of a block has the block's name at its use in the network as `span`, and its own place inside of `blocks` as
`definition`; an argument that was passed to the block has its place at that use as `span`. `Document.own_span` is None
wherever there is a definition: fixes must not rewrite shared text. `within` of an item names the uses of blocks around
it: what a diagram frames.

Codes: S160 to S179.
"""

from __future__ import annotations

from dataclasses import replace

from specc.errors import Diagnostic, Edit, Fix, Label, Span, SpeccError
from specc.text.definitions import REFERENCES, Block, check_name, declared, definitions, depth, references, required
from specc.text.instances import instances
from specc.text.names import nearest
from specc.text.nodes import Document, Entry, Mapping_, Node, Scalar, Sequence_
from specc.text.scope import Bound, Report, Scope, entry_at, evaluate, find, place_bound, placed, used_name

MOST_LAYERS = 20_000
MOST_REPEATS = 10_000
DEEPEST = 64  # levels of a value that variables are put together from
MOST_NESTED = 128  # blocks in blocks
_EXAMPLE = "as in `- conv2d: {filters: 8, kernel: 3}`"


def expand(document: Document) -> Document:
    """The same spec without variables, blocks and repeats. Raises SpeccError with every fault found."""
    expanded, faults = attempt(document)
    if faults:
        raise SpeccError(faults, 1, {document.file: document.text})
    return expanded


def attempt(document: Document) -> tuple[Document, tuple[Diagnostic, ...]]:
    """What can be unfolded, less the items that are at fault, and the faults."""
    expansion = _Expansion(document.tree)
    tree = expansion.run()
    found = sorted(expansion.report.diagnostics.values(), key=lambda d: (d.span or document.tree.span, d.code))
    blocks = {name: block.span for name, block in expansion.blocks.items()}
    variables = {name: bound.value.span for name, bound in expansion.root.names.items()}
    return Document(document.file, document.text, tree, blocks, variables), tuple(found)


class _Expansion:
    def __init__(self, tree: Mapping_) -> None:
        self.tree = tree
        self.report = Report()
        self.root = Scope()
        self.blocks: dict[str, Block] = {}
        self.layers = 0  # layers made so far
        self.entries = 0  # `@in:` names given so far

    def run(self) -> Mapping_:
        self._variables()
        self.blocks = definitions(self.tree.get("blocks"), self.report)
        items = {}
        for key, entry in self.tree.items.items():
            if key not in ("vars", "blocks"):
                part = self._part(entry.node, key == "card")
                if key == "networks" and isinstance(part, Mapping_):
                    part = instances(part, self.report)
                items[key] = Entry(entry.key_span, part)
        return replace(self.tree, items=items)

    def _variables(self) -> None:
        node = self.tree.get("vars")
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return
        if not isinstance(node, Mapping_):
            self.report.add("S170", "`vars` is not a group of names and values", node.span, "",
                            helps=("write `vars: {w: 64}`",))  # fmt: skip
            return
        for name, entry in node.items.items():
            check_name(name, entry.key_span, "variable", self.report)
            value = evaluate(entry.node, self.root, self.report)
            self._bind(self.root, name, Bound(entry.node, self.root, value))

    def _bind(self, scope: Scope, name: str, bound: Bound) -> None:
        if depth(bound.value) > DEEPEST:
            message = f"`{name}` is put together from more than {DEEPEST} levels"
            self.report.add("S167", message, bound.node.span, "", helps=("use fewer levels",))
            bound = replace(bound, value=Scalar(None, "", False, bound.node.span))
        scope.names[name] = bound

    def _part(self, node: Node, free_text: bool) -> Node:
        """A part of the spec outside of layer lists."""
        if not isinstance(node, Mapping_):
            return evaluate(node, self.root, self.report, free_text)
        items = {}
        for key, entry in node.items.items():
            if key == "layers" and isinstance(entry.node, Sequence_):
                value: Node = self._network(entry.node)
            else:
                value = self._part(entry.node, free_text)
            items[key] = replace(entry, node=value)
        return replace(node, items=items)

    # ------------------------------------------------------------------ layer lists

    def _network(self, layers: Sequence_) -> Sequence_:
        scope = Scope(dict(self.root.names), declared(layers, self.root, self.report))
        items = self._list(layers, scope)
        for item in items:
            self._no_hidden(item, scope.hidden)
        return Sequence_(tuple(items), layers.span)

    def _no_hidden(self, item: Node, hidden: dict[str, int]) -> None:
        """Refuse references from outside to the inside of a block's use that has no id."""
        for name, node in references(item):
            first = name.partition(".")[0]
            if node.definition is None and "." in name and first in hidden:
                message = f"`{name}` is inside of a block that has no id"
                helps = (f"give the block an id, as in `id: {first}`",)
                self.report.add("S172", message, node.span, "cannot be reached", helps=helps)

    def _list(self, layers: Sequence_, scope: Scope) -> list[Node]:
        out: list[Node] = []
        for item in layers.items:
            self._item(item, scope, out)
            if self._too_much():
                break
        return out

    def _item(self, item: Node, scope: Scope, out: list[Node]) -> None:
        split = self._split(item, scope)
        if split is None:
            return
        name, place, entry = split
        if isinstance(item, Mapping_) and name == "from" and not isinstance(entry.node, Mapping_):
            target = self._reference(entry.node, scope)
            self._emit(out, placed(Mapping_({"from": entry_at(entry, target, scope)}, item.span), item, scope), scope)
            return
        arguments = entry.node if isinstance(entry.node, Mapping_) else None
        if arguments is None and not (isinstance(entry.node, Scalar) and entry.node.value is None):
            helps = ("an argument has a name, as in `maxpool: {size: 2}`",)
            self.report.add("S174", f"the arguments of `{name}` have no names", entry.node.span, "a value alone",
                            helps=helps, scope=scope)  # fmt: skip
            return
        times = self._repeat(arguments, scope)
        block = self.blocks.get(name)
        for turn in range(times):
            last = turn == times - 1
            if block is not None:
                self._use(block, place, arguments, scope, last, out)
            else:
                self._emit(out, self._layer(item, entry, arguments, scope, last), scope)
            if self._too_much():
                return

    def _split(self, item: Node, scope: Scope) -> tuple[str, Span, Entry] | None:
        """Name, place of the name and arguments of an item, or None after a diagnostic."""
        if isinstance(item, Scalar):
            value = evaluate(item, scope, self.report)
            if isinstance(value, Scalar) and isinstance(value.value, str):
                return value.raw, item.span, Entry(item.span, Scalar(None, "", False, item.span))
            if not used_name(item) or (isinstance(value, Scalar) and value.value is not None):
                message = "an empty item" if item.value is None else f"`{item.raw}` is not a layer's name"
                self.report.add("S174", message, item.span, "a layer belongs here", helps=(_EXAMPLE,), scope=scope)
            return None
        if isinstance(item, Mapping_) and len(item.items) == 1:
            ((name, entry),) = item.items.items()
            if name != "mark":
                return name, entry.key_span, entry
            helps = ("an id names a layer's output: `relu: {id: r1}`",)
            self.report.add("S174", "`mark` is not a layer", entry.key_span, "", helps=helps, scope=scope)
            return None
        if isinstance(item, Sequence_) or not item.items:
            self.report.add(
                "S174", "a layer is a name or `name: {arguments}`", item.span, "", helps=(_EXAMPLE,), scope=scope
            )
            return None
        keys = list(item.items.items())
        first, (second, entry) = keys[0][0], keys[1]
        empty = isinstance(keys[0][1].node, Scalar) and keys[0][1].node.value is None
        help_ = f"begin a line of its own with `- {second}: ...`, or put `{second}` inside of the braces"
        if empty:
            help_ = f"indent `{second}` further than `{first}`, or write `{first}: {{{second}: ...}}`"
        labels = (Label(keys[0][1].key_span, "the layer's name"),)
        self.report.add("S174", f"`{second}` stands beside the layer `{first}`, not in it", entry.key_span,
                        "at the same level", labels, (help_,), scope=scope)  # fmt: skip
        return None

    def _repeat(self, arguments: Mapping_ | None, scope: Scope) -> int:
        entry = arguments.items.get("repeat") if arguments else None
        if entry is None:
            return 1
        value = evaluate(entry.node, scope, self.report)
        number = value.value if isinstance(value, Scalar) else None
        if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= MOST_REPEATS:
            return number
        if not (used_name(entry.node) and number is None):
            message = f"`repeat` is a whole number from 1 to {MOST_REPEATS:,}"
            labels = () if value.definition is None else (Label(value.definition, "written here"),)
            self.report.add("S166", message, value.span, "not such a number", labels,
                            ("to leave a layer out, delete its line",), scope=scope)  # fmt: skip
        return 1

    def _emit(self, out: list[Node], item: Node, scope: Scope) -> None:
        self._count(item.span)
        if scope.chain and not isinstance(item, Sequence_):
            item = replace(item, within=scope.within)
        out.append(item)

    def _count(self, span: Span) -> None:
        """Count a layer or the use of a block."""
        self.layers += 1
        if self.layers == MOST_LAYERS + 1:
            message = f"the spec unfolds to more than {MOST_LAYERS:,} layers and blocks"
            self.report.add("S167", message, span, "it grew too large here", helps=("use fewer repeats",))

    def _too_much(self) -> bool:
        return self.layers > MOST_LAYERS or self.report.full

    def _layer(self, item: Node, entry: Entry, arguments: Mapping_ | None, scope: Scope, last: bool) -> Node:
        """A plain layer with its values and full ids."""
        if arguments is None:
            if isinstance(item, Scalar):
                return evaluate(item, scope, self.report)
            value: Node = placed(entry.node, entry.node, scope)
        else:
            value = self._arguments(arguments, scope, last)
        name = next(iter(item.items)) if isinstance(item, Mapping_) else ""
        return placed(Mapping_({name: entry_at(entry, value, scope)}, item.span), item, scope)

    def _arguments(self, arguments: Mapping_, scope: Scope, last: bool) -> Node:
        entries = {}
        for key, entry in arguments.items.items():
            if key == "repeat" or (key == "id" and not last):
                continue
            if key in REFERENCES:
                value = self._reference(entry.node, scope)
            else:
                value = evaluate(entry.node, scope, self.report)
            if key == "id" and isinstance(value, Scalar):
                value = replace(value, value=scope.prefix + value.raw, raw=scope.prefix + value.raw)
            entries[key] = entry_at(entry, value, scope)
        return placed(Mapping_(entries, arguments.span), arguments, scope)

    # ------------------------------------------------------------------ references

    def _reference(self, node: Node, scope: Scope) -> Node:
        """The value of `with`, `from` or `to`, with full ids."""
        name = used_name(node)
        if name:
            bound = find(node, name, scope, self.report)
            if bound is None:
                return node
            if not self.report.room(node.span):
                return node
            value = evaluate(bound.node, bound.scope, self.report) if isinstance(bound.node, Mapping_) else None
            return place_bound(bound, value or self._reference(bound.node, bound.scope), node, scope)
        if isinstance(node, Sequence_):
            return placed(Sequence_(tuple(self._reference(i, scope) for i in node.items), node.span), node, scope)
        plain = evaluate(node, scope, self.report)
        if not isinstance(plain, Scalar) or not isinstance(plain.value, str):
            return plain
        full = self._full(plain.raw, node, scope)
        return replace(plain, value=full, raw=full)

    def _full(self, text: str, node: Node, scope: Scope) -> str:
        """The full id that a text names in a scope."""
        if text.startswith("@"):
            self.report.add(
                "S169",
                "an id does not begin with `@`",
                node.span,
                "not an id",
                helps=("name the id of a layer, as in `with: enc1`",),
                scope=scope,
            )
        if not scope.inside:
            return text
        if text == "input":
            scope.entered = True
            return scope.entry
        first = text.partition(".")[0]
        if first in scope.ids:
            return scope.prefix + text
        close = nearest(first, [*scope.ids, "input"])
        helps = (f"did you mean `{close}`?" if close else "",
                 "a value from outside comes in as a parameter: `params: {skip: required}`, then `$skip`")  # fmt: skip
        message = f"the block `{scope.chain[-1]}` has no id `{first}`"
        self.report.add(
            "S169", message, node.span, "a block sees `input`, its own ids and its parameters", (), helps, scope=scope
        )
        return text

    # ------------------------------------------------------------------ blocks

    def _use(self, block: Block, place: Span, arguments: Mapping_ | None, scope: Scope, last: bool,
             out: list[Node]) -> None:  # fmt: skip
        self._count(place)
        if block.name in scope.chain or len(scope.chain) >= MOST_NESTED:
            again = block.name in scope.chain
            message = f"the block `{block.name}` uses itself" if again else f"blocks in blocks, {MOST_NESTED} deep"
            way = " > ".join([*scope.chain[-6:], block.name])
            self.report.add("S163", message, place, way if again else "too deep", (Label(block.span, "defined here"),),
                            ("use `repeat: N` for the same block several times in a row",), scope=scope)  # fmt: skip
            return
        own = self._own_id(arguments, scope) if last else None
        inner = self._inner(block, place, own, scope)
        self._pass(block, place, arguments, scope, inner)
        inner.ids = declared(block.layers, inner, self.report)
        start = len(out)
        out += self._list(block.layers, inner)
        if inner.entered:
            out.insert(start, _mark(inner.entry, inner.call or place, block.span))
        if own is not None and arguments is not None:
            full = scope.prefix + own.raw
            key = entry_at(arguments.items["id"], replace(own, value=full, raw=full), scope)
            mark = Mapping_({"id": key}, own.span, own.definition)
            out.append(Mapping_({"mark": Entry(own.span, mark, own.definition)}, own.span, own.definition))

    def _own_id(self, arguments: Mapping_ | None, scope: Scope) -> Scalar | None:
        node = arguments.get("id") if arguments else None
        value = None if node is None else evaluate(node, scope, self.report)
        return value if isinstance(value, Scalar) and isinstance(value.value, str) else None

    def _inner(self, block: Block, place: Span, own: Scalar | None, scope: Scope) -> Scope:
        """A fresh scope for one use of a block."""
        if own is not None:
            name = own.raw
        else:
            name = scope.hide(block.name)
        self.entries += 1
        return Scope(
            dict(self.root.names), {}, f"{scope.prefix}{name}.", f"@in:{self.entries}", scope.call or place,
            (*scope.chain, block.name),
        )  # fmt: skip

    def _pass(self, block: Block, place: Span, arguments: Mapping_ | None, scope: Scope, inner: Scope) -> None:
        """Bind the parameters of a block: what the caller gives, else the default."""
        given = dict(arguments.items) if arguments else {}
        for key, entry in given.items():
            if key not in block.params and key not in ("id", "repeat"):
                close = nearest(key, block.params)
                known = ", ".join(f"`{name}`" for name in block.params) or "none"
                helps = (f"its parameters: {known}",)
                fixes = (Fix(f"write `{close}`", (Edit(entry.key_span, close),)),) if close else ()
                self.report.add("S165", f"the block `{block.name}` has no parameter `{key}`", entry.key_span, "",
                                (Label(block.span, "defined here"),), helps, fixes, scope)  # fmt: skip
        for name, entry in block.params.items():
            if name in given:
                node = given[name].node
                value = evaluate(node, scope, self.report)
                self._bind(inner, name, Bound(node, scope, value, passed=True))
            elif required(entry.node):
                self.report.add("S164", f"the block `{block.name}` needs `{name}`", place, f"`{name}` is missing",
                                (Label(entry.key_span, "required here"),), (f"write `{block.name}: {{{name}: ...}}`",),
                                scope=scope)  # fmt: skip
                self._bind(inner, name, Bound(entry.node, inner, Scalar(None, "", False, place)))
            else:
                value = evaluate(entry.node, inner, self.report)
                self._bind(inner, name, Bound(entry.node, inner, value))


def _mark(name: str, use: Span, definition: Span) -> Mapping_:
    """The pseudo layer that names the current value."""
    text = Scalar(name, name, False, use, definition)
    inner = Mapping_({"id": Entry(use, text, definition)}, use, definition)
    return Mapping_({"mark": Entry(use, inner, definition)}, use, definition)
