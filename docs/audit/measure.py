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


def chiaro(*words: str) -> tuple[int, dict[str, Any], dict[str, float]]:
    """Exit code, data, and the process's time: by the clock, and of processors."""
    started, before = time.perf_counter(), os.times()
    done = subprocess.run(
        [sys.executable, "-m", "node.cli", *words, "--json"],
        stdout=subprocess.PIPE,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    )
    seconds, after = time.perf_counter() - started, os.times()
    processor = sum(after[2:4]) - sum(before[2:4])
    document = json.loads(done.stdout)
    times = {"process_seconds": round(seconds, 2), "processor_seconds": round(processor, 2)}
    return done.returncode, document.get("data") or document, times


def audited(bundle: Path, work: Path, *words: str) -> dict[str, Any]:
    """One audit, as far as it belongs in the file of results."""
    code, data, times = chiaro("audit", "verify", str(bundle), "--work", str(work), *words)
    kept = ("valid", "height", "executed", "resumed_from", "blocks", "transactions")
    kept += ("private_transfers", "proofs", "seconds", "milliseconds_per_proof", "culprits")
    return {"exit": code, **{k: data[k] for k in kept}, **times}


def made(folder: Path, transfers: int) -> dict[str, Any]:
    """The chain's home and the false bundle in a folder, unless they are there."""
    note = folder / "made.json"
    if not note.exists():
        started = time.perf_counter()
        with make_chain.stored(folder / "home") as store:
            ledger = make_chain.make(Ledger(store=store), transfers, 25, 20)
            seconds = round(time.perf_counter() - started, 1)
            false, place = make_chain.with_a_bad_proof(ledger)
            source = make_chain.FolderSource(false.store, false.genesis, "memory", None)
            make_chain.export(source, folder / "bad.tar", make_chain.Registry.load())
        note.write_text(json.dumps({"seconds": seconds, "false": place}))
    found: dict[str, Any] = json.loads(note.read_text())
    return found


def main() -> None:
    """Make the chain, export it, audit it several times, audit the false one."""
    parser = argparse.ArgumentParser(description="Measure audits.")
    parser.add_argument("--transfers", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    parser.add_argument("--folder", type=Path, help="keep the chain here, and use it again")
    parser.add_argument("--report", type=Path, help="also write the audit's page here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        folder.mkdir(exist_ok=True)
        work = Path(name) / "work"
        making = made(folder, options.transfers)
        load = host.load()[0]
        bundle = folder / "chain.tar"
        home = str(folder / "home")
        _, exported, export_times = chiaro("--home", home, "audit", "export", "-o", str(bundle))
        rounds = [audited(bundle, work, "--fresh") for _ in range(ROUNDS)]
        again = audited(bundle, work)
        found = audited(folder / "bad.tar", Path(name) / "bad")
        if options.report is not None:
            audited(bundle, work, "--fresh", "--report", str(options.report))
    names = ("seconds", "milliseconds_per_proof", "process_seconds", "processor_seconds")
    results = {
        "schema": "chiaro-audit-results/1",
        "machine": host.briefly(),
        "load": load,
        "made": {"seconds": making["seconds"], "bytes": exported["bytes"]},
        "export": export_times,
        "verify": {
            **rounds[0],
            **{name: statistics.median(r[name] for r in rounds) for name in names},
            "all_seconds": [r["seconds"] for r in rounds],
        },
        "verify_again": again,
        "verify_with_one_false_proof": {"false": making["false"], **found},
    }
    options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
