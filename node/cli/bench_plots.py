"""The plots of a benchmark report, as inline SVG: ratios, times over sizes, phases, raw runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from node.cli import svg
from zk.bench.works import size_text

_FULL: Final = 860
"""Width of a chart that has the page to itself."""
_HALF: Final = 600
"""Width of one of two charts side by side."""
_ROW: Final = 24
_TITLE: Final = 34
_HEAD: Final = 42
_MARK: Final = 4.5
_ROOM_FOR_NUMBER: Final = 36
_SUPERSCRIPTS: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Other:
    """Another peer at the same thing: its time over ours, and its colour."""

    ratio: float
    css: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How many times faster we are than the fastest peer at one thing; below one, it is ahead.

    Attributes:
        label: what was done.
        ratio: time of the fastest peer over ours.
        low: of its interval.
        high: of its interval.
        text: the ratio in words.
        peer: the fastest one.
        noisy: drawn paler.
        others: slower peers.
    """

    label: str
    ratio: float
    low: float
    high: float
    text: str
    peer: str
    noisy: bool
    others: Sequence[Other] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Standings under one heading."""

    title: str
    rows: Sequence[Standing]


@dataclass(frozen=True, slots=True)
class Line:
    """Times of one program over sizes.

    Attributes:
        name: of the program.
        points: (size, milliseconds), sizes rising.
        css: colour, `s0` … `s7`.
        ours: drawn solid and thick; others are dashed.
    """

    name: str
    points: Sequence[tuple[int, float]]
    css: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Stack:
    """Phases of one run: names and milliseconds, in the order of the run."""

    label: str
    parts: Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Strip:
    """All warm runs of one program, in order."""

    name: str
    css: str
    values: Sequence[float]
    ours: bool


def standings(groups: Sequence[Group], label: str) -> str:
    """Bars from a line at 1×, to the right where we are ahead; logarithmic, with intervals."""
    rows = [row for group in groups for row in group.rows]

    def draw(narrow: bool) -> str:
        width = svg.NARROW if narrow else _FULL
        left, right = (82.0, 110.0) if narrow else (150.0, 150.0)
        low = min(1 / 1.6, *(min(row.ratio, row.low) for row in rows)) / 1.04
        # What lies farther out than this stands at the edge: it must not squeeze the rest.
        high = max(1.6, *(max(row.ratio, row.high) for row in rows)) * 1.5
        room = width - left - right

        def x(value: float) -> float:
            return left + room * math.log(value / low) / math.log(high / low)

        height = _HEAD + sum(_TITLE + len(group.rows) * _ROW for group in groups)
        parts = [svg.rect(left, _HEAD - 8, x(1.0) - left, height - _HEAD + 8, "behind-side")]
        for tick in _ratio_ticks(low, high, 5 if narrow else 9):
            css = "axis-one" if tick == 1 else "grid"
            parts.append(svg.line(x(tick), _HEAD - 8, x(tick), height, css))
            parts.append(
                svg.text(x(tick), _HEAD - 14, f"{tick:g}×", "chart-soft", anchor="middle", size=12)
            )
        if not narrow:
            parts.append(svg.text(x(1.0) + 8, 12, "we are ahead →", "chart-soft", size=12))
            parts.append(
                svg.text(x(1.0) - 8, 12, "← a peer is", "chart-soft", anchor="end", size=12)
            )
        top = float(_HEAD)
        for group in groups:
            # On a band of its own, so that no line runs through the words.
            parts.append(svg.rect(0, top + 3, width, 24, "title-band", radius=3))
            size = 12 if narrow else 13.5
            parts.append(svg.text(8, top + 20, group.title, "chart-title", size=size))
            top += _TITLE
            for row in group.rows:
                parts.append(_standing(row, x, top + _ROW / 2, left, right, width, narrow=narrow))
                top += _ROW
        return svg.drawing(width, height + 4, "".join(parts), label, "chart chart-full")

    return svg.both(draw) if rows else ""


def _standing(
    row: Standing,
    x: Callable[[float], float],
    middle: float,
    left: float,
    right: float,
    width: float,
    *,
    narrow: bool,
) -> str:
    css = ("bar-ahead" if row.ratio >= 1 else "bar-behind") + (" faint" if row.noisy else "")
    names, label_size = (56, 11.5) if narrow else (84, 13)
    begin, end = sorted((x(1.0), x(row.ratio)))
    low, high = x(row.low), x(row.high)
    return "".join(
        (
            svg.text(
                left - 12, middle + 4.5, row.label, "chart-label", anchor="end", size=label_size
            ),
            svg.rect(begin, middle - 7, max(end - begin, 1.5), 14, css),
            svg.line(low, middle, high, middle, "whisker"),
            svg.line(low, middle - 4, low, middle + 4, "whisker"),
            svg.line(high, middle - 4, high, middle + 4, "whisker"),
            *(_other(other, x, middle, width - right, narrow=narrow) for other in row.others),
            svg.text(width - names, middle + 4.5, row.text, "chart-value", anchor="end"),
            svg.text(width - names + 6, middle + 4.5, row.peer, "chart-soft", size=label_size - 1),
        )
    )


def _other(
    other: Other, x: Callable[[float], float], middle: float, edge: float, *, narrow: bool
) -> str:
    """A diamond; at the edge, with its number if there is room, for what lies far beyond it."""
    at = x(other.ratio)
    if at <= edge:
        return _mark(at, middle, other.css, ours=False)
    mark = _mark(edge - 6, middle, other.css, ours=False)
    if narrow:
        return mark
    css = f"name-{other.css} halo"
    return mark + svg.text(
        edge - 14, middle + 4, f"{other.ratio:.0f}×", css, anchor="end", size=11.5
    )


def times(lines: Sequence[Line], label: str, unit: str = "") -> str:
    """Milliseconds over sizes, both logarithmic: a straight line is a power law.

    Args:
        lines: of programs.
        label: for those who do not see the drawing.
        unit: what sizes count, written below the axis.
    """

    def draw(narrow: bool) -> str:
        width, height = (svg.NARROW, 290) if narrow else (_HALF, 350)
        left, right, top, bottom = 58.0, (12.0 if narrow else 118.0), 14.0, 52.0
        sizes = sorted({size for line in lines for size, _ in line.points})
        values = [value for line in lines for _, value in line.points]
        low, high = _step(min(values), down=True), _step(max(values), down=False)
        span = math.log(sizes[-1] / sizes[0]) or 1.0

        def x(size: float) -> float:
            return left + (width - left - right) * math.log(size / sizes[0]) / span

        def y(value: float) -> float:
            share = math.log(value / low) / math.log(high / low)
            return height - bottom - (height - top - bottom) * share

        parts = []
        for tick in _time_ticks(low, high):
            parts.append(svg.line(left, y(tick), width - right, y(tick), "grid"))
            parts.append(
                svg.text(left - 8, y(tick) + 4, _time(tick), "chart-soft", anchor="end", size=12)
            )
        for size in _thinned(sizes, 6 if narrow else 9):
            parts.append(svg.line(x(size), height - bottom, x(size), height - bottom + 5, "tick"))
            parts.append(
                svg.text(
                    x(size), height - 31, shown_size(size), "chart-soft", anchor="middle", size=12
                )
            )
        middle = left + (width - left - right) / 2
        parts.append(svg.text(middle, height - 10, unit, "chart-soft", anchor="middle", size=12))
        ends: dict[int, list[tuple[float, Line]]] = {}
        for line in lines:
            points = [(x(size), y(value)) for size, value in line.points]
            css = f"{line.css} {'line-ours' if line.ours else 'line-peer'}"
            path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
            parts.append(f'<polyline points="{path}" class="{css}"/>')
            parts += [_mark(px, py, line.css, ours=line.ours) for px, py in points]
            ends.setdefault(line.points[-1][0], []).append((points[-1][1], line))
        if not narrow:  # names stand where lines end, which need not be at the right
            parts += [
                svg.text(x(size) + 12, at + 4, line.name, f"name-{line.css} halo", size=13)
                for size, group in ends.items()
                for at, line in _apart(group, 16.0, height - bottom)
            ]
        return svg.drawing(width, height, "".join(parts), label, "chart")

    return svg.both(draw) if lines else ""


def phases(stacks: Sequence[Stack], names: Sequence[str], label: str) -> str:
    """One bar a run, cut into the shares of its phases; the sum stands at its end."""

    def draw(narrow: bool) -> str:
        width = svg.NARROW if narrow else _FULL
        left = 0.0 if narrow else 190.0
        row = 50 if narrow else 32
        room = width - left - 84
        parts = []
        for index, stack in enumerate(stacks):
            top = index * row
            bar_top = top + (20 if narrow else 4)
            if narrow:
                parts.append(svg.text(0, top + 14, stack.label, "chart-label"))
            else:
                parts.append(
                    svg.text(left - 14, bar_top + 16, stack.label, "chart-label", anchor="end")
                )
            at, total = left, sum(value for _, value in stack.parts)
            for name, value in stack.parts:
                length = room * value / total
                css = f"phase p{names.index(name) % 9}"
                parts.append(svg.rect(at, bar_top, max(length - 1, 0.5), 22, css, radius=1))
                if length > _ROOM_FOR_NUMBER:
                    number = svg.text(
                        at + length / 2, bar_top + 15, f"{100 * value / total:.0f} %",
                        "phase-share", anchor="middle", size=11,
                    )  # fmt: skip
                    parts.append(number)
                at += length
            parts.append(svg.text(width, bar_top + 16, _time(total), "chart-value", anchor="end"))
        return svg.drawing(width, len(stacks) * row + 4, "".join(parts), label, "chart chart-full")

    return svg.both(draw) if stacks else ""


def runs(strips: Sequence[Strip], label: str) -> str:
    """Every warm run as a dot, left to right as they happened: drift and outliers can be seen."""
    strips = [strip for strip in strips if strip.values]

    def draw(narrow: bool) -> str:
        width = svg.NARROW if narrow else _HALF
        left, height = 58.0, 150
        right = 16.0 if narrow else 120.0
        values = [value for strip in strips for value in strip.values]
        low, high = min(values) * 0.96, max(values) * 1.04
        count = max(len(strip.values) for strip in strips)

        def y(value: float) -> float:
            return 10 + (height - 22) * (1 - math.log(value / low) / math.log(high / low))

        parts = [
            svg.line(left, y(value), width - right, y(value), "grid")
            + svg.text(left - 8, y(value) + 4, _time(value), "chart-soft", anchor="end", size=12)
            for value in _some(low, high)
        ]
        ends = []
        for order, strip in enumerate(strips):
            for index, value in enumerate(strip.values):
                at = (index + (order + 0.5) / len(strips)) / count
                px = left + (width - left - right) * at
                parts.append(_mark(px, y(value), strip.css, ours=strip.ours))
            middle = sorted(strip.values)[len(strip.values) // 2]
            ends.append((y(middle), Line(strip.name, [], strip.css, strip.ours)))
        if not narrow:
            parts += [
                svg.text(width - right + 10, at + 4, line.name, f"name-{line.css}", size=12.5)
                for at, line in _apart(ends, 15.0, height)
            ]
        return svg.drawing(width, height, "".join(parts), label, "chart")

    return svg.both(draw) if strips else ""


def _mark(x: float, y: float, css: str, *, ours: bool) -> str:
    """A disc for us, a diamond for others: colour is not all that tells them apart."""
    if ours:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_MARK}" class="mark m-{css}"/>'
    d = _MARK + 0.8
    points = f"{x:.1f},{y - d:.1f} {x + d:.1f},{y:.1f} {x:.1f},{y + d:.1f} {x - d:.1f},{y:.1f}"
    return f'<polygon points="{points}" class="mark m-{css}"/>'


def _apart(
    ends: Sequence[tuple[float, Line]], least: float, most: float
) -> list[tuple[float, Line]]:
    """Heights for labels at the ends of lines, so that none covers another or leaves the plot."""
    placed: list[tuple[float, Line]] = []
    for at, line in sorted(ends, key=lambda end: end[0]):
        placed.append((max(at, placed[-1][0] + least) if placed else at, line))
    for index in reversed(range(len(placed))):
        limit = most if index == len(placed) - 1 else placed[index + 1][0] - least
        placed[index] = min(placed[index][0], limit), placed[index][1]
    return placed


def _ratio_ticks(low: float, high: float, most: int) -> list[float]:
    """Round ratios within the range; every second power of two where they are too many."""
    doubling, fourfold, sixteenfold = ([2.0**k for k in range(-12, 25, n)] for n in (1, 2, 4))
    for ticks in (sorted([*doubling, 3.0, 5.0, 6.0]), doubling, fourfold, sixteenfold):
        shown = [tick for tick in ticks if low <= tick <= high]
        if len(shown) <= most:
            return shown
    return [1.0]


def _step(value: float, *, down: bool) -> float:
    """The next of 1, 2, 5, 10, … times a power of ten, strictly below or above."""
    power = float(10 ** math.floor(math.log10(value)))
    steps = [power * k for k in (0.5, 1, 2, 5, 10)]
    return max(s for s in steps if s < value) if down else min(s for s in steps if s > value)


def _time_ticks(low: float, high: float) -> list[float]:
    """Powers of ten; with 2 and 5 between them where there are few."""
    factors = (1, 2, 5) if high / low < 300 else (1,)
    first = math.floor(math.log10(low))
    last = math.ceil(math.log10(high))
    ticks = [10.0**power * factor for power in range(first, last + 1) for factor in factors]
    return [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]


def _thinned(sizes: Sequence[int], most: int) -> Sequence[int]:
    step = -(-len(sizes) // most)
    return sizes[::step]


def _some(low: float, high: float) -> list[float]:
    """A few round values between two."""
    step = 10 ** math.floor(math.log10(high - low))
    while (high - low) / step < 3:
        step /= 2
    while (high - low) / step > 5:
        step *= 2
    first = math.ceil(low / step)
    return [step * k for k in range(first, math.floor(high / step) + 1)]


def _time(milliseconds: float) -> str:
    """With the unit that keeps it short."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.3g} s"
    if milliseconds < 1e-3:
        return f"{milliseconds * 1e6:.3g} ns"
    if milliseconds < 1:
        return f"{milliseconds * 1000:.3g} µs"
    return f"{milliseconds:.3g} ms"


def time_text(milliseconds: float | None) -> str:
    """A time for people; empty when unknown."""
    return "" if milliseconds is None else _time(milliseconds)


def shown_size(size: int) -> str:
    """A size as it is printed: 2¹⁶ or 1000."""
    base, caret, exponent = size_text(size).partition("^")
    return base + exponent.translate(_SUPERSCRIPTS) if caret else f"{size:,}".replace(",", "\u2009")
