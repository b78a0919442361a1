"""Makes results.json of this folder: what a member of a committee computes, for each value.

    nice .venv/bin/python docs/private/measure.py [--values 4096]

One thread, one process, no network. A time is the processor's, the least of some repetitions, since
others may work on the machine meanwhile. `prototype` are the figures of the prototype from which
the committee was designed, in which a step is a list of GMP integers.

A triple is what one member spends on it before anything goes wrong: shares of a, b and r, one of
zero, a·b + r + z, and the check of what all members sent (degree 2t).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from private_exec.mpc import decode, prss, vectors
from private_exec.mpc.labels import (
    CellId,
    Draw,
    GateLabel,
    MaskLabel,
    Part,
    SessionId,
    Zero,
    ZeroLabel,
)
from private_exec.mpc.roots import roots
from private_exec.mpc.shamir import SIZES, Size
from private_exec.mpc.testing import keys_of_all, seeded, shared
from zk import backends
from zk.bench import host
from zk.bench.least import least
from zk.field.arrays import U64Array

HERE = Path(__file__).resolve().parent
SESSION = SessionId(bytes(32))
STEPS = {
    "label": "a member begins to draw for a gate, and one value (a vector shares this)",
    "mask": "its share of one cell's mask, or blinding, of many",
    "share": "its share of a random value",
    "zero": "its share of a zero of degree 2t",
    "product": "a·b + r + z",
    "check": "shares of degree 2t of all members are one polynomial's",
    "triple": "all of the above that a triple takes",
    "open": "shares of degree t of all members → the value",
    "corrected": "the same, t of them wrong",
    "root": "a square root",
}
PROTOTYPE = {4: {"triple": 17.5}, 7: {"triple": 58.9}, 10: {"triple": 365.0}}
"""Microseconds (design of the committee)."""


def measured(n: int, count: int, repeat: int) -> dict[str, Any]:
    """Microseconds for a value, of one committee."""
    size = Size.of(n)
    held = keys_of_all(size, b"measured")
    draw = [GateLabel(SESSION, 0, what) for what in (Draw.LEFT, Draw.RIGHT, Draw.OUTPUT)]
    zero = ZeroLabel(SESSION, 0, Zero.TRIPLE)
    a, b, r = (prss.shares(held[0], label, count) for label in draw)
    z = prss.zeros(held[0], zero, count)

    def product(x: tuple[U64Array, ...]) -> U64Array:
        return vectors.add(vectors.add(vectors.mul(x[0], x[1]), x[2]), x[3])

    def sent(member: int) -> U64Array:
        keys = held[member - 1]
        drawn = (prss.shares(keys, label, count) for label in draw)
        return product((*drawn, prss.zeros(keys, zero, count)))

    triples = {i: sent(i) for i in size.members}
    opened = shared(vectors.ints(seeded(n)(count)), size, size.t, n + 1)
    wrong = opened | {i: vectors.add(opened[i], 1) for i in range(1, size.t + 1)}
    squares = vectors.mul(a, a)
    calls: dict[str, Callable[[], object]] = {
        "share": lambda: prss.shares(held[0], draw[0], count),
        "zero": lambda: prss.zeros(held[0], zero, count),
        "product": lambda: product((a, b, r, z)),
        "check": lambda: decode.decode(size, triples, 2 * size.t),
        "open": lambda: decode.decode(size, opened, size.t),
        "corrected": lambda: decode.decode(size, wrong, size.t),
        "root": lambda: roots(squares),
    }
    found = {name: 1e3 * least(call, repeat)[1] / count for name, call in calls.items()}
    found["label"] = 1e3 * least(lambda: prss.shares(held[0], draw[0], 1), 5 * repeat)[1]
    cells = [MaskLabel(CellId(k.to_bytes(32, "little")), Part.VALUE) for k in range(64)]
    found["mask"] = 1e3 * least(lambda: prss.masks(held[0], cells), repeat)[1] / len(cells)
    found["triple"] = 3 * found["share"] + found["zero"] + found["product"] + found["check"]
    steps = {}
    for name in STEPS:
        steps[name] = {"microseconds": round(found[name], 3)}
        if name in PROTOTYPE.get(n, {}):
            steps[name]["prototype_microseconds"] = PROTOTYPE[n][name]
            steps[name]["ratio"] = round(found[name] / PROTOTYPE[n][name], 3)
    return {"members": n, "keys": len(held[0].keys), "values": count, "steps": steps}


def main() -> None:
    """Measure each committee and write the results."""
    parser = argparse.ArgumentParser(description="Measure what members compute.")
    parser.add_argument("--values", type=int, default=4096)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--members", type=int, nargs="*", default=SIZES)
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    options = parser.parse_args()
    load = host.load()[0]
    runs = [measured(n, options.values, options.repeat) for n in options.members]
    results = {
        "schema": "chiaro-private-results/1",
        "machine": host.briefly(),
        "backend": backends.get().name,
        "load": load,
        "steps": STEPS,
        "runs": runs,
    }
    options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(table(runs) + "\n")


def table(runs: list[dict[str, Any]]) -> str:
    """Processor microseconds a value, for a page; in brackets the ratio to the prototype."""
    heads = " | ".join(f"n = {run['members']}" for run in runs)
    lines = [f"| step | what | {heads} |", "|---|---|" + "---|" * len(runs)]
    for name, what in STEPS.items():
        cells = []
        for run in runs:
            step = run["steps"][name]
            ratio = f" ({step['ratio']}×)" if "ratio" in step else ""
            cells.append(f"{step['microseconds']}{ratio}")
        lines.append(f"| {name} | {what} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
