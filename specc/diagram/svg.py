"""Rows, frames and curves as SVG: one file without scripts; light or dark as the reader's system is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from specc.diagram.layout import LINE, PAD, RADIUS, Box, Curve, Layout, Row, follows
from specc.shapes import Shape

MARGIN, TITLE = 24, 58
BEND = 14  # radius of a curve's corners
STYLE = (
    "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;fill:#1b2733}"
    ".t{font-weight:600;font-size:13px}.h{font-weight:600;font-size:16px}"
    ".d,.n,.e,.l{font-size:11px;fill:#51606e}.n,.r{text-anchor:end}.m{text-anchor:middle}"
    ".l{font-weight:600}.p{fill:#fff}.b{stroke-width:1.2}"
    ".x{fill:#f4f6f8;stroke:#9aa7b3}.w{fill:#e3eefb;stroke:#4f86c6}.k{fill:#efe8fa;stroke:#8d6cc4}"
    ".s{fill:#e4f4e8;stroke:#55a06b}.i{fill:#fdf1dc;stroke:#c9973f}"
    ".f{fill:#7f8c99;fill-opacity:.06;stroke:#9aa7b3;stroke-dasharray:4 3}"
    ".a,.c{fill:none;stroke:#51606e;stroke-width:1.4}.c{stroke:#c2571a}.o{fill:#c2571a}.g{fill:#51606e}"
    ".j{fill:#fff;stroke:#c2571a;stroke-width:1.6}"
    "@media(prefers-color-scheme:dark){text{fill:#e8edf2}.d,.n,.e,.l{fill:#a9b6c2}.p{fill:#151a20}"
    ".x{fill:#222a32;stroke:#6b7885}.w{fill:#1b2f47;stroke:#5f97d8}.k{fill:#2c2440;stroke:#9d80d0}"
    ".s{fill:#1b3324;stroke:#5fae78}.i{fill:#3a2e18;stroke:#d0a04a}.f{stroke:#6b7885}"
    ".a{stroke:#a9b6c2}.g{fill:#a9b6c2}.c{stroke:#f0915a}.o{fill:#f0915a}.j{fill:#151a20;stroke:#f0915a}}"
)
ROLES = {"weights": "w", "norm": "k", "size": "s", "plain": "x"}


@dataclass(frozen=True)
class Panel:
    """One network of the picture."""

    title: str
    parameters: int
    work: int  # multiply-adds for one image
    layout: Layout


def picture(panels: Sequence[Panel]) -> str:
    """All panels beside each other."""
    x, parts = MARGIN, []
    height = TITLE + max(panel.layout.height for panel in panels) + MARGIN
    for panel in panels:
        heading = max(len(panel.title) * 9, 150)
        shift = x - panel.layout.left
        parts += [*_heading(panel, x), f'<g transform="translate({shift} {TITLE})">', *_network(panel.layout), "</g>"]
        x += max(panel.layout.right - panel.layout.left, heading) + 2 * MARGIN
    width = x - MARGIN
    title = ", ".join(panel.title for panel in panels)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img"><title>{_text(title)}</title><style>{STYLE}</style>'
        '<defs><marker id="v" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="g" d="M0 0L8 4L0 8z"/></marker>'
        '<marker id="u" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="o" d="M0 0L8 4L0 8z"/></marker></defs>'
    )
    return "\n".join([head, '<rect class="p" width="100%" height="100%"/>', *parts, "</svg>", ""])


def _heading(panel: Panel, x: int) -> list[str]:
    return [
        f'<text class="h" x="{x}" y="26">{_text(panel.title)}</text>',
        f'<text class="d" x="{x}" y="43">{panel.parameters:,} parameters, {panel.work:,} multiply-adds</text>',
    ]


def _network(layout: Layout) -> Iterator[str]:
    for box in sorted(layout.boxes, key=lambda box: -box.depth):
        yield from _frame(box, layout.half)
    for above, below in layout.straight:
        yield f'<path class="a" d="M0 {above.bottom}V{below.top}" marker-end="url(#v)"/>'
    for curve in layout.curves:
        yield from _curve(curve, layout)
    for number, row in enumerate(layout.rows):
        yield from _join(row) if row.cell.kind == "join" else _box(row, layout.half)
        if row.cell.kind != "output" and number + 1 < len(layout.rows):
            below = layout.rows[number + 1]
            y = below.top - 8 if follows(row.cell, below.cell) else row.bottom + 14
            yield f'<text class="e r" x="-7" y="{y}">{_size(row.cell.shape)}</text>'


def _frame(box: Box, half: int) -> Iterator[str]:
    left = -half - 10 * (box.depth + 1)
    yield (
        f'<rect class="f" x="{left}" y="{box.top}" width="{box.right - left}" height="{box.bottom - box.top}" rx="8"/>'
    )
    times = f" × {box.frame.times}" if box.frame.times > 1 else ""
    yield f'<text class="l" x="{left + 8}" y="{box.top + 14}">{_text(box.frame.label)}{times}</text>'
    if box.frame.parameters:
        each = f"{box.frame.times} × " if box.frame.times > 1 else ""
        yield f'<text class="n" x="{box.right - 8}" y="{box.top + 14}">{each}{box.frame.parameters:,}</text>'


def _box(row: Row, half: int) -> Iterator[str]:
    cell = row.cell
    kind = "i" if cell.kind in ("input", "output") else ROLES[cell.role]
    corner = row.height // 2 if kind == "i" else 6
    yield f'<rect class="b {kind}" x="{-half}" y="{row.top}" width="{2 * half}" height="{row.height}" rx="{corner}"/>'
    y = row.top + PAD + 11
    if not cell.parameters and not row.lines:
        yield f'<text class="t m" x="0" y="{y}">{_text(cell.title)}</text>'
        return
    yield f'<text class="t" x="{-half + 12}" y="{y}">{_text(cell.title)}</text>'
    if cell.parameters:
        yield f'<text class="n" x="{half - 12}" y="{y}">{cell.parameters:,}</text>'
    for number, line in enumerate(row.lines, 1):
        yield f'<text class="d" x="{-half + 12}" y="{y + number * LINE}">{_text(line)}</text>'


def _join(row: Row) -> Iterator[str]:
    yield f'<circle class="j" cx="0" cy="{row.middle}" r="{RADIUS}"/>'
    yield f'<text class="t m" x="0" y="{row.middle + 4}">{_text(row.cell.sign)}</text>'
    yield f'<text class="d r" x="{-RADIUS - 6}" y="{row.middle + 4}">{_text(row.cell.title)}</text>'


def _curve(curve: Curve, layout: Layout) -> Iterator[str]:
    """Out of the spine to the right, down, and back; to the side of a join or of a box, or to its top."""
    start, side = curve.start, curve.target.cell.kind == "join"
    first = not side and curve.target.cell.sources[-1] == curve.source.cell.name
    x = RADIUS if side else layout.half
    end = curve.target.top - 12 if first else curve.target.middle
    bend = max(1, min(BEND, (end - start) // 2, curve.x - x))
    way = f"M0 {start}H{curve.x - bend}q{bend} 0 {bend} {bend}V{end - bend}q0 {bend} {-bend} {bend}"
    way += f"H{bend if first else x}"
    way += f"q{-bend} 0 {-bend} {12}" if first else ""
    if curve.alone:
        way = f"M0 {curve.source.bottom}V{start}" + way
    yield f'<path class="c" d="{way}" marker-end="url(#u)"/>'
    yield f'<circle class="o" cx="0" cy="{start}" r="2.5"/>'
    if curve.words:
        yield from _words(curve, (start + end) // 2)


def _words(curve: Curve, middle: int) -> Iterator[str]:
    """What stands on a way around: the operations of a shortcut."""
    height = LINE * len(curve.words) + PAD
    top = middle - height // 2
    yield (
        f'<rect class="b w" x="{curve.x - curve.half}" y="{top}" width="{2 * curve.half}" height="{height}" rx="6"/>'
    )
    for number, line in enumerate(curve.words):
        yield f'<text class="d m" x="{curve.x}" y="{top + PAD + 8 + number * LINE}">{_text(line)}</text>'


def _size(shape: Shape) -> str:
    return "×".join(f"{n}" for n in shape)


def _text(text: str) -> str:
    """Escaped; signs that XML does not allow are left out."""
    return escape("".join(sign for sign in text if sign.isprintable()))
