"""Makes auction.json of this folder: a whole sealed-bid auction, 16 bids of 32 bits, simulated.

    nice .venv/bin/python docs/private/auction.py

All members in one process, one thread, no network: signatures, checks and decoding are in it,
waiting is not. A time is the processor's for everybody, divided by the number of members, the
least of some repetitions. `prototype` are the figures of the prototype from which the committee was
designed: it signed nothing, fixed no broadcast and checked no product by sacrifice.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from private_exec.mpc import prepare, vectors
from private_exec.mpc.arithmetic import Mpc, cost
from private_exec.mpc.machine import Live
from private_exec.mpc.material import Material, Request
from private_exec.mpc.rounds import Rounds
from private_exec.mpc.shamir import Size
from private_exec.mpc.simulate import Committee, Outcome, run, shares_of
from zk import backends
from zk.bench import host
from zk.field.arrays import U64Array

HERE = Path(__file__).resolve().parent
BIDS, BITS = 16, 32
PROTOTYPE = {
    4: {"prepare_ms": 145, "online_ms": 12, "rounds": 57, "prepare_mb": 0.50, "online_mb": 0.37},
    7: {"prepare_ms": 380, "online_ms": 31, "rounds": 57, "prepare_mb": 0.99, "online_mb": 0.74},
    10: {"prepare_ms": 2000, "online_ms": 28, "rounds": 57, "prepare_mb": 1.49, "online_mb": 1.12},
}
"""Megabytes are what one member sends to all others."""


def second_price(mpc: Mpc, bids: U64Array) -> Rounds[U64Array]:
    """The winner's place and the second highest bid, opened; of equal bids the first wins.

    A tournament of records (highest, second, place): where two meet, the greater goes on, and the
    loser's highest may be its second.
    """
    count = len(bids)
    places = vectors.vec(range(count))
    records = np.stack([bids, vectors.zeros(count), places], axis=1)
    first_level = True
    while len(records) > 1:
        pairs = len(records) // 2
        left, right = records[0 : 2 * pairs : 2], records[1 : 2 * pairs : 2]
        columns = [np.ascontiguousarray(side.transpose(1, 0, 2)) for side in (left, right)]
        later = yield from mpc.less(columns[0][0], columns[1][0], BITS)
        best = yield from mpc.select(later, columns[1], columns[0])
        loser = vectors.sub(vectors.add(columns[0][0], columns[1][0]), best[0])
        if first_level:
            second = loser
        else:
            smaller = yield from mpc.less(best[1], loser, BITS)
            second = yield from mpc.select(smaller, loser, best[1])
        merged = np.stack([best[0], second, best[2]], axis=1)
        records = np.concatenate([merged, records[2 * pairs :]])
        first_level = False
    return (yield from mpc.open(records[0, 1:]))


def timed(call: Callable[[], Outcome[Any]], repeat: int) -> tuple[Outcome[Any], float]:
    """The outcome, and milliseconds for everybody."""
    found = []
    outcome = call()
    for _ in range(repeat):
        started = time.process_time_ns()
        outcome = call()
        found.append((time.process_time_ns() - started) / 1e6)
    if outcome.errors:
        raise next(iter(outcome.errors.values()))
    return outcome, min(found)


def measured(n: int, repeat: int) -> dict[str, Any]:
    """One committee."""
    size = Size.of(n)
    members = Committee.of(size, b"measured")
    rng = random.Random(n)
    bids = [rng.randrange(1 << BITS) for _ in range(BIDS)]
    spent = cost(size, lambda mpc: second_price(mpc, vectors.zeros(BIDS)))
    request = Request(spent.triples, spent.bits)
    prepared, before = timed(
        lambda: run(members, lambda context: prepare.prepare_all(context, request)), repeat
    )
    inputs = shares_of(members, bids)

    def online() -> Outcome[U64Array]:
        def member(context: Any) -> Rounds[U64Array]:
            kept = prepared.results[context.member]
            material = Material(kept.triples, kept.bits, kept.certificates)
            return second_price(Mpc(Live(context, material)), inputs[context.member])

        return run(members, member)

    opened, during = timed(online, repeat)
    ranked = sorted(range(BIDS), key=lambda k: -bids[k])
    if vectors.ints(opened.results[1]) != [bids[ranked[1]], ranked[0]]:
        raise AssertionError("the auction came out wrong")
    preparation = prepare.cost(size, request)
    return {
        "members": n,
        "triples": spent.triples,
        "bits": spent.bits,
        "prepare_ms": round(before / n, 1),
        "online_ms": round(during / n, 1),
        "prepare_rounds": preparation.rounds,
        "rounds": spent.rounds,
        "prepare_mb": round(preparation.bytes * (n - 1) / 1e6, 2),
        "online_mb": round(spent.bytes * (n - 1) / 1e6, 2),
        "prototype": PROTOTYPE.get(n),
    }


def main() -> None:
    """Write auction.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    chosen = parser.parse_args()
    found = [measured(n, chosen.repeat) for n in (4, 7, 10, 13)]
    machine = host.to_json(host.machine())
    document = {
        "schema": "chiaro-private-auction/1",
        "machine": {k: machine[k] for k in ("processor", "cores", "memory_mb") if k in machine},
        "backend": backends.get().name,
        "load": host.load()[0],
        "runs": found,
    }
    (HERE / "auction.json").write_text(json.dumps(document, indent=1) + "\n")
    for line in found:
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
