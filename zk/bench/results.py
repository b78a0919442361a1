"""The result file, schema chiaro-bench/2: one JSON document with everything that was seen.

    {"schema": "chiaro-bench/2",
     "data": {"machine", "commit", "command", "seed", "criterion", "series": […], "rows": […]}}

A series holds the raw samples in the order in which they happened; rows are what people read: one
for each backend of this prover and each peer, with `ratio` = peer / ours.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from zk import files, jsontext
from zk.bench import host, stats
from zk.bench.errors import ResultsMalformed
from zk.bench.harness import CRITERION, MIN_ROUNDS, Series, Side
from zk.bench.works import WORKS

SCHEMA: Final = "chiaro-bench/2"
_ENVELOPE: Final = "chiaro.bench.run/1"
_MAX_BYTES: Final = 64 << 20
_NUMBERS: Final = ("ours_ms", "ours_low", "ours_high")
_OPTIONAL: Final = ("peer_ms", "ratio", "ratio_low", "ratio_high")

Row = dict[str, Any]
Data = dict[str, Any]


def document(series: Sequence[Series], *, command: Sequence[str], seed: str) -> Data:
    """The `data` of a result file.

    Args:
        series: as measured.
        command: what was typed.
        seed: of the inputs.
    """
    rows = [row for index, each in enumerate(series) for row in rows_of(each, index)]
    return {
        "format": SCHEMA,
        "machine": host.to_json(host.machine()),
        "commit": asdict(host.commit()),
        "command": list(command),
        "seed": seed,
        "criterion": CRITERION,
        "series": [_series(each) for each in series],
        "rows": rows,
    }


def rows_of(series: Series, index: int) -> list[Row]:
    """The rows of a series: each backend beside each peer, or alone."""
    ours = [side for side in series.sides if side.ours]
    peers = [side for side in series.sides if not side.ours]
    return [
        _row(series, index, side, peer)
        for side in ours
        for peer in (peers or [None])  # type: ignore[list-item]
    ]


def _row(series: Series, index: int, ours: Side, peer: Side | None) -> Row:
    walls = series.walls(ours.name)
    middle = stats.median(walls)
    few = len(walls) < MIN_ROUNDS
    noise = [
        *series.noise.reasons,
        *([f"{len(walls)} rounds are under {MIN_ROUNDS}"] if few else []),
    ]
    row: Row = {
        "work": series.work,
        "case": series.case,
        "size": series.size,
        "unit": WORKS[series.work].unit,
        "threads": series.threads,
        "backend": ours.backend,
        "ours_ms": middle.value,
        "peer": None if peer is None else peer.name,
        "peer_ms": None,
        "ratio": None,
        "ratio_low": None,
        "ratio_high": None,
        "ours_low": middle.low,
        "ours_high": middle.high,
        "ours_best_ms": min(walls),
        "ours_cpu_ms": _middle(series.cpus_of(ours.name)),
        "ours_cold_ms": ours.cold_ms,
        "ours_start_ms": ours.start_ms,
        "ours_prepare_ms": ours.prepare_ms,
        "ours_peak_mb": ours.peak_mb,
        "ours_base_mb": ours.base_mb,
        "phases": {name: statistics.median(times) for name, times in ours.phases.items()},
        "rounds": len(walls),
        "agreement": ours.agreement,
        "noisy": bool(noise),
        "noise": noise,
        "error": "",
        "disagrees": False,
        "series": index,
        "inputs_sha256": series.inputs.sha256,
        "output": ours.output,
        "details": dict(series.inputs.details),
    }
    if peer is not None:
        row |= _peer(series, walls, peer)
    return row


def _peer(series: Series, walls: Sequence[float], peer: Side) -> Row:
    if peer.error:
        return {"error": peer.error, "disagrees": peer.differs, "agreement": ""}
    theirs = series.walls(peer.name)
    ratio = stats.paired_ratio(theirs, walls)
    return {
        "peer_version": peer.version,
        "peer_ms": statistics.median(theirs),
        "ratio": ratio.value,
        "ratio_low": ratio.low,
        "ratio_high": ratio.high,
        "peer_best_ms": min(theirs),
        "peer_cpu_ms": _middle(series.cpus_of(peer.name)),
        "peer_cold_ms": peer.cold_ms,
        "peer_start_ms": peer.start_ms,
        "peer_prepare_ms": peer.prepare_ms,
        "peer_peak_mb": peer.peak_mb,
        "peer_phases": {name: statistics.median(times) for name, times in peer.phases.items()},
        "agreement": peer.agreement,
    }


def _middle(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _series(series: Series) -> dict[str, Any]:
    return {
        "work": series.work,
        "case": series.case,
        "size": series.size,
        "threads": series.threads,
        "cpus": list(series.cpus),
        "started": series.started,
        "inputs": {
            name: Path(value).name if isinstance(value, str) and value.startswith("/") else value
            for name, value in series.inputs.values.items()
        },
        "inputs_sha256": series.inputs.sha256,
        "expected_by": series.inputs.expected_by,
        "details": dict(series.inputs.details),
        "sides": [asdict(side) for side in series.sides],
        "samples": [asdict(sample) for sample in series.samples],
        "noise": asdict(series.noise),
    }


# --- reading --------------------------------------------------------------------------------------


def write(data: Data, path: Path) -> None:
    """Write a result file, whole or not at all."""
    text = json.dumps({"schema": SCHEMA, "data": data}, ensure_ascii=False, indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, text.encode() + b"\n")


def read(path: Path) -> Data:
    """The `data` of a result file, or of what `chiaro bench run --json` printed.

    Raises:
        ResultsMalformed: no such file, or not of the schema.
    """
    try:
        content = jsontext.loads(path.read_bytes(), most_bytes=_MAX_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ResultsMalformed(f"not a result file: {reason}", where=str(path)) from None
    if not isinstance(content, dict) or content.get("schema") not in (SCHEMA, _ENVELOPE):
        raise ResultsMalformed(f"not of the schema {SCHEMA}", where=str(path))
    data = content.get("data")
    try:
        _check(data)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ResultsMalformed(
            f"not of the schema {SCHEMA}: {type(error).__name__} {error}", where=str(path)
        ) from None
    assert isinstance(data, dict)  # noqa: S101 — checked above, for the type checker
    return data


def _check(data: Any) -> None:
    """The members that readers here rely on."""
    for name in ("machine", "commit"):
        _require(isinstance(data[name], dict), name)
    for key in ("id", "processor"):
        _require(isinstance(data["machine"][key], str), key)
    _require(isinstance(data["commit"]["id"], str), "commit")
    _require(isinstance(data["seed"], str), "seed")
    for series in data["series"]:
        for sample in series["samples"]:
            _require(isinstance(sample["who"], str) and _time(sample["wall_ms"]), "samples")
        for side in series["sides"]:
            _require(isinstance(side["name"], str) and isinstance(side["backend"], str), "sides")
    for row in data["rows"]:
        for key in ("work", "case", "backend", "error", "inputs_sha256", "output"):
            _require(isinstance(row[key], str), key)
        _require(row["peer"] is None or isinstance(row["peer"], str), "peer")
        for key in ("size", "threads", "series", "rounds"):
            _require(isinstance(row[key], int) and row[key] >= 0, key)
        _require(row["series"] < len(data["series"]), "series")
        _require(row["work"] in WORKS, "work")
        _require(all(_time(row[key]) for key in _NUMBERS), "times")
        _require(all(row[key] is None or _time(row[key]) for key in _OPTIONAL), "ratio")
        _require(isinstance(row["phases"], dict) and isinstance(row["details"], dict), "phases")
        _require(all(_time(value) for value in row["phases"].values()), "phases")


def _time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e15


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(what)


def key(row: Mapping[str, Any]) -> tuple[str, str, int, int, str]:
    """What makes two rows measurements of the same thing of ours."""
    return row["work"], row["case"], row["size"], row["threads"], row["backend"]


def walls(data: Mapping[str, Any], row: Mapping[str, Any], who: str) -> list[float]:
    """The raw warm wall times behind a row."""
    samples: Iterable[Mapping[str, Any]] = data["series"][row["series"]]["samples"]
    return [float(sample["wall_ms"]) for sample in samples if sample["who"] == who]


def ours_name(row: Mapping[str, Any]) -> str:
    """The name under which a row's own samples stand in its series."""
    return f"chiaro/{row['backend']}"
