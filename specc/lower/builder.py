"""Builds one network: names for nodes, ids of layers, shapes; faults of layers as diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from specc.blame import at_fault, blamed, owner_of, said
from specc.errors import Diagnostic, Label, Note, Path, Span, SpeccError
from specc.ir import Node
from specc.lower.faults import shape_fault, unfit_initial, unknown_id
from specc.lower.initial import initial, misfit
from specc.plugin import Call, ShapeFault
from specc.shapes import Shape
from specc.source import Mapping_
from specc.spec.places import origin

if TYPE_CHECKING:
    from specc.registry import Registry
    from specc.source import Document

# Attributes of torch.nn.Module and names of the emitted file (`x` is the value in hand), which a node must not hide;
# and `l`, which looks like 1.
_WORDS = (
    "add_module apply bfloat16 buffers call_super_init children compile cpu cuda decode double dump_patches "
    "encode eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half input ipu l "
    "load_state_dict math modules mtia named_buffers named_children named_modules named_parameters nn parameters "
    "register_backward_hook register_buffer register_forward_hook register_forward_pre_hook "
    "register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook "
    "register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook "
    "register_state_dict_pre_hook requires_grad_ self set_extra_state set_submodule share_memory state_dict "
    "super to to_empty torch train training type x xpu zero_grad"
)
RESERVED = frozenset(_WORDS.split())


class GiveUp(Exception):
    """A network cannot be built further; carries the reason."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class NetworkBuilder:
    """What `Layer.lower` gets (see `specc.plugin.Builder`), and the state of one network."""

    def __init__(
        self, document: Document, registry: Registry, path: Path, inputs: Mapping[str, Shape], layers: Iterable[Call]
    ) -> None:
        self.document, self.registry, self.network = document, registry, path
        self.inputs = dict(inputs)
        self.nodes: dict[str, Node] = {}
        self.init: dict[str, Any] = {}
        self.lr_scale: dict[str, float] = {}
        self.faults: list[Diagnostic] = []
        self.ids: dict[str, str] = {name: name for name in inputs}
        self.ids["input"] = next(iter(inputs))
        self._taken = {_identifier(call.args.id) for call in layers if getattr(call.args, "id", None)} | set(inputs)
        self._used: set[str] = set()
        self._count: dict[str, int] = {}
        self._call = Call("", None)
        self._pending: list[Node] = []
        self._activating: Call | None = None

    def layer(self, call: Call, value: str) -> str:
        """Lower one layer and return the new current value. Raises GiveUp."""
        self._call, self._pending = call, []
        result = self._lowered(call, value)
        name = getattr(call.args, "id", None)
        result = self._commit(name, result)
        if name:
            if name in self.ids:
                self.fail(self._doubled(name))
            self.ids[name] = result
        return result

    def _lowered(self, call: Call, value: str) -> str:
        """What the layer's record makes of a value. Raises GiveUp, where a plugin's record is at fault, too."""
        stopped: GiveUp | None = None
        try:
            with blamed(self.registry, self.span(), self.path()):
                try:
                    result = self.registry.layers[call.name].lower(self, call.args, value)
                except GiveUp as stop:
                    stopped = stop
        except SpeccError as error:
            self.fail(error.diagnostics[0])
        if stopped is not None:
            raise stopped
        if result not in self.inputs and self.node(result) is None:
            what = f"`lower` returns {said(repr(result))}, which is no value of the network"
            self._refuse("layers", call.name, f"has a layer `{call.name}` whose {what}")
        return result

    def _refuse(self, kind: str, name: str, what: str) -> None:
        """Give up where a word is a plugin's."""
        if plugin := owner_of(self.registry, kind, name):
            self.fail(at_fault(self.registry, plugin, what, "", self.span(), self.path()))

    def _commit(self, name: str | None, result: str) -> str:
        """Moves the layer's nodes into the network; the last one that is no activation takes the layer's id."""
        renamed: dict[str, str] = {}
        own = [node for node in self._pending if node.path == self._call.path]
        if name and own:
            renamed[own[-1].name] = self._unique(_identifier(name))
        for node in self._pending:
            fresh = renamed.get(node.name) or self._numbered(node.op)
            renamed[node.name] = fresh
            self.nodes[fresh] = replace(
                node, name=fresh, inputs=tuple(renamed.get(source, source) for source in node.inputs)
            )
            if node in own:
                self._learning(fresh, node.op)
        self._pending = []
        return renamed.get(result, result)

    def _learning(self, name: str, op: str) -> None:
        """How the weights of one of this layer's nodes start, and how fast they learn."""
        init, scale = getattr(self._call.args, "init", None), getattr(self._call.args, "lr_scale", 1.0)
        if init is not None:
            if wrong := misfit(self.registry, init, op):
                self.fail(unfit_initial(self.document, self.registry, wrong, f"a `{self._call.name}`"))
            self.init[name] = initial(self.registry, init)
        if scale != 1.0:
            self.lr_scale[name] = scale

    def _numbered(self, op: str) -> str:
        stem = self.registry.ops[op].stem or op
        while True:
            self._count[stem] = self._count.get(stem, 0) + 1
            name = f"{stem}{self._count[stem]}"
            if name not in self._taken and name not in self._used:
                self._used.add(name)
                return name

    def _unique(self, name: str) -> str:
        base, number = name, 1
        while name in self._used or name in self.inputs:
            number += 1
            name = f"{base}_{number}"
        self._used.add(name)
        return name

    # the interface of specc.plugin.Builder

    def add(self, op: str, inputs: tuple[str, ...], **attrs: Any) -> str:
        """Append a primitive and return its provisional name. Raises GiveUp where shapes do not fit."""
        path = self._activating.path if self._activating is not None else self._call.path
        layer = self._activating.name if self._activating is not None else self._call.name
        shapes = tuple(self.shape(value) for value in inputs)
        try:
            shape = self.registry.ops[op].infer(attrs, shapes)
        except ShapeFault as fault:
            nodes = {**self.nodes, **{node.name: node for node in self._pending}}
            failing = Node("", op, inputs, attrs, (), path, layer)
            diagnostic = shape_fault(self.document, fault, failing, nodes, self.inputs, self.registry.ops)
            if fault.code != "S305":
                raise GiveUp(diagnostic) from fault
            self.faults.append(diagnostic)  # go on as the safe fix would, to see the rest
            return self.add(op, (self.add("flatten", inputs),), **attrs)
        if not (isinstance(shape, tuple) and shape and all(type(side) is int and side > 0 for side in shape)):
            what = f"`infer` returns {said(repr(shape))}, which is no shape"
            self._refuse("ops", op, f"has an operation `{op}` whose {what}")
        name = f"%{len(self._pending)}"
        self._pending.append(Node(name, op, inputs, attrs, shape, path, layer))
        return name

    def activate(self, value: str, activation: Call | None) -> str:
        """Append an activation, if there is one."""
        if activation is None:
            return value
        self._activating = activation
        result = self.registry.layers[activation.name].lower(self, activation.args, value)
        self._activating = None
        return result

    def node(self, value: str) -> Node | None:
        """The primitive that made a value; None for what comes into the network."""
        for node in self._pending:
            if node.name == value:
                return node
        return self.nodes.get(value)

    def aside(self, value: str, what: str) -> str:
        """A Python name for the second result of the primitive that made a value. Raises KeyError."""
        node = self.nodes[value]
        if what not in node.attrs:
            self.nodes[value] = replace(node, attrs={**node.attrs, what: self._unique(f"{value}_{what}")})
        return str(self.nodes[value].attrs[what])

    def shape(self, value: str) -> Shape:
        """Shape of a value, without batch. Raises KeyError."""
        if value in self.inputs:
            return self.inputs[value]
        node = self.node(value)
        if node is None:
            raise KeyError(value)
        return node.shape

    def resolve(self, name: str, path: Path) -> str:
        """The value that an id names. Raises GiveUp."""
        if name not in self.ids:
            self.fail(unknown_id(self.document, name, path, [word for word in self.ids if not word.startswith("@")]))
        return self.ids[name]

    def fail(self, diagnostic: Diagnostic) -> NoReturn:
        """Give up on this network."""
        raise GiveUp(diagnostic)

    def path(self, *keys: str | int) -> Path:
        """Path of this layer, or of one of its arguments."""
        stands = self.document.node(self._call.path)
        name = (self._call.name,) if isinstance(stands, Mapping_) else ()
        return (*self._call.path, *name, *keys)

    def span(self, *keys: str | int) -> Span:
        """Where one of this layer's arguments stands; the layer's name where it is a default."""
        path = self.path(*keys)
        if keys and self.document.node(path) is not None:
            return self.document.span(path)
        return self.document.key_span(self.path())

    def origin(self, value: str) -> Span:
        """Where a value's channels are decided: the argument of the layer that made it, else that layer's name."""
        return origin(self.document, {**self.nodes, **{node.name: node for node in self._pending}}, value)

    def _doubled(self, name: str) -> Diagnostic:
        first = self.nodes.get(self.ids[name])
        return Diagnostic(
            "S311",
            f"the id `{name}` is taken",
            self.span("id"),
            self.path("id"),
            "must be unique in a network" if first is not None else "is the name of what goes in",
            labels=(Label(self.document.key_span(first.path), "first here"),) if first is not None else (),
            notes=(Note("help", "choose another id"), Note("more", "specc explain S311")),
        )


def _identifier(name: str) -> str:
    name = name.replace(".", "_").replace("@", "").replace(":", "")
    return f"{name}_" if name in RESERVED else name
