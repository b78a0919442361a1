"""Makes auction.json of this folder: a whole sealed-bid auction, 16 bids of 32 bits, simulated.

    nice .venv/bin/python docs/private/auction.py

All members in one process, one thread, no network: signatures, checks and decoding are in it,
waiting is not. A time is the processor's for everybody, divided by the number of members, the
least of some repetitions. `verified_ms` is `online_ms` where nobody knows who brought a message, so
that every signature is verified before it counts (PV-25); `links_ms` is what sealing and opening
the links' frames (PV-28) takes besides. `prototype` are the figures of the prototype from which the
committee was designed: it signed nothing, fixed no broadcast and checked no product by sacrifice.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from node.private.member.link import KEY_BYTES, LENGTH_BYTES, Opener, Sealer
from private_exec.mpc import prepare, vectors
from private_exec.mpc.arithmetic import Mpc
from private_exec.mpc.context import Context
from private_exec.mpc.machine import Live
from private_exec.mpc.material import Material, Request
from private_exec.mpc.message import Message
from private_exec.mpc.rounds import Rounds
from private_exec.mpc.shamir import Size
from private_exec.mpc.simulate import Committee, Outcome, run, shares_of
from private_exec.programs.auction import auction
from private_exec.programs.cost import cost
from private_exec.programs.run import execute
from zk import backends
from zk.bench import host
from zk.bench.least import least
from zk.field.arrays import U64Array

HERE = Path(__file__).resolve().parent
BIDS, BITS = 16, 32
NOTHING = vectors.zeros(0)
PROGRAM = auction.at(bidders=BIDS)
PROTOTYPE = {
    4: {
        "prepare_ms": 145,
        "online_ms": 12,
        "rounds": 57,
        "prepare_mb": 0.50,
        "online_mb": 0.37,
        "microseconds": {"triple": 17.5, "bit": 153, "product": 6.6},
    },
    7: {
        "prepare_ms": 380,
        "online_ms": 31,
        "rounds": 57,
        "prepare_mb": 0.99,
        "online_mb": 0.74,
        "microseconds": {"triple": 58.9, "bit": 123, "product": 9.6},
    },
    10: {
        "prepare_ms": 2000,
        "online_ms": 28,
        "rounds": 57,
        "prepare_mb": 1.49,
        "online_mb": 1.12,
        "microseconds": {"triple": 365, "bit": 374, "product": 13.7},
    },
}
"""Megabytes are what one member sends to all others."""


def timed(call: Callable[[], Outcome[Any]], repeat: int) -> tuple[Outcome[Any], float]:
    """The outcome, and milliseconds for everybody."""
    outcome, spent = least(call, repeat + 1)
    if outcome.errors:
        raise next(iter(outcome.errors.values()))
    return outcome, spent


def measured(n: int, repeat: int) -> dict[str, Any]:
    """One committee."""
    size = Size.of(n)
    members = Committee.of(size, b"measured")
    rng = random.Random(n)
    bids, reserve = [rng.randrange(1 << BITS) for _ in range(BIDS)], 1 << 20
    spent = cost(PROGRAM, n)
    prepared, before = timed(
        lambda: run(members, lambda context: prepare.prepare_all(context, spent.request)), repeat
    )
    inputs = shares_of(members, [*bids, reserve])

    def member(context: Context) -> Rounds[list[int]]:
        kept = prepared.results[context.member]
        material = Material(kept.triples, kept.bits, kept.certificates)
        mpc = Mpc(Live(context, material))
        outputs = yield from execute(mpc, PROGRAM, inputs[context.member])
        opened = yield from mpc.open(np.concatenate([outputs["winner"], outputs["price"]]))
        return vectors.ints(opened)

    opened, during = timed(lambda: run(members, member), repeat)
    _, verified = timed(lambda: run(members, member, own_links=False), repeat)
    ranked = sorted(range(BIDS), key=lambda k: -bids[k])
    if opened.results[1] != [ranked[0], bids[ranked[1]]]:
        raise AssertionError("the auction came out wrong")
    return {
        "members": n,
        "triples": spent.request.triples,
        "bits": spent.request.bits,
        "prepare_ms": round(before / n, 1),
        "online_ms": round(during / n, 1),
        "verified_ms": round(verified / n, 1),
        "links_ms": round(links(opened.messages, n - 1, repeat) / n, 1),
        "prepare_rounds": spent.preparation.rounds,
        "rounds": spent.online.rounds + 1,
        "prepare_mb": round(spent.preparation.bytes * (n - 1) / 1e6, 2),
        "online_mb": round(spent.online.bytes * (n - 1) / 1e6, 2),
        "microseconds": units(n, repeat),
        "prototype": PROTOTYPE.get(n),
    }


def units(n: int, repeat: int, count: int = 4096) -> dict[str, float]:
    """Microseconds of a member for one triple, one random bit, one product of many."""
    members = Committee.of(Size.of(n), b"measured")
    found = {}
    for name, request in (("triple", Request(count, 0)), ("bit", Request(0, count))):

        def prepared(context: Context, request: Request = request) -> Rounds[Material]:
            return prepare.prepare_all(context, request)

        outcome, spent = timed(partial(run, members, prepared), repeat)
        found[name] = spent
        if name == "triple":
            triples = outcome.results
    factors = shares_of(members, range(count))

    def product(context: Context) -> Rounds[U64Array]:
        mpc = Mpc(Live(context, Material(triples[context.member].triples, NOTHING, ())))
        return mpc.mul(factors[context.member], factors[context.member])

    found["product"] = timed(partial(run, members, product), repeat)[1]
    return {name: round(1000 * spent / n / count, 1) for name, spent in found.items()}


def links(messages: Sequence[Message], others: int, repeat: int) -> float:
    """Milliseconds for everybody to seal its messages for all others, and to open theirs."""
    frames = [message.to_bytes() for message in messages]

    def all_of_it() -> None:
        for _ in range(others):
            sealer, opener = Sealer(bytes(KEY_BYTES)), Opener(bytes(KEY_BYTES))
            for data in frames:
                opener.open(sealer.seal(data)[LENGTH_BYTES:])

    return least(all_of_it, repeat + 1)[1]


def main() -> None:
    """Write auction.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    chosen = parser.parse_args()
    found = [measured(n, chosen.repeat) for n in (4, 7, 10, 13)]
    document = {
        "schema": "chiaro-private-auction/1",
        "machine": host.briefly(),
        "backend": backends.get().name,
        "load": host.load()[0],
        "runs": found,
    }
    (HERE / "auction.json").write_text(json.dumps(document, indent=1) + "\n")
    for line in found:
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
