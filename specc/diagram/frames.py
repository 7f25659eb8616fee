"""Cells in the frames of their blocks; identical blocks in a row are drawn once, with their number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from specc.diagram.cells import Cell


@dataclass(frozen=True)
class Frame:
    """A use of a block; `times` in a row, of which one is drawn."""

    label: str
    items: tuple[Frame | Cell, ...]
    times: int = 1

    @property
    def parameters(self) -> int:
        """Of what is drawn, one time."""
        return sum(item.parameters * (item.times if isinstance(item, Frame) else 1) for item in self.items)


Item = Frame | Cell


def fold(cells: Sequence[Cell]) -> list[Item]:
    """The picture's contents: cells and frames, repeated blocks once. Sources name cells that are drawn."""
    places = {cell.name: place for place, cell in enumerate(cells)}
    last_use = _last_uses(cells, places)
    kept: dict[str, str] = {}
    items = _once(_nested(list(cells), 0), places, last_use, kept)
    return [_renamed(item, kept) for item in items]


def _last_uses(cells: Sequence[Cell], places: Mapping[str, int]) -> list[int]:
    """For each cell the place of the last one that reads it; its own where there is none."""
    found = list(range(len(cells)))
    for place, cell in enumerate(cells):
        for source in cell.sources:
            found[places[source]] = place
    return found


def _nested(cells: list[Cell], depth: int) -> list[Item]:
    items: list[Item] = []
    start = 0
    while start < len(cells):
        use = cells[start].within[depth : depth + 1]
        end = start + 1
        while use and end < len(cells) and cells[end].within[: depth + 1] == cells[start].within[: depth + 1]:
            end += 1
        items.append(Frame(use[0][0], tuple(_nested(cells[start:end], depth + 1))) if use else cells[start])
        start = end
    return items


def _once(items: Sequence[Item], places: Mapping[str, int], last_use: list[int], kept: dict[str, str]) -> list[Item]:
    """Runs of identical frames as one; what was left out is noted in `kept` as its twin."""
    found: list[Item] = []
    start = 0
    while start < len(items):
        first, end = items[start], start + 1
        if isinstance(first, Frame):
            form = _form(first, places)
            while end < len(items) and _form(items[end], places) == form:
                end += 1
            end = end if _closed(items[start:end], places, last_use) else start + 1
            for twin in items[start + 1 : end]:
                kept |= {a.name: b.name for a, b in zip(_inside(twin), _inside(first), strict=True)}
            first = Frame(first.label, tuple(_once(first.items, places, last_use, kept)), end - start)
        found.append(first)
        start = end
    return found


def _inside(item: Item) -> Iterator[Cell]:
    if isinstance(item, Cell):
        yield item
    else:
        for part in item.items:
            yield from _inside(part)


def _form(item: Item, places: Mapping[str, int]) -> tuple[object, ...]:
    """Equal for blocks that do the same: words, numbers, shapes, and from how far above they read."""
    if isinstance(item, Frame):
        return (item.label, *(_form(part, places) for part in item.items))
    above = tuple(places[item.name] - places[source] for source in item.sources)
    return (item.title, item.detail, item.parameters, item.shape, tuple(item.helpers.values()), above)


def _closed(run: Sequence[Item], places: Mapping[str, int], last_use: list[int]) -> bool:
    """Whether nothing after a run reads from it but the end of its last block."""
    inside = [places[cell.name] for item in run for cell in _inside(item)]
    return all(last_use[place] <= inside[-1] for place in inside[:-1])


def _renamed(item: Item, kept: Mapping[str, str]) -> Item:
    if isinstance(item, Frame):
        return replace(item, items=tuple(_renamed(part, kept) for part in item.items))
    sources = tuple(dict.fromkeys(kept.get(name, name) for name in item.sources))
    helpers = {kept.get(name, name): words for name, words in item.helpers.items()}
    return replace(item, sources=sources, helpers=helpers)
