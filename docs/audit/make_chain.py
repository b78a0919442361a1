"""Make a development chain with many private transfers, and bundles of it for auditors.

    python docs/audit/make_chain.py --transfers 1000 --out chain.tar --bad bad.tar

Every transfer has a real proof; blocks are decided without a node, an RPC or wallet files, so
nearly all of the time is proving. `--bad` is the same chain with one proof exchanged for another
transaction's, decided by validators who do not look: every hash and state root of it fits.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from circuits.keys import Registry
from node.audit.export import export
from node.audit.sources import FolderSource
from node.core.block import Transaction
from node.core.ids import Height
from node.testing.ledger import FAUCET, Ledger, Pool, envelope
from shielded.transaction import ShieldedTx

UNIT = 10**6


def make(transfers: int, per_block: int, people: int) -> Ledger:
    """A block that shields, then blocks of private transfers, with some value coming and going."""
    ledger = Ledger()
    pool = Pool(ledger, people)
    shielding = pool.shield(per_block, 1000 * UNIT)
    ledger.block(shielding)
    pool.settle(shielding)
    left, number = transfers, 0
    while left:
        txs = [pool.pay() for _ in range(min(per_block, left))]
        left -= len(txs)
        number += 1
        if number % 3 == 0:
            txs.append(pool.shield(2, 100 * (number % 7 + 1) * UNIT))
        if number % 4 == 0:
            txs.append(pool.leave(FAUCET.account, 60 * (number % 5 + 1) * UNIT))
        receipts = ledger.block(*txs)
        if refused := [receipt for receipt in receipts if not receipt.ok]:
            raise SystemExit(f"refused: {refused[0].code} {refused[0].message}")
        pool.settle(*txs)
        sys.stderr.write(f"\rblock {ledger.height}: {transfers - left} of {transfers}")
    sys.stderr.write("\n")
    return ledger


def with_a_bad_proof(good: Ledger) -> tuple[Ledger, dict[str, Any]]:
    """The same transactions; one in the middle carries the proof of its neighbour."""
    bad = Ledger(good.genesis)
    at = good.height // 2 + 1
    place: dict[str, Any] = {}
    for block in good.chain.blocks(Height(1), Height(good.height)):
        txs = list(block.txs)
        if block.header.height == at:
            index = len(txs) // 2
            ours, other = (_decoded(txs[i]) for i in (index, index - 1))
            party = ours.parties[0]
            action = replace(party.actions[0], proof=other.actions[0].proof)
            changed = replace(ours, parties=(replace(party, actions=(action,)),))
            txs[index] = envelope(changed)
            place = {"height": at, "index": index, "tx_id": "0x" + changed.id.hex()}
        bad.block(*txs)
    return bad, place


def _decoded(tx: bytes) -> ShieldedTx:
    return ShieldedTx.from_bytes(Transaction.from_bytes(tx).payload)


def main() -> None:
    """Make, export, say what was made."""
    parser = argparse.ArgumentParser(description="Make a chain for auditors.")
    parser.add_argument("--transfers", type=int, default=1000)
    parser.add_argument("--per-block", type=int, default=25)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bad", type=Path)
    options = parser.parse_args()
    started = time.perf_counter()
    ledger = make(options.transfers, options.per_block, options.people)
    seconds = time.perf_counter() - started
    registry = Registry.load()
    source = FolderSource(ledger.store, ledger.genesis, "memory", None)
    written = export(source, options.out, registry)
    made: dict[str, Any] = {
        "height": written.height,
        "transactions": written.transactions,
        "bytes": written.size,
        "seconds": round(seconds, 1),
    }
    if options.bad is not None:
        bad, place = with_a_bad_proof(ledger)
        export(FolderSource(bad.store, bad.genesis, "memory", None), options.bad, registry)
        made["bad"] = place
    sys.stdout.write(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
