"""A spec with all that follows from it: what rules look at and what the program is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.errors import Path, Span
from specc.ir import Graph
from specc.plugin import Loss, Task

if TYPE_CHECKING:
    from specc.registry import Registry
    from specc.source import Document


@dataclass(frozen=True)
class Study:
    """The spec (a pydantic model built from the registry), its text, its networks as graphs, and its task.

    `graphs` are as written (the final activation is still in them): what rules look at. `passed` are the same after
    the passes: what the program is printed from. `graphs` is empty while shapes are still unknown. `graph_at((height,
    width))` is the only network for images of another size, None where its layers refuse them.
    """

    document: Document
    spec: Any
    registry: Registry
    task: Task
    graphs: Mapping[str, Graph] = field(default_factory=dict)
    passed: Mapping[str, Graph] = field(default_factory=dict)
    graph_at: Callable[[tuple[int, int]], Graph | None] = field(default=lambda size: None, compare=False, repr=False)

    def span(self, *path: str | int) -> Span:
        """Where a value stands in the text; the nearest enclosing place when the path is a default."""
        return self.document.span(tuple(path))

    def key_span(self, *path: str | int) -> Span:
        """Where the key of a mapping entry stands."""
        return self.document.key_span(tuple(path))

    def at(self, path: Path) -> Span:
        """`span` for a path that is already a tuple."""
        return self.document.span(path)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of whole images, one of which a row names as its label; none where the task has no labels."""
        return self._names("label", "classes")

    @property
    def findings(self) -> tuple[str, ...]:
        """Findings of whole images, told by a column each; none where the task has none."""
        return self._names("labels", "labels")

    def _names(self, column: str, key: str) -> tuple[str, ...]:
        reads = any(other.name == column for other in self.task.columns)
        return tuple(getattr(getattr(self.spec, "output", None), key, None) or ()) if reads else ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The keys of `data` that may say where the images are."""
        return ("folders", "manifest", "images", *(source.name for source in self.task.sources))

    def loss(self, name: str) -> Loss:
        """What a loss's word means in this task."""
        return next((own for own in self.task.losses if own.name == name), self.registry.losses[name])

    @property
    def folder(self) -> FilePath:
        """The folder of the spec: relative paths start here."""
        return FilePath(self.document.file).resolve().parent
