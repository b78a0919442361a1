"""The result file, schema chiaro-bench/2: one JSON document with everything that was seen.

    {"schema": "chiaro-bench/2",
     "data": {"machine", "commit", "command", "seed", "criterion", "series": […], "rows": […]}}

A series holds the raw samples in the order in which they happened; rows are what people read: one
for each backend of this prover and each peer, with `ratio` = peer / ours.
"""

from __future__ import annotations

import json
import re
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
_TIMES: Final = ("ours_ms", "ours_low", "ours_high")
_BESIDE: Final = ("peer_ms", "ratio", "ratio_low", "ratio_high")
_EXTRAS: Final = ("ours_cpu_ms", "ours_cold_ms", "ours_peak_mb")
_WORDS: Final = (
    "work", "case", "unit", "backend", "error", "agreement", "inputs_sha256", "output",
)  # fmt: skip
_MACHINE: Final = ("id", "processor", "family", "governor", "system", "python")

_FOLDERS: Final = re.compile(r"""(?<![^\s='"])/(?:[^\s/='"]+/)*""")
"""An absolute path up to its last part, wherever one starts in a word."""

Row = dict[str, Any]
Data = dict[str, Any]


def document(series: Sequence[Series], *, command: Sequence[str], seed: str) -> Data:
    """The `data` of a result file.

    Args:
        series: as measured.
        command: what was typed; recorded `without_folders`.
        seed: of the inputs.
    """
    rows = [row for index, each in enumerate(series) for row in rows_of(each, index)]
    return {
        "format": SCHEMA,
        "machine": host.to_json(host.machine()),
        "commit": asdict(host.commit()),
        "command": without_folders(command),
        "seed": seed,
        "criterion": CRITERION,
        "series": [_series(each) for each in series],
        "rows": rows,
    }


def without_folders(command: Sequence[str]) -> list[str]:
    """A command with file names only: result files are handed on, and folders tell of people."""
    return [_FOLDERS.sub("", word) for word in command]


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
    _check_host(data["machine"], data["commit"])
    _texts(data["command"], "command")
    _require(isinstance(data["seed"], str) and isinstance(data["criterion"], str), "seed")
    for series in data["series"]:
        _check_series(series)
    for row in data["rows"]:
        _check_row(row)
        _require(row["series"] < len(data["series"]), "series")
        who = ours_name(row)
        samples = data["series"][row["series"]]["samples"]
        _require(any(sample["who"] == who for sample in samples), "samples of a row")


def _check_host(machine: Any, commit: Any) -> None:
    _require(all(isinstance(machine[name], str) for name in _MACHINE), "machine")
    _texts(machine["features"], "features")
    _texts(machine["caches"], "caches")
    _texts(machine["libraries"].values(), "libraries")
    _require(_count(machine["cores"]) and _count(machine["memory_mb"]), "machine")
    _require(isinstance(machine["hypervisor"], bool), "hypervisor")
    _require(isinstance(commit["id"], str) and isinstance(commit["dirty"], bool), "commit")


def _check_series(series: Any) -> None:
    _require(all(isinstance(series[key], str) for key in ("work", "case", "started")), "series")
    _require(_count(series["size"]) and _count(series["threads"]), "series")
    _texts(series["cpus"], "cpus", int)
    for sample in series["samples"]:
        _require(isinstance(sample["who"], str) and _time(sample["wall_ms"]), "samples")
    for side in series["sides"]:
        for key in ("name", "backend", "version", "error"):
            _require(isinstance(side[key], str), "sides")
    noise = series["noise"]
    _require(_number(noise["steal_share"]) and _number(noise["others_share"]), "noise")
    _require(all(_number(value) for value in noise["load_before"]), "noise")


def _check_row(row: Any) -> None:
    _require(all(isinstance(row[key], str) for key in _WORDS), "words of a row")
    _require(row["work"] in WORKS, "work")
    _require(row["peer"] is None or isinstance(row["peer"], str), "peer")
    _require(isinstance(row.get("peer_version", ""), str), "peer_version")
    _require(all(_count(row[key]) for key in ("size", "threads", "series", "rounds")), "counts")
    _require(row["size"] >= 1 and row["rounds"] >= 1, "counts")
    _require(isinstance(row["noisy"], bool) and isinstance(row["disagrees"], bool), "marks")
    _require(all(_time(row[key]) for key in _TIMES), "times")
    _require(all(row[key] is None or _time(row[key]) for key in _BESIDE), "figures")
    _require(all(row[key] is None or _number(row[key]) for key in _EXTRAS), "figures")
    whole = [row[key] is None for key in _BESIDE]
    _require(all(whole) or (not any(whole) and row["peer"] is not None), "ratio")
    _texts(row["phases"], "phases")
    _require(all(_number(value) for value in row["phases"].values()), "phases")
    details = row["details"]
    _require(isinstance(details, dict), "details")
    for name in ("input_size", "constraints", "zkey_bytes", "proof_bytes"):
        _require(_count(details.get(name, 0)), "details")
    _require(isinstance(details.get("target", ""), str), "details")
    if row["work"] == "prove":
        _require({"constraints", "zkey_bytes", "proof_bytes"} <= set(details), "details")


def _texts(values: Iterable[Any], what: str, kind: type = str) -> None:
    """A list or table of texts; a lone text is neither."""
    _require(not isinstance(values, str | int), what)
    _require(all(isinstance(value, kind) for value in values), what)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12


def _time(value: Any) -> bool:
    """Times and sizes end up on logarithmic scales."""
    return _number(value) and value >= 1e-9


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
