"""Proofs in the JSON of privacy-ethereum/csp-benchmarks (utils/src/bench.rs, `Metrics`).

The file is a list of objects with exactly their fields: `name feat target input_size
proof_duration verify_duration proof_size preprocessing_size num_constraints peak_memory
uses_precompile proving_system field_curve iop arithm is_zk is_zkvm security_bits is_pq
is_maintained is_audited`. Durations are nanoseconds (medians of warm wall times), sizes bytes.
`cycles`, `pcs` and `isa` have no meaning for Groth16 and are left out, as there.

`proof_duration` holds the witness, as theirs does, where there is a row of `witness` of the same
circuit, backend and threads; a sentence says where there is none. A row of `prove` is exported with
the row of `verify` of the same circuit, backend and threads, and left out without one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from zk.bench.compare import label

FORMAT: Final = "csp-benchmarks"
_NAME: Final = "chiaroscuro"
_PROPERTIES: Final[dict[str, Any]] = {
    "proving_system": "Groth16",
    "field_curve": "Bn254",
    "iop": "Groth16",
    "arithm": "R1CS",
    "is_zk": True,
    "is_zkvm": False,
    "security_bits": 100,
    "is_pq": False,
    "is_maintained": True,
    "is_audited": "not_audited",
}


def csp_metrics(*files: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The measurements of result files taken together, and sentences on what was left out.

    Args:
        files: data of result files.
    """
    proofs: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    checks: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    witnesses: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in (row for data in files for row in data["rows"]):
        key = (row["case"], row["details"].get("zkey_bytes"), row["threads"], row["backend"])
        if row["work"] == "prove":
            proofs.setdefault(key, row)
        elif row["work"] == "verify":
            checks.setdefault(key, row)
        elif row["work"] == "witness":
            witnesses.setdefault(key, row)
    found, skipped = [], []
    for key, row in proofs.items():
        if key not in checks:
            skipped.append(f"{label(row)}: no verify beside it, so it was left out")
            continue
        witness = witnesses.get(key)
        if witness is None:
            skipped.append(f"{label(row)}: no witness beside it, so its time is without it")
        found.append(_metrics(row, checks[key], witness))
    return found, skipped


def _metrics(
    proof: Mapping[str, Any], check: Mapping[str, Any], witness: Mapping[str, Any] | None
) -> dict[str, Any]:
    details = proof["details"]
    duration = proof["ours_ms"] + (0.0 if witness is None else witness["ours_ms"])
    return {
        "name": _NAME,
        "feat": f"{proof['backend']}_{proof['threads']}t",
        "target": details.get("target") or proof["case"],
        "input_size": int(details.get("input_size") or 0),
        "proof_duration": round(duration * 1e6),
        "verify_duration": round(check["ours_ms"] * 1e6),
        "proof_size": int(details["proof_bytes"]),
        "preprocessing_size": int(details["zkey_bytes"]),
        "num_constraints": int(details["constraints"]),
        "peak_memory": round((proof["ours_peak_mb"] or 0) * 1e6),
        "uses_precompile": False,
        **_PROPERTIES,
    }


def dump(metrics: list[dict[str, Any]]) -> bytes:
    """As their collector writes it."""
    return json.dumps(metrics, indent=2).encode() + b"\n"
