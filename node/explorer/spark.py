"""Small drawings as SVG, coloured by the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from node.explorer.text import span

_WIDTH: Final = 300
_HEIGHT: Final = 56
_MOST_CELLS: Final = 1024


def bars(gaps: Sequence[int]) -> Markup:
    """Time between blocks, oldest first; heights are by the square root, so that pauses fit in.

    Args:
        gaps: milliseconds.
    """
    if not gaps:
        return Markup("")
    most = max(*gaps, 1)
    step = _WIDTH / max(len(gaps), 24)
    left = _WIDTH - step * len(gaps)
    shapes = []
    for index, gap in enumerate(gaps):
        tall = 2 + (_HEIGHT - 2) * (max(gap, 0) / most) ** 0.5
        shapes.append(
            Markup('<rect x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" rx="1"/>').format(
                left + index * step, _HEIGHT - tall, max(step - 1.5, 0.8), tall
            )
        )
    label = f"time between the last {len(gaps) + 1} blocks, {span(min(gaps))} to {span(most)}"
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, label, Markup("").join(shapes))


def rows(here: Sequence[bool], needed: int) -> Markup:
    """Rows of a blob: one cell each, lit where this node has it.

    Args:
        here: by row.
        needed: how many of them are enough.
    """
    count = min(len(here), _MOST_CELLS)
    across = 32 if count > 16 else max(count, 1)
    cells = [
        Markup('<rect x="{}" y="{}" width="8" height="8" rx="1.5" class="{}"/>').format(
            index % across * 10, index // across * 10, "row-here" if here[index] else "row-away"
        )
        for index in range(count)
    ]
    height = -(-count // across) * 10
    label = f"{sum(here)} of {len(here)} rows are here, {needed} are enough"
    return Markup(
        '<svg class="rows" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(across * 10, height, label, Markup("").join(cells))
