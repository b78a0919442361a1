"""The report of result files: one HTML page that needs no network, no scripts and no fonts."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any, Final

from node.cli import bench_plots as plots
from node.cli import bench_tables as tables
from node.cli.bench_show import what
from zk.bench import results
from zk.bench.compare import verdict
from zk.bench.stats import Interval
from zk.bench.works import CHAIN, RANDOM, WORKS

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
BACKENDS: Final = {
    "ifma": "for processors with AVX-512 IFMA",
    "fma": "for processors without it: AVX2 and FMA",
    "portable": "for any processor: scalar code",
    "reference": "for nothing but comparing: Python’s integers",
}
_MOST_STRIPS: Final = 24
_CHAINS: Final = "Poseidon chains"

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
    rows = tables.ordered(row for data in files for row in data["rows"])
    colours = _colours(rows)
    sections = (
        ("Who is ahead", _ahead(rows, colours)),
        ("Time over size", _scaling(rows, colours)),
        ("Inside a proof", _inside(rows)),
        ("All figures", tables.figures(rows)),
        ("Every run", _strips(files, colours)),
        ("How it was measured", tables.method(files, names)),
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
    noisy = sum(bool(row["noisy"]) for row in rows)
    figures = [(str(len(rows)), "figures"), (str(noisy), "of them noisy")]
    fastest = _fastest(rows)
    if fastest:
        first = next(iter(fastest.values()))[0]["backend"]
        best = [each[0] for each in fastest.values() if each[0]["backend"] == first]
        ahead = sum(_clearly_ahead(row) for row in best)
        middle = statistics.median(row["ratio"] for row in best)
        figures = [
            (f"{middle:.2f}×", f"median over the fastest peer, {first}"),
            (f"{ahead} of {len(best)}", f"comparisons clearly ahead, {first}"),
            *figures,
        ]
    cells = "".join(
        f"<div><strong>{escape(value)}</strong><span>{escape(text)}</span></div>"
        for value, text in figures
    )
    commits = dict.fromkeys(tables.commit(data) for data in files)
    return (
        '<header class="hero"><div class="hero-in"><div class="hero-words">'
        '<p class="over">Chiaroscuro</p><h1>How fast, beside whom</h1>'
        '<p class="lead">Programs took turns on identical inputs, bound to the same processors; an '
        f"answer that differed did not count. Measured on {escape(', '.join(machines))}.</p>"
        f'</div></div><div class="figures">{cells}</div>'
        f'<p class="stamp">commit <code>{escape(", ".join(commits))}</code></p></header>'
    )


def _fastest(rows: Sequence[Row]) -> dict[tuple[Any, ...], list[Row]]:
    """Comparisons by measurement of ours, the fastest peer first."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row["ratio"] is not None:
            found.setdefault((*results.key(row), row["series"], row["ours_ms"]), []).append(row)
    return {key: sorted(group, key=lambda row: float(row["ratio"])) for key, group in found.items()}


def _ahead(rows: Sequence[Row], colours: Mapping[str, str]) -> str:
    """Bars over the fastest peer, one plot for each backend, grouped by work."""
    fastest = _fastest(rows)
    if not fastest:
        return ""
    parts = []
    for backend in dict.fromkeys(group[0]["backend"] for group in fastest.values()):
        groups: dict[str, list[plots.Standing]] = {}
        for found in fastest.values():
            if found[0]["backend"] == backend:
                groups.setdefault(_heading(found[0]), []).append(_standing(found, colours))
        drawn = plots.standings(
            [plots.Group(title, standings) for title, standings in groups.items()],
            f"Time of the fastest peer over ours, {backend}; right of 1× we are ahead",
        )
        about = BACKENDS.get(backend, "")
        parts.append(f"<h3>{escape(backend)}</h3><p class='aside'>{about}</p>{drawn}")
    peers = dict.fromkeys(row["peer"] for group in fastest.values() for row in group)
    legend = _legend(
        [("we are ahead", "k-ahead"), ("a peer is", "k-behind")]
        + [(f"{peer}, where it is not the fastest", f"k-{colours[peer]} diamond") for peer in peers]
    )
    return (
        "<p>The time of the fastest peer over ours, medians of warm rounds, logarithmic. Right of "
        "the line at 1× we are ahead; whiskers are 95 % intervals, pale bars (~) are of noisy "
        "series. A peer that is far slower stands at the edge with its number.</p>"
        + legend
        + "".join(parts)
    )


def _standing(found: Sequence[Row], colours: Mapping[str, str]) -> plots.Standing:
    best, *others = found
    return plots.Standing(
        _item(best),
        best["ratio"],
        best["ratio_low"],
        best["ratio_high"],
        f"{'~ ' if best['noisy'] else ''}{best['ratio']:.2f}×",
        best["peer"],
        bool(best["noisy"]),
        [plots.Other(row["ratio"], colours[row["peer"]]) for row in others],
    )


def _scaling(rows: Sequence[Row], colours: Mapping[str, str]) -> str:
    """Time over size, and time per element: work, family of cases and threads have a plot each."""
    parts = []
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["work"], _family(row["case"]), row["threads"]), []).append(row)
    for (work, family, threads), group in groups.items():
        if len({row["size"] for row in group}) < 2:
            continue
        lines = _lines(group, colours)
        each = [
            plots.Line(
                line.name, [(n, ms / n) for n, ms in line.points if ms > 0], line.css, line.ours
            )
            for line in lines
        ]
        title = tables.title(work) + ("" if family == RANDOM else f", {family}")
        unit = WORKS[work].unit
        one = {"domain": "row of the domain"}.get(unit, unit.removesuffix("s"))
        parts.append(
            f"<h3>{escape(title)}</h3>"
            f"<p class='aside'><code>{escape(work)}</code>, {_threads(threads)}</p>"
            + '<div class="only-narrow">'
            + _legend((line.name, f"k-{line.css}") for line in lines)
            + '</div><div class="pair"><figure><figcaption>time</figcaption>'
            + plots.times(lines, f"Time of {work} over size, logarithmic", unit)
            + f"</figure><figure><figcaption>time for each {escape(one)}</figcaption>"
            + plots.times(each, f"Time of {work} for each {one}, logarithmic", unit)
            + "</figure></div>"
        )
    if not parts:
        return ""
    return (
        "<p>All axes are logarithmic. Left the time, right the time for each element: flat where "
        "the cost of an element does not depend on how many there are. Ours are solid with discs, "
        "peers dashed with diamonds.</p>" + "".join(parts)
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
    """Phases of proofs, one bar for each series and backend; in one thread they do not overlap."""
    stacks: dict[str, list[plots.Stack]] = {}
    names: list[str] = []
    seen = set()
    for row in rows:
        key = (*results.key(row), row["series"], row["ours_ms"])
        parts = [(name, row["phases"][name]) for name in PHASES if name in row["phases"]]
        if not sum(value for _, value in parts) or key in seen or row["threads"] != 1:
            continue
        seen.add(key)
        names += [name for name, _ in parts]
        stacks.setdefault(tables.title(row["work"]), []).append(
            plots.Stack(f"{_item(row)} · {row['backend']}", parts)
        )
    if not stacks:
        return ""
    order = [name for name in PHASES if name in names]
    legend = _legend((PHASES[name], f"k-p{index % 9}") for index, name in enumerate(order))
    drawn = "".join(
        f"<h3>{escape(title)}</h3>{plots.phases(found, order, f'Phases: {title}')}"
        for title, found in stacks.items()
    )
    return (
        "<p>Shares of the phases in one thread, by their medians, and their sum; what is between "
        f"them (a few additions of points) is not drawn.</p>{legend}{drawn}"
    )


def _strips(files: Sequence[Data], colours: Mapping[str, str]) -> str:
    parts: list[str] = []
    left = 0
    for data in files:
        for series in data["series"]:
            if not series["samples"]:
                continue
            if len(parts) >= _MOST_STRIPS:
                left += 1
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
            drawn = plots.runs(strips, f"Every warm run of {series['work']}")
            title = f"{what(series)}, {_threads(series['threads'])}"
            parts.append(f"<figure><figcaption>{escape(title)}</figcaption>{drawn}</figure>")
    if not parts:
        return ""
    rest = f"<p>{left} more series are in the files.</p>" if left else ""
    return (
        "<details><summary>Raw samples, in the order in which they were taken</summary>"
        f'<div class="pair">{"".join(parts)}</div>{rest}</details>'
    )


# --- parts ----------------------------------------------------------------------------------------


def _colours(rows: Sequence[Row]) -> dict[str, str]:
    """One colour for each program on the whole page, ours first."""
    ours = dict.fromkeys(results.ours_name(row) for row in rows)
    peers = dict.fromkeys(row["peer"] for row in rows if row["peer"] is not None)
    return {name: f"s{index % 8}" for index, name in enumerate([*ours, *peers])}


def _family(case: str) -> str:
    """Cases that differ in size alone are one line."""
    return _CHAINS if CHAIN.fullmatch(case) else case


def _heading(row: Row) -> str:
    threads = "" if row["threads"] == 1 else f", {row['threads']} threads"
    return tables.title(row["work"]) + threads


def _item(row: Row) -> str:
    """A row under the heading of its work: case and size, where they say something."""
    work = WORKS[row["work"]]
    size = plots.shown_size(row["size"])
    if row["work"] in ("fp_mul", "fr_mul"):
        return "side by side" if row["case"] == "lanes" else "one by one"
    if row["case"] == RANDOM:
        return size
    fixed = row["size"] == 1 or (CHAIN.fullmatch(row["case"]) and not work.sizes)
    return row["case"] if fixed else f"{row['case']} · {size}"


def _shown(name: str) -> str:
    return name.replace("/", " ")


def _clearly_ahead(row: Row) -> bool:
    interval = Interval(row["ratio"], row["ratio_low"], row["ratio_high"])
    return verdict(interval) == "faster"


def _legend(items: Iterable[tuple[str, str]]) -> str:
    keys = "".join(
        f'<span><span class="key {css}"></span>{escape(name)}</span>' for name, css in items
    )
    return f'<p class="legend">{keys}</p>'


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"
