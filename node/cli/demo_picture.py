"""The way of a private transfer, painted: shadow, light, shadow.

The picture has its own palette, as a painting has: the wallets stand in the dark, the mempool and
the block in the light, and the proof on the border. It is drawn across for wide screens and down
for narrow ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from node.cli import svg
from node.cli.demo_facts import DemoFacts, duration, units

_CARD: Final = 196
_GAP: Final = 34
_CARD_HEIGHT: Final = 196


@dataclass(frozen=True, slots=True)
class Stage:
    """One place on the way: its name, how long it took, what stands there in plain sight."""

    name: str
    time: str
    lines: Sequence[str]
    light: str
    """`dark`, `half` or `lit`."""


def stages(facts: DemoFacts) -> tuple[Stage, ...]:
    """The five places, with this run's values."""
    t = facts.transfer
    spent = {step.id: step.seconds for step in facts.steps}
    return (
        Stage(
            "Alice’s wallet",
            "knows everything",
            (
                f"pay {units(t.amount, t.asset)}",
                f"“{_cut(t.memo, 20)}”",
                f"spends note {t.spent_position}",
                f"change {units(t.change)}",
            ),
            "dark",
        ),
        Stage(
            "Proof",
            f"{duration(facts.prove_seconds)} to make",
            (
                f"{facts.statement.rows:,} rows",
                f"{facts.statement.publics} public inputs",
                f"{facts.statement.proof_bytes} bytes",
                "no amount, no name",
            ),
            "half",
        ),
        Stage(
            "Mempool",
            f"{duration(facts.verify_seconds)} to check",
            (
                f"fee {units(t.fee)}",
                f"{len(t.nullifiers)} nullifiers",
                f"{len(t.commitments)} commitments",
                f"{len(t.commitments)} sealed notes",
            ),
            "lit",
        ),
        Stage(
            f"Block {t.height}",
            "seen by everyone",
            (
                f"tx {t.tx_id[:8]}…{t.tx_id[-4:]}",
                f"{t.size:,} bytes",
                f"{t.actions} action" + ("s" if t.actions != 1 else ""),
                "amounts: none",
            ),
            "lit",
        ),
        Stage(
            "Bob’s wallet",
            f"{duration(spent.get('find', 0.0))} to find it",
            (
                f"got {units(t.amount, t.asset)}",
                f"“{_cut(t.memo, 20)}”",
                f"leaf {t.received_position} of the tree",
                "sender: not told",
            ),
            "dark",
        ),
    )


def picture(facts: DemoFacts) -> str:
    """Both drawings; the page shows one."""
    return way("The way of the transfer", stages(facts))


def way(name: str, found: Sequence[Stage]) -> str:
    """Places in a row, from the shadow into the light and back; drawn across and down."""
    label = f"{name}: " + ", ".join(stage.name for stage in found)
    return svg.both(lambda narrow: _down(found, label) if narrow else _across(found, label))


def _across(found: Sequence[Stage], label: str) -> str:
    width: float = len(found) * _CARD + (len(found) - 1) * _GAP + 60
    height = _CARD_HEIGHT + 118
    top = 64.0
    parts = [_defs("w"), _backdrop(width, height, "w"), _beam_across(width, height)]
    for index, stage in enumerate(found):
        x = 30.0 + index * (_CARD + _GAP)
        if index:
            parts.append(_arrow(x - _GAP + 5, top + _CARD_HEIGHT / 2, x - 5, 0.0))
        parts.append(_card(stage, x, top, "w"))
    for x, words in (
        (30 + _CARD / 2, "in shadow"),
        (width / 2 + (_CARD + _GAP) / 2, "in the light"),
        (width - 30 - _CARD / 2, "in shadow"),
    ):
        parts.append(
            svg.text(x, height - 22, words, "p-caption", anchor="middle", size=15),
        )
    return svg.drawing(width, height, "".join(parts), label, "picture")


def _down(found: Sequence[Stage], label: str) -> str:
    width, row = svg.NARROW, _CARD_HEIGHT - 22 + 30
    height = len(found) * row + 34
    parts = [_defs("n"), _backdrop(width, height, "n")]
    x = (width - 250) / 2
    for index, stage in enumerate(found):
        top = 32.0 + index * row
        if index:
            parts.append(_arrow(width / 2, top - 25, width / 2, 20.0))
        parts.append(_card(stage, x, top, "n", width=250, height=_CARD_HEIGHT - 22))
    return svg.drawing(width, height, "".join(parts), label, "picture")


def _defs(key: str) -> str:
    across = 'cx="0.6" cy="0.25" r="0.62"' if key == "w" else 'cx="0.5" cy="0.52" r="0.5"'
    return (
        f'<defs><radialGradient id="{key}lamp" {across}>'
        '<stop offset="0" stop-color="#f3cf8a"/><stop offset="0.3" stop-color="#c78a3e"/>'
        '<stop offset="0.62" stop-color="#5e3a1d"/><stop offset="1" stop-color="#120c08"/>'
        "</radialGradient>"
        f'<linearGradient id="{key}half" x1="0.47" y1="0" x2="0.53" y2="1">'
        '<stop offset="0.61" stop-color="#1b130d"/><stop offset="0.69" stop-color="#f9eed6"/>'
        "</linearGradient>"
        f'<linearGradient id="{key}beam" x1="0" y1="0" x2="0" y2="1">'
        '<stop offset="0" stop-color="#fff3d2" stop-opacity="0.55"/>'
        '<stop offset="1" stop-color="#fff3d2" stop-opacity="0"/></linearGradient>'
        f'<filter id="{key}soft" x="-20%" y="-20%" width="140%" height="140%">'
        '<feGaussianBlur stdDeviation="7"/></filter></defs>'
    )


def _backdrop(width: float, height: float, key: str) -> str:
    return (
        f'<rect width="{width:g}" height="{height:g}" rx="14" fill="#120c08"/>'
        f'<rect width="{width:g}" height="{height:g}" rx="14" fill="url(#{key}lamp)"/>'
    )


def _beam_across(width: float, height: float) -> str:
    middle = width * 0.6
    return (
        f'<polygon points="{middle - 60:.0f},0 {middle + 40:.0f},0 {middle + 330:.0f},{height:.0f} '
        f'{middle - 350:.0f},{height:.0f}" fill="url(#wbeam)" filter="url(#wsoft)"/>'
    )


def _card(
    stage: Stage,
    x: float,
    top: float,
    key: str,
    *,
    width: float = _CARD,
    height: float = _CARD_HEIGHT,
) -> str:
    fill = {"dark": "#1b130d", "half": f"url(#{key}half)", "lit": "#f9eed6"}[stage.light]
    edge = {"dark": "#6d5032", "half": "#c7a26a", "lit": "#fffaf0"}[stage.light]
    parts = [
        f'<rect x="{x + 3:.1f}" y="{top + 7:.1f}" width="{width:g}" height="{height:g}" rx="10" '
        f'fill="#000" opacity="0.45" filter="url(#{key}soft)"/>',
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:g}" height="{height:g}" rx="10" '
        f'fill="{fill}" stroke="{edge}" stroke-width="1"/>',
    ]
    head = "p-on-light" if stage.light == "lit" else "p-on-dark"
    soft = "p-on-light-soft" if stage.light == "lit" else "p-on-dark-soft"
    parts.append(svg.text(x + 18, top + 34, stage.name, f"p-name {head}", size=20))
    parts.append(svg.text(x + 18, top + 55, stage.time, soft, size=13))
    step = (height - 84) / len(stage.lines)
    for index, words in enumerate(stage.lines):
        y = top + 84 + index * step + 6
        # The light of the half-lit card begins below its second line.
        ink = "p-on-light" if stage.light == "half" and index >= 2 else head
        parts.append(svg.text(x + 18, y, words, f"p-line {ink}", size=14))
    return "".join(parts)


def _arrow(x: float, y: float, to: float, down: float) -> str:
    """To the right, or down when `down` is given."""
    if down:
        path = f"M{x:.1f},{y:.1f} v{down:.1f} m-5,-6 l5,6 l5,-6"
    else:
        path = f"M{x:.1f},{y:.1f} H{to:.1f} m-6,-5 l6,5 l-6,5"
    return f'<path d="{path}" class="p-arrow"/>'


def sphere() -> str:
    """The emblem: one sphere, one lamp."""
    return (
        f'<svg class="sphere" viewBox="0 0 400 400" role="img" aria-label="{escape("A sphere")}, '
        'half in light, half in shadow"><defs>'
        '<radialGradient id="ball" cx="0.3" cy="0.27" r="0.78">'
        '<stop offset="0" stop-color="#fff6df"/><stop offset="0.16" stop-color="#f6d79a"/>'
        '<stop offset="0.38" stop-color="#c98a3c"/><stop offset="0.6" stop-color="#5a3618"/>'
        '<stop offset="0.8" stop-color="#1a0f08"/><stop offset="1" stop-color="#080503"/>'
        "</radialGradient>"
        '<radialGradient id="rim" cx="0.5" cy="0.5" r="0.5">'
        '<stop offset="0.93" stop-color="#8a5a2a" stop-opacity="0"/>'
        '<stop offset="1" stop-color="#b9803f" stop-opacity="0.5"/></radialGradient>'
        '<radialGradient id="cast" cx="0.5" cy="0.5" r="0.5">'
        '<stop offset="0" stop-color="#000" stop-opacity="0.8"/>'
        '<stop offset="1" stop-color="#000" stop-opacity="0"/></radialGradient></defs>'
        '<ellipse cx="238" cy="352" rx="150" ry="26" fill="url(#cast)"/>'
        '<circle cx="195" cy="195" r="150" fill="url(#ball)"/>'
        '<circle cx="195" cy="195" r="150" fill="url(#rim)"/></svg>'
    )


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"
