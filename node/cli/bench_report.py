"""The report of result files: one HTML page that needs no network, no scripts and no fonts."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any, Final

from node.cli import bench_plots as plots
from node.cli.bench_plots import time_text
from node.cli.bench_show import what
from zk.bench import results
from zk.bench.compare import verdict
from zk.bench.stats import Interval
from zk.bench.works import RANDOM, WORKS

PHASES: Final = {
    "witness": "witness",
    "ntt": "quotient (NTT)",
    "msm_a": "A in G1",
    "msm_b1": "B in G1",
    "msm_b2": "B in G2",
    "msm_c": "C in G1",
    "msm_h": "H in G1",
    "verify": "own check",
}
_MOST_STRIPS: Final = 24

Row = Mapping[str, Any]
Data = Mapping[str, Any]


def render(files: Sequence[Data], names: Sequence[str]) -> str:
    """The page.

    Args:
        files: data of result files; later ones are drawn beside earlier ones.
        names: of the files.
    """
    folder = resources.files("node.cli")
    style = "".join(
        folder.joinpath(name).read_text(encoding="utf-8") for name in ("report.css", "bench.css")
    )
    rows = [row for data in files for row in data["rows"]]
    colours = _colours(rows)
    sections = (
        ("Who is ahead", _ahead(rows)),
        ("Time over size", _scaling(rows, colours)),
        ("Inside a proof", _inside(rows)),
        ("All figures", _table(rows)),
        ("Every run", _strips(files, colours)),
        ("How it was measured", _how(files, names)),
    )
    body = "".join(f"<section><h2>{title}</h2>{part}</section>" for title, part in sections if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Chiaroscuro: benchmarks</title><style>{style}</style></head><body>"
        f"{_hero(files, rows)}<main>{body}</main>"
        "<footer><p>Made by <code>chiaro bench report</code> from result files of the schema "
        f"{results.SCHEMA}; this page loads nothing and runs nothing.</p></footer></body></html>\n"
    )


# --- sections -------------------------------------------------------------------------------------


def _hero(files: Sequence[Data], rows: Sequence[Row]) -> str:
    machines = dict.fromkeys(data["machine"]["processor"] for data in files)
    compared = [row for row in rows if row["ratio"] is not None]
    noisy = sum(bool(row["noisy"]) for row in rows)
    figures = [(str(len(rows)), "figures"), (str(noisy), "of them noisy")]
    if compared:
        ahead = sum(_clearly_ahead(row) for row in compared)
        middle = statistics.median(row["ratio"] for row in compared)
        figures = [
            (f"{ahead} of {len(compared)}", "comparisons clearly ahead"),
            (f"{middle:.2f}×", "median of peer / ours"),
            *figures,
        ]
    cells = "".join(
        f"<div><strong>{escape(value)}</strong><span>{escape(text)}</span></div>"
        for value, text in figures
    )
    commits = dict.fromkeys(_commit(data) for data in files)
    return (
        '<header class="hero"><div class="hero-in"><div class="hero-words">'
        '<p class="over">Chiaroscuro</p><h1>How fast, beside whom</h1>'
        '<p class="lead">Programs took turns on identical inputs, bound to the same processors; an '
        f"answer that differed did not count. Measured on {escape(', '.join(machines))}.</p>"
        f'</div></div><div class="figures">{cells}</div>'
        f'<p class="stamp">commit <code>{escape(", ".join(commits))}</code></p></header>'
    )


def _ahead(rows: Sequence[Row]) -> str:
    """Ratio bars, one group for each peer."""
    parts = []
    peers = dict.fromkeys(row["peer"] for row in rows if row["ratio"] is not None)
    for peer in peers:
        mine = [row for row in rows if row["peer"] == peer and row["ratio"] is not None]
        several = len({row["backend"] for row in mine}) > 1
        bars = [
            plots.RatioBar(
                _label(row, backend=several),
                row["ratio"],
                row["ratio_low"],
                row["ratio_high"],
                f"{row['ratio']:.2f}×{' ~' if row['noisy'] else ''}",
                bool(row["noisy"]),
            )
            for row in mine
        ]
        versions = dict.fromkeys(str(row.get("peer_version", "")) for row in mine)
        parts.append(
            f"<h3>{escape(str(peer))}</h3>"
            f"<p class='aside'>{escape(', '.join(versions))}</p>"
            + plots.ratios(bars, f"Time of {peer} over ours; right of 1× we are ahead")
        )
    if not parts:
        return ""
    return (
        "<p>The time of the peer over ours, medians of warm rounds. Right of the line at 1× we are "
        "ahead, left of it the peer is; whiskers are 95 % intervals, pale bars (~) are of noisy "
        "series.</p>" + "".join(parts)
    )


def _scaling(rows: Sequence[Row], colours: Mapping[str, str]) -> str:
    """Time over size, one plot for each work, case and number of threads."""
    parts = []
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["work"], row["case"], row["threads"]), []).append(row)
    for (work, case, threads), group in groups.items():
        if len({row["size"] for row in group}) < 2:
            continue
        lines = _lines(group, colours)
        title = WORKS[work].title + ("" if case == RANDOM else f", {case}")
        parts.append(
            f"<h3>{escape(title)}</h3>"
            f"<p class='aside'><code>{escape(work)}</code>, {_threads(threads)}, over the number "
            f"of {escape(WORKS[work].unit)}</p>"
            + _legend((line.name, f"k-{line.css}") for line in lines)
            + plots.times(lines, f"Time of {work} over size, logarithmic")
        )
    if not parts:
        return ""
    return (
        "<p>Both axes are logarithmic: a program whose cost per element stays the same is a "
        "straight line at 45 degrees. Ours are solid with discs, peers dashed with "
        "diamonds.</p>" + "".join(parts)
    )


def _lines(rows: Sequence[Row], colours: Mapping[str, str]) -> list[plots.Line]:
    found: dict[tuple[str, bool], dict[int, float]] = {}
    for row in rows:
        found.setdefault((results.ours_name(row), True), {})[row["size"]] = row["ours_ms"]
        if row["peer_ms"] is not None:
            found.setdefault((row["peer"], False), {})[row["size"]] = row["peer_ms"]
    ordered = sorted(found.items(), key=lambda item: not item[0][1])
    return [
        plots.Line(_shown(name), sorted(points.items()), colours[name], ours)
        for (name, ours), points in ordered
    ]


def _inside(rows: Sequence[Row]) -> str:
    """Phases of proofs, one bar for each series and backend."""
    stacks, names = [], []
    seen = set()
    for row in rows:
        key = (*results.key(row), row["series"], row["ours_ms"])
        parts = [(name, value) for name, value in row["phases"].items() if name in PHASES]
        if not parts or key in seen:
            continue
        seen.add(key)
        names += [name for name, _ in parts]
        stacks.append(plots.Stack(_label(row, backend=True), parts))
    if not stacks:
        return ""
    order = [name for name in PHASES if name in names]
    legend = _legend((PHASES[name], f"k-p{index % 9}") for index, name in enumerate(order))
    return (
        "<p>Medians of each phase; what is between the phases (a few additions of points) is not "
        f"drawn.</p>{legend}{plots.phases(stacks, order, 'Phases of a proof')}"
    )


def _table(rows: Sequence[Row]) -> str:
    headings = (
        "", "work", "threads", "backend", "ours", "95 %", "CPU", "cold", "MB", "per element",
        "peer", "peer’s", "peer / ours", "95 %", "answers",
    )  # fmt: skip
    numeric = {2, 4, 6, 7, 8, 9, 11, 12}
    body = [_cells(row) for row in rows]

    def cell(tag: str, column: int, content: str) -> str:
        css = ' class="number"' if column in numeric else ""
        return f"<{tag}{css}>{escape(content)}</{tag}>"

    head = "".join(cell("th", i, h) for i, h in enumerate(headings))
    lines = "".join(
        "<tr>" + "".join(cell("td", i, c) for i, c in enumerate(cells)) + "</tr>" for cells in body
    )
    return (
        "<p>Medians of warm rounds by each program’s own clock, around the work alone; "
        "<i>cold</i> is the first run of a fresh process, <i>MB</i> its largest resident memory, "
        "<i>~</i> a noisy series.</p>"
        f'<div class="table"><table class="plain"><thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _cells(row: Row) -> tuple[str, ...]:
    peak = row.get("ours_peak_mb")
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}×"
    span = "" if row["ratio"] is None else f"{row['ratio_low']:.2f}–{row['ratio_high']:.2f}"
    return (
        "~" if row["noisy"] else "",
        what(row),
        str(row["threads"]),
        row["backend"],
        time_text(row["ours_ms"]),
        f"{time_text(row['ours_low'])} – {time_text(row['ours_high'])}",
        time_text(row.get("ours_cpu_ms")),
        time_text(row.get("ours_cold_ms")),
        "" if peak is None else f"{peak:.0f}",
        time_text(row["ours_ms"] / max(row["size"], 1)),
        row["peer"] or "",
        time_text(row["peer_ms"]) or row["error"],
        ratio,
        span,
        row.get("agreement") or "",
    )


def _strips(files: Sequence[Data], colours: Mapping[str, str]) -> str:
    parts: list[str] = []
    for data in files:
        for series in data["series"]:
            if not series["samples"] or len(parts) >= _MOST_STRIPS:
                continue
            sides = [side for side in series["sides"] if not side["error"]]
            strips = [
                plots.Strip(
                    _shown(side["name"]),
                    colours.get(side["name"], "s7"),
                    [s["wall_ms"] for s in series["samples"] if s["who"] == side["name"]],
                    ours=bool(side["backend"]),
                )
                for side in sides
            ]
            parts.append(
                f"<h4>{escape(what(series))}, {_threads(series['threads'])}</h4>"
                + plots.runs(strips, f"Every warm run of {series['work']}")
            )
    if not parts:
        return ""
    return (
        "<details><summary>Raw samples, in the order in which they were taken</summary>"
        + "".join(parts)
        + "</details>"
    )


def _how(files: Sequence[Data], names: Sequence[str]) -> str:
    parts = []
    for data, name in zip(files, names, strict=True):
        found = data["machine"]
        peers = {
            side["name"]: side["version"]
            for series in data["series"]
            for side in series["sides"]
            if not side["backend"]
        }
        noise = [series["noise"] for series in data["series"]]
        values = (
            ("command", " ".join(data["command"])),
            ("started", data["series"][0]["started"] if data["series"] else ""),
            ("commit", _commit(data)),
            ("machine", f"{found['id']}: {found['processor']} ({found['family']})"),
            ("features", ", ".join(found["features"])),
            ("processors", f"{found['cores']}; {', '.join(found['caches'])}"),
            ("governor", found["governor"] or "not readable"),
            ("guest", "yes" if found["hypervisor"] else "no"),
            ("memory", f"{found['memory_mb']:,} MB"),
            ("system", f"{found['system']}; Python {found['python']}"),
            ("libraries", ", ".join(f"{k} {v}" for k, v in found["libraries"].items() if v)),
            ("peers", "; ".join(f"{k}: {v}" for k, v in peers.items()) or "none"),
            ("load before", _range(n["load_before"][0] for n in noise if n["load_before"])),
            ("taken by the host", _range((n["steal_share"] for n in noise), percent=True)),
            ("used by others", _range((n["others_share"] for n in noise), percent=True)),
            ("seed", data["seed"]),
            ("criterion", data["criterion"]),
        )
        listed = "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in values)
        parts.append(f"<h3>{escape(name)}</h3><dl class='values'>{listed}</dl>")
    return "".join(parts)


# --- parts ----------------------------------------------------------------------------------------


def _colours(rows: Sequence[Row]) -> dict[str, str]:
    """One colour for each program on the whole page, ours first."""
    ours = dict.fromkeys(results.ours_name(row) for row in rows)
    peers = dict.fromkeys(row["peer"] for row in rows if row["peer"] is not None)
    return {name: f"s{index % 8}" for index, name in enumerate([*ours, *peers])}


def _shown(name: str) -> str:
    return name.replace("/", " ")


def _clearly_ahead(row: Row) -> bool:
    interval = Interval(row["ratio"], row["ratio_low"], row["ratio_high"])
    return verdict(interval) == "faster"


def _label(row: Row, *, backend: bool) -> str:
    threads = "" if row["threads"] == 1 else f" · {row['threads']} threads"
    return what(row) + threads + (f" · {row['backend']}" if backend else "")


def _legend(items: Iterable[tuple[str, str]]) -> str:
    keys = "".join(
        f'<span><span class="key {css}"></span>{escape(name)}</span>' for name, css in items
    )
    return f'<p class="legend">{keys}</p>'


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def _commit(data: Data) -> str:
    found = data["commit"]
    return (found["id"][:12] or "none") + (" with changes" if found.get("dirty") else "")


def _range(values: Iterable[float], *, percent: bool = False) -> str:
    found = list(values)
    if not found:
        return "unknown"
    low, high = min(found), max(found)
    return f"{low:.1%} – {high:.1%}" if percent else f"{low:.2f} – {high:.2f}"
