"""Where everything stands: rows from top to bottom, frames around blocks, curves beside the spine. Units: pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from specc.diagram.cells import Cell
from specc.diagram.frames import Frame, Item

GAP = 24  # between two rows: room for a size
BREAK = 20  # more, where a row does not go on from the one above
HEAD, FOOT = 26, 8  # of a frame: room for its label, and below its last row
LINE, PAD = 15, 5  # of text; above and below it in a box
RADIUS = 12  # of a join
LANE = 16  # between curves, and between a curve and what it passes
BORDER = 10  # between a frame and what is in it
LETTER, SMALL = 7.4, 6.3  # mean width of a letter: of a title, of a detail
WIDEST = 52  # letters of a line of details


@dataclass
class Row:
    """A cell in its place: `top` and `height`; `lines` are its details."""

    cell: Cell
    top: int
    height: int
    lines: tuple[str, ...]

    @property
    def middle(self) -> int:
        """Half of its height."""
        return self.top + self.height // 2

    @property
    def bottom(self) -> int:
        """Where the next thing may begin."""
        return self.top + self.height


@dataclass
class Box:
    """A frame in its place; `depth` is how many frames are in it."""

    frame: Frame
    top: int
    bottom: int = 0
    depth: int = 0
    right: int = 0


@dataclass
class Curve:
    """A way around: from below one row to a later one. `words` stand on it."""

    source: Row
    target: Row
    start: int  # the height at which it leaves the spine
    words: tuple[str, ...] = ()
    alone: bool = False  # nothing else leaves the row downwards
    x: int = 0

    @property
    def half(self) -> int:
        """Half the width of its words."""
        return int(max(map(len, self.words)) * SMALL / 2) + PAD if self.words else 0


@dataclass
class Layout:
    """A network in its place. The spine is at x = 0; boxes reach from -`half` to `half`."""

    rows: list[Row] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    straight: list[tuple[Row, Row]] = field(default_factory=list)
    half: int = 90
    left: int = 0
    right: int = 0
    height: int = 0


def arrange(items: Sequence[Item]) -> Layout:
    """The places of a folded network."""
    layout = Layout()
    _place(items, layout, 0)
    layout.half = max([90, *(int(_width(row) / 2) + 12 for row in layout.rows)])
    _connect(layout)
    _spread(layout)
    layout.left = -layout.half - max((box.depth + 1 for box in layout.boxes), default=0) * BORDER
    layout.right = max([layout.half, *(box.right for box in layout.boxes), *(c.x + c.half for c in layout.curves)])
    layout.height = layout.rows[-1].bottom
    return layout


def _place(items: Sequence[Item], layout: Layout, y: int) -> int:
    """Rows and frames below `y`; returns where they end."""
    for item in items:
        if isinstance(item, Cell):
            lines = tuple(_wrapped(item.detail))
            height = 2 * RADIUS if item.kind == "join" else LINE * (1 + len(lines)) + 2 * PAD
            top = y + GAP if layout.rows else y
            top += BREAK if layout.rows and not follows(layout.rows[-1].cell, item) else 0
            layout.rows.append(Row(item, top, height, lines))
            y = top + height
            continue
        box = Box(item, y + GAP // 2)
        layout.boxes.append(box)
        first = len(layout.boxes)
        y = _place(item.items, layout, box.top + HEAD - GAP // 2) + FOOT
        box.bottom = y
        box.depth = max((inner.depth + 1 for inner in layout.boxes[first:]), default=0)
    return y


def follows(above: Cell, below: Cell) -> bool:
    """Whether a straight line leads from one cell to the next."""
    return above.name in below.sources and above.name not in below.helpers


def _wrapped(words: Sequence[str]) -> Iterator[str]:
    line = ""
    for word in words:
        if line and len(line) + len(word) + 3 > WIDEST:
            yield line
            line = ""
        line = f"{line} · {word}" if line else word[: 2 * WIDEST]
    if line:
        yield line


def _width(row: Row) -> float:
    if row.cell.kind == "join":
        return 2 * RADIUS
    parameters = f"{row.cell.parameters:,}" if row.cell.parameters else ""
    title = len(row.cell.title) * LETTER + len(parameters) * SMALL + 24
    return max([title, *(len(line) * SMALL for line in row.lines)])


def _connect(layout: Layout) -> None:
    """Straight lines between neighbours, curves for all else."""
    rows = {row.cell.name: row for row in layout.rows}
    after = dict(zip((row.cell.name for row in layout.rows), layout.rows[1:], strict=False))
    before: Row | None = None
    for row in layout.rows:
        for source in row.cell.sources:
            words = row.cell.helpers.get(source, ())
            if words and row.cell.parameters and len(row.cell.helpers) == 1:
                words = (*words, f"{row.cell.parameters:,}")
            if before is not None and rows[source] is before and follows(before.cell, row.cell):
                layout.straight.append((before, row))
            else:
                start = _start(layout, rows[source], after[source], row)
                alone = not follows(rows[source].cell, after[source].cell)
                layout.curves.append(Curve(rows[source], row, start, words, alone))
        before = row


def _start(layout: Layout, source: Row, first: Row, target: Row) -> int:
    """The height at which a curve leaves the spine: outside of the frames that it goes around."""
    if not follows(source.cell, first.cell):
        return source.bottom + 10
    around = [box.top - 5 for box in layout.boxes if box.top < first.top < box.bottom <= target.top]
    return min([first.top - 10, *around])


def _spread(layout: Layout) -> None:
    """Short things first: a curve goes right of all that it passes, a frame's border right of all that is in it."""
    things: list[tuple[int, int, Curve | Box]] = [(c.start, c.target.middle, c) for c in layout.curves]
    things += [(box.top, box.bottom, box) for box in layout.boxes]
    things.sort(key=lambda thing: (thing[1] - thing[0], thing[0]))
    done: list[tuple[int, int, int]] = []
    for top, bottom, thing in things:
        reach = max((x for a, b, x in done if a < bottom and top < b), default=layout.half)
        if isinstance(thing, Box):
            thing.right = reach + BORDER
            done.append((top, bottom, thing.right))
        else:
            thing.x = reach + LANE + thing.half
            done.append((top, bottom, thing.x + thing.half))
