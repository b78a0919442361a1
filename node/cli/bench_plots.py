"""The plots of a benchmark report, as inline SVG: ratios, times over sizes, phases, raw runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.cli import svg
from zk.bench.works import size_text

_ROW: Final = 34
_MARK: Final = 4.5


@dataclass(frozen=True, slots=True)
class RatioBar:
    """How many times faster we are than a peer at one thing; below one, the peer is ahead."""

    label: str
    ratio: float
    low: float
    high: float
    text: str
    noisy: bool


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


def ratios(bars: Sequence[RatioBar], label: str) -> str:
    """Bars from a line at 1×, to the right where we are ahead; logarithmic, with intervals."""

    def draw(narrow: bool) -> str:
        width = svg.NARROW if narrow else svg.WIDE
        left = 0.0 if narrow else 220.0
        row = _ROW + 16 if narrow else _ROW
        right = 86.0
        low = min(1 / 1.25, *(bar.low for bar in bars))
        high = max(1.25, *(bar.high for bar in bars))
        room = width - left - right

        def x(value: float) -> float:
            return left + room * math.log(value / low) / math.log(high / low)

        height = 26 + len(bars) * row
        parts = []
        for tick in _ratio_ticks(low, high):
            css = "axis-one" if tick == 1 else "grid"
            parts.append(svg.line(x(tick), 20, x(tick), height, css))
            parts.append(
                svg.text(x(tick), 12, f"{tick:g}×", "chart-soft", anchor="middle", size=11)
            )
        for index, bar in enumerate(bars):
            top = 26 + index * row
            middle = top + (30 if narrow else 12)
            if narrow:
                parts.append(svg.text(0, top + 13, bar.label, "chart-label"))
            else:
                parts.append(
                    svg.text(left - 14, middle + 5, bar.label, "chart-label", anchor="end")
                )
            begin, end = sorted((x(1.0), x(bar.ratio)))
            css = ("bar-ahead" if bar.ratio >= 1 else "bar-behind") + (
                " faint" if bar.noisy else ""
            )
            parts.append(svg.rect(begin, middle - 8, max(end - begin, 1.5), 16, css))
            parts.append(svg.line(x(bar.low), middle, x(bar.high), middle, "whisker"))
            parts += [
                svg.line(x(v), middle - 4, x(v), middle + 4, "whisker") for v in (bar.low, bar.high)
            ]
            parts.append(svg.text(width, middle + 5, bar.text, "chart-value", anchor="end"))
        return svg.drawing(width, height + 4, "".join(parts), label, "chart")

    return svg.both(draw) if bars else ""


def times(lines: Sequence[Line], label: str) -> str:
    """Milliseconds over sizes, both logarithmic: a straight line is a power law."""

    def draw(narrow: bool) -> str:
        width, height = (svg.NARROW, 280) if narrow else (svg.WIDE, 360)
        left, right, top, bottom = 54.0, (16.0 if narrow else 120.0), 14.0, 34.0
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
        parts += [
            svg.text(x(size), height - 12, size_text(size), "chart-soft", anchor="middle", size=12)
            for size in _thinned(sizes, 5 if narrow else 9)
        ]
        ends: list[tuple[float, Line]] = []
        for line in lines:
            points = [(x(size), y(value)) for size, value in line.points]
            css = f"{line.css} {'line-ours' if line.ours else 'line-peer'}"
            path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
            parts.append(f'<polyline points="{path}" class="{css}"/>')
            parts += [_mark(px, py, line.css, ours=line.ours) for px, py in points]
            ends.append((points[-1][1], line))
        if not narrow:
            for at, line in _apart(ends, 15.0):
                parts.append(
                    svg.text(width - right + 10, at + 4, line.name, f"name-{line.css}", size=12.5)
                )
        return svg.drawing(width, height, "".join(parts), label, "chart")

    return svg.both(draw) if lines else ""


def phases(stacks: Sequence[Stack], names: Sequence[str], label: str) -> str:
    """One bar a run, cut into phases, on a common scale."""

    def draw(narrow: bool) -> str:
        width = svg.NARROW if narrow else svg.WIDE
        left = 0.0 if narrow else 220.0
        row = 50 if narrow else 36
        room = width - left - 84
        most = max(sum(value for _, value in stack.parts) for stack in stacks)
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
            at = left
            for name, value in stack.parts:
                length = room * value / most
                css = f"phase p{names.index(name) % 9}"
                parts.append(svg.rect(at, bar_top, max(length - 1, 0.5), 22, css, radius=1))
                at += length
            total = sum(value for _, value in stack.parts)
            parts.append(svg.text(width, bar_top + 16, _time(total), "chart-value", anchor="end"))
        return svg.drawing(width, len(stacks) * row + 4, "".join(parts), label, "chart")

    return svg.both(draw) if stacks else ""


def runs(strips: Sequence[Strip], label: str) -> str:
    """Every warm run as a dot, left to right as they happened: drift and outliers can be seen."""
    strips = [strip for strip in strips if strip.values]

    def draw(narrow: bool) -> str:
        width = svg.NARROW if narrow else svg.WIDE
        left, height = 54.0, 150
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
                for at, line in _apart(ends, 15.0)
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


def _apart(ends: Sequence[tuple[float, Line]], least: float) -> list[tuple[float, Line]]:
    """Heights for labels at the ends of lines, so that none covers another."""
    placed: list[tuple[float, Line]] = []
    for at, line in sorted(ends, key=lambda end: end[0]):
        placed.append((max(at, placed[-1][0] + least) if placed else at, line))
    return placed


def _ratio_ticks(low: float, high: float) -> list[float]:
    ticks = (1 / 16, 1 / 8, 0.25, 0.5, 1, 2, 3, 4, 5, 8, 16, 32, 64, 128, 256, 512, 1024)
    shown = [tick for tick in ticks if low <= tick <= high]
    if high > 12:
        shown = [tick for tick in shown if tick not in (3, 5)]
    if high > 100:
        shown = [tick for tick in shown if tick in (0.25, 1, 4, 16, 64, 256, 1024)]
    return shown


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
    if milliseconds < 1:
        return f"{milliseconds * 1000:.3g} µs"
    return f"{milliseconds:.3g} ms"


def time_text(milliseconds: float | None) -> str:
    """A time for people; empty when unknown."""
    return "" if milliseconds is None else _time(milliseconds)
