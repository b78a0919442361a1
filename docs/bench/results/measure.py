#!/usr/bin/env python3
"""Makes the result files of this folder: one file a work, each written when it is whole.

    .venv/bin/python docs/bench/results/measure.py --prepare    keys, witnesses, points: minutes
    .venv/bin/python docs/bench/results/measure.py              measures: a quarter of an hour
    .venv/bin/python docs/bench/results/measure.py --quick --folder try

A file that is there is kept, so a run that was interrupted goes on where it stopped; remove files
to measure them again. Backends that do not start here, and peers that are not installed, are left
out. The machine should do nothing else meanwhile: rows during which it did are marked noisy.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CHIARO = (sys.executable, "-m", "node.cli")
VECTOR = ("ifma", "fma")
ALL = (*VECTOR, "portable")
MOST_LOAD = 0.5
NATIVE = ("gnark", "arkworks")


@dataclass(frozen=True)
class Measurement:
    """One result file.

    Attributes:
        name: of the file, without its ending.
        words: of `chiaro bench run`.
        backends: wanted; at least one must be here.
        peers: wanted.
    """

    name: str
    words: str
    backends: tuple[str, ...] = ALL
    peers: tuple[str, ...] = ()


MEASUREMENTS = (  # what matters most comes first: a run may be cut short
    Measurement("prove-small", "prove --case p13,s15", ALL, (*NATIVE, "snarkjs")),
    Measurement("prove-large", "prove --case p15,p17", VECTOR, NATIVE),
    Measurement("transfer", "transfer --threads 1,2"),
    Measurement("msm_g1-small", "msm_g1 --sizes 2^10..2^15", ALL, NATIVE),
    Measurement("msm_g1-large", "msm_g1 --sizes 2^16,2^18,2^20", VECTOR, NATIVE),
    Measurement("msm_g2", "msm_g2 --sizes 2^14,2^16", VECTOR, NATIVE),
    Measurement("ntt", "ntt --sizes 2^12..2^20", ALL, NATIVE),
    Measurement("verify", "verify --case action,p13,p15,p17,s15", ALL, NATIVE),
    Measurement("verify_batch", "verify_batch --case action,p13", ALL, NATIVE[:1]),
    Measurement("load_key", "load_key --case action,p13,p17", VECTOR[:1]),
    Measurement("witness", "witness --case action,p13,p17,s15"),
    Measurement("start", "start --case cached --threads 2"),
    Measurement("poseidon", "poseidon --case random,batch"),
    Measurement("scan", "scan", VECTOR[:1]),
    Measurement("products", "fp_mul fr_mul --case random,lanes", ALL, NATIVE),
    Measurement("prove-threads", "prove --case p15,p17 --threads 2", VECTOR[:1], NATIVE),
    Measurement(
        "msm_g1-cases",
        "msm_g1 --sizes 2^16 "
        "--case random,bits,zeros,equal-scalars,equal-points,opposite-points,infinities",
        VECTOR[:1],
    ),
    Measurement("msm_g2-portable", "msm_g2 --sizes 2^12", ALL, NATIVE),
    Measurement("setup", "setup --case p13,p15", VECTOR[:1]),
    Measurement("start-empty", "start --case empty --threads 2", VECTOR[:1]),
    Measurement("prove-scaling", "prove --case p12,p14,p16,p18,p20", VECTOR[:1]),
)


def main() -> int:
    """Measures what is missing, then draws the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--prepare", action="store_true", help="make inputs only")
    parser.add_argument("--quick", action="store_true", help="three rounds, marked as noisy")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, default=HERE)
    parser.add_argument("--only", nargs="*", metavar="NAME", help="these files only")
    options = parser.parse_args()
    here = json.loads(_output("--json", "bench", "list"))["data"]
    backends = here["backends"]
    peers = [peer["name"] for peer in here["peers"] if peer["installed"]]
    options.folder.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    if load > MOST_LOAD and not options.prepare:
        _say(f"== this machine is busy (load {load:.1f}): rows will be marked noisy")
    failed = []
    for each in MEASUREMENTS:
        target = options.folder / f"{each.name}.json"
        if options.only and each.name not in options.only:
            continue
        if target.exists() and not options.prepare:
            continue
        # Where the best kernels cannot run, the best that can take their place.
        chosen = [name for name in each.backends if name in backends] or backends[:1]
        words = ["bench", "run", *each.words.split(), "--backend", ",".join(chosen)]
        compared = [name for name in each.peers if name in peers]
        if compared:
            words += ["--compare", ",".join(compared)]
        words += ["--quick"] if options.quick else ["--rounds", str(options.rounds)]
        part = target.with_suffix(".part")
        words += ["--prepare"] if options.prepare else ["--out", str(part)]
        began = time.monotonic()
        _say(f"== {each.name}: chiaro {' '.join(words)}")
        code = subprocess.run([*CHIARO, *words], cwd=ROOT, check=False).returncode
        _say(f"== {each.name}: {time.monotonic() - began:.0f} s, exit {code}")
        if code:
            failed.append(each.name)
        if part.exists() and not code:
            shutil.move(part, target)
    if options.prepare:
        return 1 if failed else 0
    found = [str(path) for path in sorted(options.folder.glob("*.json"))]
    if found:
        page = str(options.folder / "index.html")
        _say(_output("bench", "report", *found, "-o", page))
    if failed:
        _say(f"not measured: {', '.join(failed)}")
    return 1 if failed else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _output(*words: str) -> str:
    done = subprocess.run(
        [*CHIARO, *words], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
