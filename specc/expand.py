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
wherever there is a definition: fixes must not rewrite shared text.

Codes: S160 to S179.
"""
