"""YAML text to `Document`: a tree of values with places."""

from specc.text.nodes import Document, Entry, Mapping_, Node, Scalar, Sequence_

__all__ = ["Document", "Entry", "Mapping_", "Node", "Scalar", "Sequence_"]
