"""Makes results.json of this folder: a chain of 1,000 private transfers, exported and audited.

    .venv/bin/python docs/audit/measure.py

Five minutes, nearly all of them for proofs. The audits are those of the command line, each in a
process of its own; `seconds` is what the report says, `process_seconds` includes starting Python.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import make_chain

from node.testing.ledger import Ledger
from zk.bench import host

HERE = Path(__file__).resolve().parent
ROUNDS = 5


def chiaro(*words: str) -> tuple[int, dict[str, Any], float]:
    """Exit code, data and seconds of a command."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "node.cli", *words, "--json"],
        stdout=subprocess.PIPE,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    )
    document = json.loads(done.stdout)
    return done.returncode, document.get("data") or document, time.perf_counter() - started


def audited(bundle: Path, work: Path, *words: str) -> dict[str, Any]:
    """One audit, as far as it belongs in the file of results."""
    code, data, seconds = chiaro("audit", "verify", str(bundle), "--work", str(work), *words)
    kept = ("valid", "height", "executed", "resumed_from", "blocks", "transactions")
    kept += ("private_transfers", "proofs", "seconds", "milliseconds_per_proof", "culprits")
    return {"exit": code, **{k: data[k] for k in kept}, "process_seconds": round(seconds, 2)}


def main() -> None:
    """Make the chain, export it, audit it several times, audit the false one."""
    parser = argparse.ArgumentParser(description="Measure audits.")
    parser.add_argument("--transfers", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    parser.add_argument("--report", type=Path, help="also write the audit's page here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home, bundle, bad = folder / "home", folder / "chain.tar", folder / "bad.tar"
        started = time.perf_counter()
        with make_chain.stored(home) as store:
            ledger = make_chain.make(Ledger(store=store), options.transfers, 25, 20)
            making = time.perf_counter() - started
            false, place = make_chain.with_a_bad_proof(ledger)
            source = make_chain.FolderSource(false.store, false.genesis, "memory", None)
            make_chain.export(source, bad, make_chain.Registry.load())
        _, exported, export_seconds = chiaro(
            "--home", str(home), "audit", "export", "-o", str(bundle)
        )
        rounds = [audited(bundle, folder / "work", "--fresh") for _ in range(ROUNDS)]
        again = audited(bundle, folder / "work")
        found = audited(bad, folder / "bad-work")
        if options.report is not None:
            audited(bundle, folder / "page", "--report", str(options.report))
    machine = host.to_json(host.machine())
    results = {
        "schema": "chiaro-audit-results/1",
        "machine": {k: machine[k] for k in ("processor", "cores", "memory_mb") if k in machine},
        "load_before": host.load()[0],
        "made": {"seconds": round(making, 1), "bytes": exported["bytes"]},
        "export": {"process_seconds": round(export_seconds, 2)},
        "verify": {
            **rounds[0],
            "seconds": statistics.median(r["seconds"] for r in rounds),
            "all_seconds": [r["seconds"] for r in rounds],
            "milliseconds_per_proof": statistics.median(
                r["milliseconds_per_proof"] for r in rounds
            ),
            "process_seconds": statistics.median(r["process_seconds"] for r in rounds),
        },
        "verify_again": again,
        "verify_with_one_false_proof": {"false": place, **found},
    }
    options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
