"""Small charts as inline SVG: no scripts, no fonts, no network.

Colours come from the page through CSS classes and variables, so that one drawing serves light and
dark. Each chart is drawn twice, wide and narrow, and the page shows the one that fits: text in a
drawing that is scaled down to a telephone cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDE: Final = 720
NARROW: Final = 350
_ROW: Final = 30
_BAR: Final = 16
_NICE: Final = (1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what, how much, how that is written; `start` moves it to the right."""

    label: str
    value: float
    text: str
    start: float = 0.0
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """One band of a stacked area: a value per step."""

    name: str
    values: Sequence[float]
    css: str


def text(
    x: float, y: float, content: str, css: str = "", *, anchor: str = "start", size: float = 13
) -> str:
    """A line of text; its content is escaped."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" font-size="{size:g}" '
        f'text-anchor="{anchor}">{escape(content)}</text>'
    )


def rect(x: float, y: float, width: float, height: float, css: str, *, radius: float = 2) -> str:
    """A rectangle with rounded corners."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" '
        f'rx="{radius:g}" class="{css}"/>'
    )


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def drawing(width: float, height: float, body: str, label: str, css: str = "") -> str:
    """An SVG element with a name for those who do not see it."""
    return (
        f'<svg class="{css}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(label, quote=True)}">{body}</svg>'
    )


def both(draw: Callable[[bool], str]) -> str:
    """A chart for wide and for narrow screens; `draw` is told whether it is the narrow one."""
    return f'<div class="only-wide">{draw(False)}</div><div class="only-narrow">{draw(True)}</div>'


def bars(items: Sequence[Bar], label: str, *, labels: int = 150, css: str = "bar-light") -> str:
    """Horizontal bars on a common scale from zero; with `start` they form a waterfall."""

    def draw(narrow: bool) -> str:
        width = NARROW if narrow else WIDE
        left = 0 if narrow else labels
        row = _ROW + 16 if narrow else _ROW
        room = width - left - 78
        most = max((item.start + item.value for item in items), default=1.0) or 1.0
        parts = []
        for index, item in enumerate(items):
            top = index * row
            middle = top + (row if narrow else row / 2 + 8) - (10 if narrow else 0)
            at = left + room * item.start / most
            length = max(room * item.value / most, 1.5)
            bar_top = middle - _BAR + 3
            if narrow:
                parts.append(text(0, top + 15, item.label, "chart-label"))
            else:
                parts.append(text(left - 14, middle, item.label, "chart-label", anchor="end"))
            parts.append(rect(left, bar_top, room, _BAR, "bar-track"))
            parts.append(rect(at, bar_top, length, _BAR, "bar-muted" if item.muted else css))
            parts.append(text(width, middle, item.text, "chart-value", anchor="end"))
        return drawing(width, len(items) * row + 4, "".join(parts), label, "chart")

    return both(draw)


def stacked_steps(
    ticks: Sequence[int], bands: Sequence[Band], label: str, written: Callable[[float], str]
) -> str:
    """Stacked areas over block heights; a value holds from its block to the next one."""

    def draw(narrow: bool) -> str:
        width, height = (NARROW, 230) if narrow else (WIDE, 260)
        left, right, top, bottom = 46.0, 12.0, 12.0, 34.0
        span = max(ticks[-1] + 1 - ticks[0], 1)
        most = max(sum(band.values[i] for band in bands) for i in range(len(ticks))) or 1.0
        most = _round_up(most)

        def x(value: float) -> float:
            return left + (width - left - right) * (value - ticks[0]) / span

        def y(value: float) -> float:
            return height - bottom - (height - top - bottom) * value / most

        parts = []
        for share in range(5):
            value = most * share / 4
            parts.append(line(left, y(value), width - right, y(value), "grid"))
            parts.append(
                text(left - 8, y(value) + 4, written(value), "chart-soft", anchor="end", size=12)
            )
        floor = [0.0] * len(ticks)
        for band in bands:
            ceiling = [low + value for low, value in zip(floor, band.values, strict=True)]
            upper = _outline(ticks, ceiling, x, y)
            lower = list(reversed(_outline(ticks, floor, x, y)))
            points = " ".join(f"{px:.1f},{py:.1f}" for px, py in (*upper, *lower))
            parts.append(f'<polygon points="{points}" class="{band.css}"/>')
            floor = ceiling
        every = max(1, -(-span // (6 if narrow else 12)))
        parts += [
            text(x(tick + 0.5), height - 12, str(tick), "chart-soft", anchor="middle", size=12)
            for tick in range(ticks[0], ticks[-1] + 1, every)
        ]
        return drawing(width, height, "".join(parts), label, "chart")

    return both(draw)


def steps(
    ticks: Sequence[int],
    values: Sequence[float],
    label: str,
    written: Callable[[float], str],
    *,
    css: str,
    cut: bool = False,
) -> str:
    """A line in steps over block heights; a value holds from its block to the next one.

    Args:
        ticks: heights, ascending.
        values: one per height.
        label: for those who do not see it.
        written: how values stand on the axis.
        css: class of the line; of the area under it with `-area` behind.
        cut: begin the axis near the least value instead of at zero.
    """
    low, high = (min(values), max(values)) if cut else (0.0, max(values))
    low, high = (low, high) if high > low else (low, low + (abs(low) or 1.0))
    step = _round_up((high - low) / 4)
    base = low // step * step
    count = max(1, -int((base - high) // step))
    longest = max(len(written(base + step * number)) for number in range(count + 1))

    def draw(narrow: bool) -> str:
        width, height = (NARROW, 230) if narrow else (WIDE, 260)
        left, right, top, bottom = 18.0 + 8.0 * longest, 12.0, 12.0, 34.0
        span = max(ticks[-1] + 1 - ticks[0], 1)

        def x(value: float) -> float:
            return left + (width - left - right) * (value - ticks[0]) / span

        def y(value: float) -> float:
            return height - bottom - (height - top - bottom) * (value - base) / (step * count)

        parts = []
        for number in range(count + 1):
            value = base + step * number
            parts.append(line(left, y(value), width - right, y(value), "grid"))
            parts.append(
                text(left - 8, y(value) + 4, written(value), "chart-soft", anchor="end", size=12)
            )
        outline = _outline(ticks, values, x, y)
        points = " ".join(f"{px:.1f},{py:.1f}" for px, py in outline)
        floor = f"{outline[-1][0]:.1f},{y(base):.1f} {outline[0][0]:.1f},{y(base):.1f}"
        if not cut:
            parts.append(f'<polygon points="{points} {floor}" class="{css}-area"/>')
        parts.append(f'<polyline points="{points}" class="{css}"/>')
        every = max(1, -(-span // (6 if narrow else 12)))
        parts += [
            text(x(tick + 0.5), height - 12, str(tick), "chart-soft", anchor="middle", size=12)
            for tick in range(ticks[0], ticks[-1] + 1, every)
        ]
        return drawing(width, height, "".join(parts), label, "chart")

    return both(draw)


def _outline(
    ticks: Sequence[int],
    values: Sequence[float],
    x: Callable[[float], float],
    y: Callable[[float], float],
) -> list[tuple[float, float]]:
    points = []
    for index, tick in enumerate(ticks):
        end = ticks[index + 1] if index + 1 < len(ticks) else tick + 1
        points += [(x(tick), y(values[index])), (x(end), y(values[index]))]
    return points


def _round_up(value: float) -> float:
    """The next number whose quarters are short to write."""
    scale = 1.0
    while scale * 10 < value:
        scale *= 10
    while scale > value:
        scale /= 10
    return next(scale * step for step in _NICE if scale * step >= value)
