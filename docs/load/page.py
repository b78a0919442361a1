"""Makes ../load.md and inclusion.svg from results.json of this folder.

.venv/bin/python docs/load/page.py
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
Row = dict[str, Any]
TITLES = {"embedded": "one node, embedded engine", "validators": "four validators, CometBFT"}
ORDER = ("transparent", "transparent, 1 KiB", "shielded", "sealed")
COLOURS = {
    "transparent": "#b8860b",
    "transparent, 1 KiB": "#d9b65c",
    "shielded": "#3b3f6b",
    "sealed": "#7a7fb5",
}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 420, 260, 52, 34, 40


def main() -> None:
    """Both files."""
    document = json.loads((HERE / "results.json").read_text())
    rows: list[Row] = sorted(
        document["rows"],
        key=lambda row: (
            list(TITLES).index(row["target"]),
            ORDER.index(row["workload"]),
            row["steady"],
            row["rate"],
        ),
    )
    text = (HERE / "text.md").read_text()
    machine = document["host"]
    parts = {
        "TABLE": table([row for row in rows if not row["steady"]]),
        "STEADY": steady([row for row in rows if row["steady"]]),
        "OPENED": opened(rows),
        "COST": cost(rows),
        "MACHINE": f"{machine['processor']}, {machine['cores']} cores",
        "BLOCK_MS": str(document["block_ms"]),
    }
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part)
    (HERE.parent / "load.md").write_text(text)
    (HERE / "inclusion.svg").write_text(picture([row for row in rows if not row["steady"]]))


def table(rows: Sequence[Row]) -> str:
    """One line a run."""
    head = (
        "| nodes | transactions | due /s | in blocks /s | bytes | included after p50, p95, p99, "
        "most | answered after p50, p99 | refused | between blocks p50, most |\n"
        "|---|---|---:|---:|---:|---|---|---:|---|\n"
    )
    return head + "\n".join(_line(row) for row in rows)


def steady(rows: Sequence[Row]) -> str:
    """A section of its own, where there are long runs."""
    if not rows:
        return ""
    minutes = max(row["seconds"] for row in rows) / 60
    return f"## {minutes:g} minutes\n\n{table(rows)}\n\n"


def _line(row: Row) -> str:
    wait, answer, gap = row["inclusion"], row["submission"], row["intervals"]
    refused = sum(row["refused"].values()) + row["failed"]
    return (
        f"| {row['target']} | {row['workload']} | {row['rate']:g} | {row['per_second']:.0f} | "
        f"{row['size']:.0f} | {_s(wait['p50'])}, {_s(wait['p95'])}, **{_s(wait['p99'])}**, "
        f"{_s(wait['most'])} | {_s(answer['p50'])}, {_s(answer['p99'])} | {refused} | "
        f"{_s(gap['p50'])}, {_s(gap['most'])} |"
    )


def cost(rows: Sequence[Row]) -> str:
    """What a run takes of the machine."""
    head = (
        "| nodes | transactions | due /s | processors: nodes, engines | ms of processor each | "
        "memory at first, then | disk each |\n|---|---|---:|---|---:|---|---:|\n"
    )
    return head + "\n".join(_cost(row) for row in rows)


def _cost(row: Row) -> str:
    taken, seconds = row["taken"], row["watched"]
    busy = {role: item["cpu_s"] / seconds for role, item in taken.items()}
    each = 1000 * sum(item["cpu_s"] for item in taken.values()) / max(1, row["included"])
    first = sum(item["rss_first"] for item in taken.values()) / 2**20
    last = sum(item["rss_last"] for item in taken.values()) / 2**20
    return (
        f"| {row['target']} | {row['workload']}{', steady' if row['steady'] else ''} | "
        f"{row['rate']:g} | {busy['nodes']:.2f}, {busy.get('engines', 0.0):.2f} | {each:.1f} | "
        f"{first:.0f}, {last:.0f} MiB | {row['grown'] / max(1, row['included']) / 1024:.1f} KiB |"
    )


def opened(rows: Sequence[Row]) -> str:
    """Heights from a batch's close to its opening."""
    lines = ["| nodes | due /s | intents by heights from close to opening |", "|---|---:|---|"]
    for row in rows:
        if row["opened"]:
            counts = ", ".join(
                f"{'never' if heights == '0' else '+' + heights}: {count}"
                for heights, count in row["opened"].items()
            )
            lines.append(f"| {row['target']} | {row['rate']:g} | {counts} |")
    return "\n".join(lines)


def _s(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def picture(rows: Sequence[Row]) -> str:
    """Time to inclusion over the rate, both on logarithmic scales, one chart for each target."""
    charts = []
    for place, target in enumerate(TITLES):
        mine = [row for row in rows if row["target"] == target]
        charts.append(f'<g transform="translate({place * (WIDTH + 20)} 0)">{chart(mine)}</g>')
    width = len(TITLES) * (WIDTH + 20)
    style = (
        "text{font:12px system-ui,sans-serif;fill:#555}.t{font-weight:600;fill:#222}"
        ".g{stroke:#8884;stroke-width:1}@media(prefers-color-scheme:dark){text{fill:#aaa}"
        ".t{fill:#eee}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT + 24}" role="img" '
        f'aria-label="Time to inclusion over the rate"><style>{style}</style>{"".join(charts)}'
        f"{_legend()}</svg>\n"
    )


def chart(rows: Sequence[Row]) -> str:
    """Solid: the median; dashed: the 99th percentile."""
    rates = [row["rate"] for row in rows] or [1.0]
    low, high = math.log10(min(rates) / 1.2), math.log10(max(rates) * 1.2)
    bottom, top = math.log10(0.1), math.log10(20)

    def x(rate: float) -> float:
        return LEFT + (math.log10(rate) - low) / (high - low) * (WIDTH - LEFT - 10)

    def y(seconds: float) -> float:
        part = (math.log10(min(max(seconds, 0.1), 20)) - bottom) / (top - bottom)
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)

    parts = [f'<text class="t" x="{LEFT}" y="18">{escape(TITLES[rows[0]["target"]])}</text>']
    parts += [
        f'<line class="g" x1="{LEFT}" x2="{WIDTH - 10}" y1="{y(seconds):.1f}" '
        f'y2="{y(seconds):.1f}"/><text x="{LEFT - 6}" y="{y(seconds) + 4:.1f}" '
        f'text-anchor="end">{seconds:g} s</text>'
        for seconds in (0.1, 0.3, 1, 3, 10)
    ]
    parts += [
        f'<text x="{x(rate):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{rate:g}</text>'
        for rate in sorted(set(rates))
    ]
    parts.append(
        f'<text x="{WIDTH - 10}" y="{HEIGHT - 6}" text-anchor="end">'
        "transactions a second, due</text>"
    )
    for workload, colour in COLOURS.items():
        mine = [row for row in rows if row["workload"] == workload]
        for which, dash in (("p50", ""), ("p99", ' stroke-dasharray="5 4"')):
            points = " ".join(f"{x(r['rate']):.1f},{y(r['inclusion'][which]):.1f}" for r in mine)
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"'
                f"{dash}/>"
            )
            parts += [
                f'<circle cx="{x(r["rate"]):.1f}" cy="{y(r["inclusion"][which]):.1f}" r="2.5" '
                f'fill="{colour}"/>'
                for r in mine
            ]
    return "".join(parts)


def _legend() -> str:
    parts, at = [], LEFT
    for workload, colour in COLOURS.items():
        parts.append(
            f'<rect x="{at}" y="{HEIGHT + 6}" width="12" height="12" rx="2" fill="{colour}"/>'
            f'<text x="{at + 18}" y="{HEIGHT + 16}">{escape(workload)}</text>'
        )
        at += 40 + 8 * len(workload)
    parts.append(f'<text x="{at}" y="{HEIGHT + 16}">solid: median, dashed: 99th percentile</text>')
    return "".join(parts)


if __name__ == "__main__":
    main()
