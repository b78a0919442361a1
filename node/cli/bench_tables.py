"""The tables of a benchmark report: every figure, and how they came about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from node.cli.bench_plots import shown_size, time_text
from zk.bench.works import CHAIN, RANDOM, WORKS

Row = Mapping[str, Any]
Data = Mapping[str, Any]

_HEADINGS: Final = (
    "", "case", "size", "threads", "backend", "ours", "95 %", "peer", "peer’s", "peer / ours",
    "95 %", "answers", "cold", "CPU", "per element", "MB", "+ MB",
)  # fmt: skip
_NUMERIC: Final = {2, 3, 5, 6, 8, 9, 10, 12, 13, 14, 15, 16}
_ORDER: Final = (
    "prove", "transfer", "msm_g1", "msm_g2", "ntt", "verify", "verify_batch", "witness",
)  # fmt: skip


def ordered(rows: Iterable[Row]) -> list[Row]:
    """What people look for first, then as in `chiaro bench list`; within a work, by size."""
    places = {name: place for place, name in enumerate(dict.fromkeys((*_ORDER, *WORKS)))}

    def place(row: Row) -> tuple[int, int, int, int]:
        cases = WORKS[row["work"]].cases
        chain = bool(CHAIN.fullmatch(row["case"]))
        case = "p13" if chain else row["case"]  # chains are told apart by their size
        rank = cases.index(case) if case in cases else len(cases)
        return places[row["work"]], row["threads"], rank, row["size"]

    return sorted(rows, key=place)


def title(work: str) -> str:
    """Of a work, as a heading."""
    text = WORKS[work].title
    return text[0].upper() + text[1:]


def figures(rows: Sequence[Row]) -> str:
    """One table for each work."""
    works: dict[str, list[Row]] = {}
    for row in rows:
        works.setdefault(row["work"], []).append(row)
    parts = []
    for work, group in works.items():
        heading = f"{title(work)}, over {WORKS[work].unit}"
        parts.append(f"<h3>{escape(heading)}</h3>{_table([_cells(row) for row in group])}")
    return (
        "<p>Medians of warm rounds by each program’s own clock, around the work alone; "
        "<i>cold</i> is the first run of a fresh process, <i>MB</i> its largest resident memory, "
        "<i>+ MB</i> how much of that came after the interpreter and its libraries were loaded, "
        "<i>~</i> a noisy series.</p>" + "".join(parts)
    )


def _table(body: Sequence[Sequence[str]]) -> str:
    """Columns in which nothing stands are left out."""
    shown = [i for i in range(len(_HEADINGS)) if any(cells[i] for cells in body)]

    def cell(tag: str, column: int, content: str) -> str:
        css = ' class="number"' if column in _NUMERIC else ""
        return f"<{tag}{css}>{escape(content)}</{tag}>"

    head = "".join(cell("th", i, _HEADINGS[i]) for i in shown)
    lines = "".join(
        "<tr>" + "".join(cell("td", i, cells[i]) for i in shown) + "</tr>" for cells in body
    )
    return (
        f'<div class="table"><table class="plain"><thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _cells(row: Row) -> tuple[str, ...]:
    peak, base = row.get("ours_peak_mb"), row.get("ours_base_mb")
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}×"
    span = "" if row["ratio"] is None else f"{row['ratio_low']:.2f}–{row['ratio_high']:.2f}"
    return (
        "~" if row["noisy"] else "",
        "" if row["case"] == RANDOM else row["case"],
        shown_size(row["size"]),
        str(row["threads"]),
        row["backend"],
        time_text(row["ours_ms"]),
        _span(row["ours_low"], row["ours_high"]),
        row["peer"] or "",
        time_text(row["peer_ms"]) or row["error"],
        ratio,
        span,
        row.get("agreement") or "",
        time_text(row.get("ours_cold_ms")),
        time_text(row.get("ours_cpu_ms")),
        time_text(row["ours_ms"] / max(row["size"], 1)),
        "" if peak is None else f"{peak:.0f}",
        "" if peak is None or not isinstance(base, int | float) else f"{max(peak - base, 0):.0f}",
    )


def _span(low: float, high: float) -> str:
    """Two times, with one unit where it is the same."""
    first, last = time_text(low), time_text(high)
    if first.rpartition(" ")[2] == last.rpartition(" ")[2]:
        first = first.rpartition(" ")[0]
    return f"{first} – {last}"


def method(files: Sequence[Data], names: Sequence[str]) -> str:
    """Machines and programs once, then what differs from file to file."""
    common: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for data, name in zip(files, names, strict=True):
        common.setdefault(_machine(data), []).append(name)
    parts = []
    for values, of in common.items():
        heading = "" if len(common) == 1 else f"<h3>{escape(', '.join(of))}</h3>"
        parts.append(heading + _list(values))
    each = "".join(
        f"<h3>{escape(name)}</h3>{_list(_run(data))}"
        for data, name in zip(files, names, strict=True)
    )
    if len(files) > 1:
        each = f"<details><summary>Each file: command, time, load</summary>{each}</details>"
    return "".join(parts) + each


def _machine(data: Data) -> tuple[tuple[str, str], ...]:
    found = data["machine"]
    libraries = ", ".join(f"{k} {v}" for k, v in found["libraries"].items() if v)
    return (
        ("machine", f"{found['id']}: {found['processor']} ({found['family']})"),
        ("features", ", ".join(found["features"])),
        ("processors", f"{found['cores']}; {', '.join(found['caches'])}"),
        ("governor", found["governor"] or "not readable"),
        ("guest", "yes" if found["hypervisor"] else "no"),
        ("memory", f"{found['memory_mb']:,} MB"),
        ("system", f"{found['system']}; Python {found['python']}"),
        ("libraries", libraries),
        ("inputs from", data["seed"]),
        ("criterion", data["criterion"]),
    )


def _run(data: Data) -> tuple[tuple[str, str], ...]:
    peers = {
        side["name"]: side["version"]
        for series in data["series"]
        for side in series["sides"]
        if not side["backend"]
    }
    noise = [series["noise"] for series in data["series"]]
    return (
        ("command", " ".join(data["command"])),
        ("started", data["series"][0]["started"] if data["series"] else ""),
        ("commit", commit(data)),
        ("peers", "; ".join(f"{k}: {v}" for k, v in peers.items()) or "none"),
        ("load before", _range(n["load_before"][0] for n in noise if n["load_before"])),
        ("taken by the host", _range((n["steal_share"] for n in noise), percent=True)),
        ("used by others", _range((n["others_share"] for n in noise), percent=True)),
    )


def _list(values: Iterable[tuple[str, str]]) -> str:
    listed = "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in values)
    return f"<dl class='values'>{listed}</dl>"


def commit(data: Data) -> str:
    """Short id of the code that was measured."""
    found = data["commit"]
    return (found["id"][:12] or "none") + (" with changes" if found.get("dirty") else "")


def _range(values: Iterable[float], *, percent: bool = False) -> str:
    found = list(values)
    if not found:
        return "unknown"
    low, high = min(found), max(found)
    return f"{low:.1%} – {high:.1%}" if percent else f"{low:.2f} – {high:.2f}"
