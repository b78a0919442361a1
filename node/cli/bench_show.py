"""What the commands of `chiaro bench` show to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from node.cli import output
from zk.bench.works import size_text

if TYPE_CHECKING:
    from rich.console import Console

    from zk.bench.compare import Checked, Comparison
    from zk.bench.stats import Interval


def what(row: Mapping[str, Any]) -> str:
    """Work, case and size of a row."""
    case = "" if row["case"] == "random" else f" {row['case']}"
    return f"{row['work']}{case} {size_text(row['size'])}"


def milliseconds(value: float | None) -> str:
    """Three digits that mean something."""
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


_WIDE: Final = 110
_HEADINGS: Final = (
    "", "work", "threads", "backend", "ms", "[95 %]", "cold", "MB", "peer", "ms", "ratio",
)  # fmt: skip
_SPARED: Final = (2, 5, 6, 7)
"""Columns that a narrow terminal does without; the file has them all."""


def rows(out: Console, found: Sequence[Mapping[str, Any]]) -> None:
    """The table of a run."""
    spared = _SPARED if out.width < _WIDE else ()
    kept = [column for column in range(len(_HEADINGS)) if column not in spared]
    body = [_row(row) for row in found]
    output.table(
        out,
        [_HEADINGS[column] for column in kept],
        [[row[column] for column in kept] for row in body],
    )
    phased = {(row["series"], row["backend"]): row for row in found if row["phases"]}
    for row in phased.values():
        parts = ", ".join(f"{k} {milliseconds(v)}" for k, v in row["phases"].items())
        threads = "" if row["threads"] == 1 else f", {row['threads']} threads"
        out.print(f"{what(row)}{threads}, {row['backend']}: {parts}", markup=False)


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    ratio = ""
    if row["ratio"] is not None:
        ratio = f"{row['ratio']:.2f}× [{row['ratio_low']:.2f}–{row['ratio_high']:.2f}]"
    elif row["error"]:
        ratio = "other answer" if row["disagrees"] else "not measured"
    return (
        "~" if row["noisy"] else "",
        what(row),
        str(row["threads"]),
        row["backend"],
        milliseconds(row["ours_ms"]),
        f"{milliseconds(row['ours_low'])}–{milliseconds(row['ours_high'])}",
        milliseconds(row["ours_cold_ms"]),
        milliseconds(row["ours_peak_mb"]),
        row["peer"] or "",
        milliseconds(row["peer_ms"]),
        ratio,
    )


def listing(out: Console, data: Mapping[str, Any]) -> None:
    """`chiaro bench list`."""
    output.table(
        out,
        ("work", "what", "sizes", "cases"),
        [
            (
                work["name"],
                work["title"],
                f"{', '.join(work['sizes']) or 'of the circuit'} {work['unit']}",
                ", ".join(work["cases"]),
            )
            for work in data["works"]
        ],
    )
    out.print()
    out.print(f"backends  {', '.join(data['backends'])}", markup=False)
    for peer in data["peers"]:
        state = "installed" if peer["installed"] else f"not here: {peer['install']}"
        out.print(f"peer      {peer['name']:<11} {peer['about']} ({state})", markup=False)


def environment(out: Console, data: Mapping[str, Any]) -> None:
    """`chiaro bench env`."""
    found = data["machine"]
    commit = data["commit"]
    lines = (
        ("machine", f"{found['id']}  {found['processor']} ({found['family']})"),
        ("features", ", ".join(found["features"])),
        ("processors", f"{found['cores']}, {', '.join(found['caches'])}"),
        ("governor", found["governor"] or "not readable"),
        ("guest", "yes" if found["hypervisor"] else "no"),
        ("memory", f"{found['memory_mb']:,} MB"),
        ("system", f"{found['system']}, Python {found['python']}"),
        ("libraries", ", ".join(f"{k} {v}" for k, v in found["libraries"].items() if v)),
        ("commit", f"{commit['id'] or 'none'}{' with changes' if commit['dirty'] else ''}"),
        ("load", " ".join(f"{value:.2f}" for value in data["load"])),
        ("backends", ", ".join(data["backends"])),
    )
    for name, value in lines:
        out.print(f"{name:<11} {value}", markup=False)


def comparison_data(found: Comparison) -> dict[str, Any]:
    """`chiaro bench compare`, for programs."""
    return {
        "same_machine": found.same_machine,
        "rows": [
            {
                "work": change.work,
                "case": change.case,
                "size": change.size,
                "threads": change.threads,
                "backend": change.backend,
                "before_ms": change.before_ms,
                "after_ms": change.after_ms,
                "ratio": change.ratio.value,
                "ratio_low": change.ratio.low,
                "ratio_high": change.ratio.high,
                "verdict": change.verdict,
                "noisy": change.noisy,
            }
            for change in found.changes
        ],
        "only_before": list(found.only_before),
        "only_after": list(found.only_after),
    }


def comparison(out: Console, found: Comparison) -> None:
    """`chiaro bench compare`."""
    output.table(
        out,
        ("", "work", "threads", "backend", "before", "after", "before / after", "verdict"),
        [
            (
                "~" if change.noisy else "",
                what({"work": change.work, "case": change.case, "size": change.size}),
                str(change.threads),
                change.backend,
                milliseconds(change.before_ms),
                milliseconds(change.after_ms),
                _interval(change.ratio),
                change.verdict,
            )
            for change in found.changes
        ],
    )
    for title, labels in (("only before", found.only_before), ("only after", found.only_after)):
        for each in labels:
            out.print(f"{title}: {each}", markup=False)


def checked_data(found: Checked) -> dict[str, Any]:
    """One row of `chiaro bench check`, for programs."""
    row = found.row
    return {
        **{name: row[name] for name in ("work", "case", "size", "threads", "backend", "peer")},
        "figure": found.figure,
        "recorded": [found.recorded.value, found.recorded.low, found.recorded.high],
        "found": [found.found.value, found.found.low, found.found.high],
        "within": found.within,
        "same_inputs": found.same_inputs,
        "same_output": found.same_output,
        "noisy": bool(found.again["noisy"]),
        "ok": found.ok,
    }


def checks(out: Console, found: Sequence[Checked]) -> None:
    """`chiaro bench check`."""
    for each in found:
        mark, style = ("✓", "green") if each.ok else ("✗", "bold red")
        row = each.row
        beside = f" / {row['peer']}" if each.figure == "ratio" else ""
        state = "within" if each.within else "outside"
        if not each.same_inputs:
            state = "other inputs"
        elif not each.same_output:
            state = "another answer"
        noisy = " (noisy)" if each.again["noisy"] else ""
        unit = "×" if each.figure == "ratio" else " ms"
        out.print(f" {mark} ", style=style, end="")
        out.print(
            f"{what(row)}, {row['threads']} thread(s), {row['backend']}{beside}: recorded "
            f"{_interval(each.recorded)}{unit}, now {_interval(each.found)}{unit}: {state}{noisy}",
            markup=False,
        )


def _interval(value: Interval) -> str:
    low, middle, high = (milliseconds(v) for v in (value.low, value.value, value.high))
    return f"{middle} [{low}–{high}]"
