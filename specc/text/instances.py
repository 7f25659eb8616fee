"""`networks: {b_to_a: {use: a_to_b}}`: another instance of a network's definition, with weights of its own."""

from __future__ import annotations

from dataclasses import replace

from specc.text.names import nearest
from specc.text.nodes import Entry, Mapping_, Node, Scalar
from specc.text.scope import Report

_OWN = ("use", "input", "outputs")  # what may stand beside `use`


def instances(networks: Mapping_, report: Report) -> Mapping_:
    """The networks with every `use` replaced by what it names; `input` and `outputs` of its own stay."""
    return replace(
        networks,
        items={
            name: replace(entry, node=_definition(name, entry.node, networks, report))
            for name, entry in networks.items.items()
        },
    )


def _definition(name: str, node: Node, networks: Mapping_, report: Report) -> Node:
    """The keys of the network that is meant, and of those on the way to it what they say themselves."""
    own: dict[str, Entry] = {}
    seen = [name]
    while isinstance(node, Mapping_) and (use := node.items.get("use")) is not None:
        word = use.node.raw if isinstance(use.node, Scalar) else ""
        for key, entry in node.items.items():
            if key not in _OWN:
                message = f"`{seen[-1]}` takes the definition of `{word}` and has `{key}` of its own"
                helps = (f"leave out `{key}`, or leave out `use`",)
                report.add("S173", message, entry.key_span, f"comes from `{word}`", helps=helps)
            own.setdefault(key, entry)
        target = networks.get(word)
        if target is None or word in seen:
            close = nearest(word, [other for other in networks.items if other not in seen])
            message = f"`{word}` uses itself" if target else f"no network is called `{word}`"
            helps = (f"did you mean `{close}`?" if close else "name a network that has `layers`",)
            report.add("S173", message, use.node.span, "not a definition", helps=helps)
            return replace(node, items={key: entry for key, entry in own.items() if key != "use"})
        node = target
        seen.append(word)
    if len(seen) == 1 or not isinstance(node, Mapping_):
        return node
    kept = {key: entry for key, entry in own.items() if key in ("input", "outputs")}
    return replace(node, items={**node.items, **kept})
