"""Puts load on real nodes of this machine, and makes results.json of this folder.

    .venv/bin/python docs/load/measure.py                  # every row, short: a quarter of an hour
    .venv/bin/python docs/load/measure.py --steady 600     # ten minutes of the two steady rates
    .venv/bin/python docs/load/measure.py --only embedded:transparent --rates 100,200 --seconds 10

Nodes, engines and this generator share the machine, so the figures are of a machine that does all
of it; quiet, or they mean nothing. Rows that are there already are replaced by new ones.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

from node.core.block import Block, Transaction
from node.lane import payload
from node.lane.payload import Tag
from node.rpc.client import NodeClient
from node.testing.load import targets
from node.testing.load.run import Measured, run
from node.testing.load.targets import Target
from node.testing.load.workloads import Payments, SealedOrders, Transfers, Workload
from zk.bench import host

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
ACCOUNTS = 400
_LAST_S = 6.0
"""For the last batches to be opened."""
BLOCK_MS = 500
"""Pause between blocks."""
RATES: dict[tuple[str, str], tuple[float, ...]] = {
    ("embedded", "transparent"): (100, 200, 400, 800),
    ("embedded", "kib"): (100, 200, 400),
    ("embedded", "shielded"): (5, 10, 20, 40),
    ("embedded", "sealed"): (10, 25, 50, 100),
    ("validators", "transparent"): (50, 100, 200),
    ("validators", "kib"): (50, 100, 150),
    ("validators", "shielded"): (5, 10, 20),
    ("validators", "sealed"): (10, 25, 50),
}
"""Transactions a second."""
STEADY = {("embedded", "transparent"): 200, ("validators", "kib"): 100}


def main() -> None:
    """Rows as asked for, each on nodes of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="TARGET:WORKLOAD")
    parser.add_argument("--rates", help="transactions a second, separated by commas")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each rate")
    parser.add_argument("--steady", type=float, help="seconds of the two steady rates alone")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows = {row: (STEADY[row],) for row in STEADY} if options.steady else RATES
    for (target, workload), usual in rows.items():
        if options.only not in (None, f"{target}:{workload}"):
            continue
        given = options.rates
        rates = tuple(map(float, given.split(","))) if given else usual
        with _target(target) as running, NodeClient(running.urls[0]) as client:
            for rate in rates:
                seconds = options.steady or options.seconds
                _tell(f"{target}, {workload}: {rate:g} a second for {seconds:g} s")
                work = _workload(client, running, workload, round(rate * seconds))
                first = client.status().height
                found = run(running, work, rate, seconds)
                opened = _opened(client, first) if workload == "sealed" else {}
                _keep(options.out, found, opened, steady=bool(options.steady))


def _target(name: str) -> AbstractContextManager[Target]:
    if name == "embedded":
        return targets.embedded(BLOCK_MS)
    return targets.validators(4, BLOCK_MS)


def _workload(client: NodeClient, target: Target, name: str, count: int) -> Workload:
    if name == "shielded":
        return Transfers(client, target.genesis, count, _tell)
    if name == "sealed":
        return SealedOrders(client, target.genesis, ACCOUNTS)
    return Payments(client, target.genesis, ACCOUNTS, 1 if name == "transparent" else 9)


def _opened(client: NodeClient, first: int) -> dict[int, int]:
    """Heights from the close of a batch to its opening, and how many intents waited so long.

    With a period of one height a batch closes in the block that orders its intents, and the next
    such block begins the next batch: the numbers of batches follow their heights.
    """
    time.sleep(_LAST_S)
    ordered: dict[int, int] = {}
    opened: dict[int, int] = {}
    for height, data, _, _ in client.raw(first + 1, client.status().height):
        tags = [(tx, payload.tag_of_wire(tx)) for tx in Block.from_bytes(data).txs]
        for tx, tag in tags:
            if tag is Tag.SEAL:
                ordered[height] = ordered.get(height, 0) + 1
            elif tag is Tag.REVEAL:
                reveal = payload.decode(Transaction.from_bytes(tx).payload)
                opened[reveal.number] = height  # type: ignore[union-attr]
    found: Counter[int] = Counter()
    for number, (height, count) in enumerate(sorted(ordered.items()), min(opened, default=0)):
        found[opened.get(number, height) - height] += count  # 0: never opened
    return dict(found)


def _keep(path: Path, found: Measured, opened: dict[int, int], *, steady: bool) -> None:
    """In the place of an older one of the same row, rate and kind."""
    row = {
        **asdict(found),
        "opened": {str(heights): count for heights, count in sorted(opened.items())},
        "per_second": found.per_second,
        "steady": steady,
    }
    document = json.loads(path.read_text()) if path.exists() else {"rows": []}
    same = ("target", "workload", "rate", "steady")
    others = [old for old in document["rows"] if any(old[name] != row[name] for name in same)]
    document = {"host": host.to_json(host.machine()), "block_ms": BLOCK_MS, "rows": [*others, row]}
    path.write_text(json.dumps(document, indent=1) + "\n")
    spread = found.inclusion
    _tell(
        f"{found.included}/{found.sent} included ({found.per_second:.0f}/s), "
        f"p50 {spread.p50:.2f} s, p99 {spread.p99:.2f} s, refused {found.refused or 0}"
    )


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
