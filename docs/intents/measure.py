"""Makes results.json of this folder: 1,000 sealed orders through real blocks, stage by stage.

    .venv/bin/python docs/intents/measure.py

All validators are in one process and nothing travels. Every block is executed and committed as a
node does it, in memory. As many intents go into a batch as fit (PX-24), so 1,000 take eight
batches. A time is the processor's, summed over threads, and the least of the eight, since others
may work on the machine meanwhile; the least by the clock stands beside it. `baseline` are the
figures of the prototype from which the lane was designed, per ciphertext of its batches of 32
(n = 4) and 64 (n = 7, 16).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from node.core.block import OK
from node.core.ids import AccountId, Height
from node.intents.solvers import standard
from node.intents.solvers.problem import pose
from node.intents.worker import seed_of
from node.lane import domains, holders, layout, payload, sealed
from node.lane.layout import Stage
from node.lane.payload import RevealTx, SealTx
from node.testing.lane import Committed, entropy, signer_of
from node.testing.market import METALS, Market
from private_exec import batch as batches
from private_exec import final, reveal, shares
from private_exec.envelope import Envelope, Terms, seal_intent, size_class_of
from private_exec.final import MemoryRoots
from zk.bench import host

HERE = Path(__file__).resolve().parent
DOMAIN = 1
"""Closes at every height."""
VALIDATORS = (4, 7, 16)
_PROTOTYPE = {
    4: (32, {"seal": 32 * 0.99, "verify": 6.1, "share": 8.0, "combine": 13.2, "check": 3.1}),
    7: (64, {"seal": 64 * 0.94, "verify": 10.2, "share": 10.0, "combine": 59.9, "check": 6.0}),
    16: (64, {"seal": 64 * 0.92, "verify": 10.3, "share": 15.8, "combine": 57.1, "check": 4.2}),
}
"""Ciphertexts, and milliseconds for all of them. `verify` there is without signatures; `combine` is
the verification of T validators' shares, and combining."""
BASELINE = {
    n: {name: milliseconds / count for name, milliseconds in stages.items()}
    for n, (count, stages) in _PROTOTYPE.items()
}
"""Milliseconds per ciphertext."""
STAGES = {
    "seal": "a wallet seals an intent",
    "verify": "all proofs and signatures of a batch at once",
    "order": "a block that orders the batch: decoding, proofs, signatures, fees",
    "share": "one validator makes its shares",
    "combine": "shares of T validators verified and combined",
    "check": "anybody checks the reveal",
    "decode": "bodies decrypted",
    "reveal": "a block that opens the batch: check, decode, the fate of every intent",
    "solve": "a solver finds the settlement",
    "submit": "a block that judges and keeps it",
    "settle": "a block that ends the batch and carries it out",
}
Value = TypeVar("Value")


class Clock:
    """Seconds per stage: of the processor, and by the clock; a list of them."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[tuple[float, float]]] = {stage: [] for stage in STAGES}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        worked, started = time.process_time(), time.perf_counter()
        yield
        passed = time.process_time() - worked, time.perf_counter() - started
        self.seconds[name].append(passed)

    def timed(self, name: str, call: Callable[[], Value]) -> Value:
        with self.stage(name):
            return call()


def envelopes(market: Market, first: int, count: int) -> list[tuple[Terms, bytes]]:
    """Orders of one unit against one unit, half of them each way."""
    gold, silver, _ = METALS
    found = []
    for number in range(first, first + count):
        kinds = (gold, silver) if number % 2 else (silver, gold)
        intent = market.order(number % 4, kinds[0], 1, kinds[1], nonce=number + 1).to_bytes()
        payer = AccountId(market.accounts[number % 4].account)
        size = size_class_of(len(intent))
        last = market.chain.height + 20
        fee = domains.least_fee(market.chain.genesis, DOMAIN, 4096, 1)
        found.append((Terms(payer, number, fee, 1, last, size), intent))
    return found


def one_batch(market: Market, clock: Clock, first: int, count: int) -> dict[str, int]:
    """A batch from the wallets to its end."""
    chain = market.chain
    key = chain.key(DOMAIN)
    made: list[Envelope] = []
    with clock.stage("seal"):
        for number, (terms, intent) in enumerate(envelopes(market, first, count)):
            payer = market.accounts[(first + number) % 4]
            made.append(seal_intent(key, terms, intent, payer, entropy("measured", first, number)))
    window = sealed.window(chain.genesis, key.epoch)
    height = int(chain.next_height)
    clock.timed("verify", lambda: batches.order(key, window, height, made))
    wires = [payload.wire(SealTx(DOMAIN, item)) for item in made]
    receipts = clock.timed("order", lambda: chain.step(*wires))
    ordered = sum(receipt.ok for receipt in receipts)
    opened_by(market, clock)
    live = next(item for item in chain.live(DOMAIN) if item.stage is Stage.SOLVING)
    fates = layout.fates(chain.state, live.ref)
    problem, _ = pose(market.batch(live), market.view(live), market.services.registry)
    found = clock.timed(
        "solve",
        lambda: problem.settlement(standard.solve(problem, seed_of(problem.batch_id))),
    )
    wire = market.submission(live, found, fee=10**8)
    (kept,) = clock.timed("submit", lambda: chain.step(wire))
    ended = clock.timed("settle", chain.step)
    settled = [event for receipt in ended for event in receipt.events if event.name == "settled"]
    _check(kept.code)
    return {"ordered": ordered, "valid": fates.count("ok"), "settled": len(settled)}


def opened_by(market: Market, clock: Clock) -> None:
    """Shares of everybody, the reveal, and the block that has it."""
    chain = market.chain
    (live,) = (item for item in chain.live(DOMAIN) if item.stage is Stage.CLOSED)
    batch = chain.batch(live)
    header = chain.chain.header(Height(live.closed)).hash
    block = final.finalise(Committed(chain), header, batch)
    messages = []
    for held in chain.held[DOMAIN, live.epoch]:
        signer = signer_of(batch.key.roster, held.member)
        with clock.stage("share"):
            made = shares.make_shares(block, held, MemoryRoots(), signer)
        if made is not None:
            messages.append(made)
    quorum = batch.key.parameters.quorum
    found, _ = clock.timed("combine", lambda: reveal.recover(batch, messages[:quorum]))
    clock.timed("check", lambda: reveal.check_reveal(batch, found))
    clock.timed("decode", lambda: reveal.open_batch(batch, found))
    wire = payload.wire(RevealTx(live.domain, live.number, found))
    (receipt,) = clock.timed("reveal", lambda: chain.block(wire))
    _check(receipt.code)


def _check(code: str) -> None:
    """Nothing is measured of what was refused."""
    if code != OK:
        raise SystemExit(f"refused by {code}")


def measured(validators: int, intents: int) -> dict[str, Any]:
    """All batches of one committee."""
    started = time.perf_counter()
    market = Market(validators)
    keys = time.perf_counter() - started
    key = market.chain.key(DOMAIN)
    cap = holders.capacity(key.roster, key.parameters)
    counts = {"ordered": 0, "valid": 0, "settled": 0}
    clock = Clock()
    one_batch(market, Clock(), 10**6, cap)  # compiles and loads, and is not counted
    sizes = [min(cap, intents - first) for first in range(0, intents, cap)]
    begun, first = market.chain.height, 0
    for size in sizes:
        if layout.key_of(market.chain.state, DOMAIN, epoch_of(market)) is None:
            market.chain.make_key(DOMAIN)
        for name, count in one_batch(market, clock, first, size).items():
            counts[name] += count
        first += size
    stages = {}

    def by_stage(name: str) -> list[int]:
        """Intents behind each time; all validators make shares of a batch."""
        times = validators if name == "share" else 1
        return [size for size in sizes for _ in range(times)]

    for name in STAGES:
        timed = list(zip(clock.seconds[name], by_stage(name), strict=True))
        milliseconds = min(1000 * worked / size for (worked, _), size in timed)
        by_clock = min(1000 * passed / size for (_, passed), size in timed)
        stages[name] = {
            "ms_per_intent": round(milliseconds, 3),
            "by_clock_ms_per_intent": round(by_clock, 3),
        }
        if name in BASELINE.get(validators, {}):
            stages[name]["baseline_ms_per_intent"] = round(BASELINE[validators][name], 3)
            stages[name]["ratio"] = round(milliseconds / BASELINE[validators][name], 2)
    return {
        "validators": validators,
        "quorum": key.parameters.quorum,
        "intents": intents,
        **counts,
        "batches": len(sizes),
        "most_per_batch": cap,
        "blocks": market.chain.height - begun,
        "two_keys_seconds": round(keys, 2),
        "stages": stages,
    }


def epoch_of(market: Market) -> int:
    """Of the next block."""
    return sealed.parameters_of(market.chain.genesis).epoch_of(market.chain.next_height)


def main() -> None:
    """Measure each committee and write the results."""
    parser = argparse.ArgumentParser(description="Measure the sealed lane.")
    parser.add_argument("--intents", type=int, default=1000)
    parser.add_argument("--validators", type=int, nargs="*", default=VALIDATORS)
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    options = parser.parse_args()
    load = host.load()[0]
    runs = [measured(n, options.intents) for n in options.validators]
    results = {
        "schema": "chiaro-intents-results/1",
        "machine": host.briefly(),
        "load": load,
        "stages": STAGES,
        "runs": runs,
    }
    options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(table(runs) + "\n")


def table(runs: list[dict[str, Any]]) -> str:
    """Processor milliseconds per intent, for a page; in brackets the ratio to the prototype."""
    heads = " | ".join(f"n = {run['validators']}" for run in runs)
    lines = [f"| stage | what | {heads} |", "|---|---|" + "---|" * len(runs)]
    for name, what in STAGES.items():
        cells = []
        for run in runs:
            stage = run["stages"][name]
            ratio = f" ({stage['ratio']}×)" if "ratio" in stage else ""
            cells.append(f"{stage['ms_per_intent']}{ratio}")
        lines.append(f"| {name} | {what} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
