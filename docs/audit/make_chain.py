"""Make a development chain with many private transfers, in the folder of a node.

    .venv/bin/python docs/audit/make_chain.py --transfers 1000 --home try --bad bad.tar
    chiaro --home try audit export -o chain.tar
    chiaro audit verify chain.tar

Every transfer has a real proof; blocks are decided without a node, an RPC or wallet files, so
nearly all of the time is proving. `--bad` is the same chain with one proof exchanged for another
transaction's, decided by validators who do not look: every hash and state root of it fits.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from circuits.key_registry import Registry
from node.app.node import CHAIN_FOLDER, Node
from node.audit.export import export
from node.audit.sources import FolderSource
from node.core.block import Transaction
from node.core.ids import Height
from node.store.rocksdb import open_store
from node.store.versioned import VersionedStore
from node.testing.ledger import FAUCET, Ledger, Pool, envelope
from node.testing.nodes import development_genesis
from shielded.transaction import ShieldedTx

UNIT = 10**6


def make(ledger: Ledger, transfers: int, per_block: int, people: int) -> Ledger:
    """A block that shields, then blocks of private transfers, with some value coming and going."""
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


@contextmanager
def stored(home: Path) -> Iterator[VersionedStore]:
    """The store of a node below `home`, where `chiaro --home` finds it; a new development chain."""
    genesis = development_genesis()
    Node.create(home / "node", genesis)
    store = open_store(home / "node" / CHAIN_FOLDER, genesis.chain_id)
    try:
        yield store
    finally:
        store.close()


def main() -> None:
    """Make, export, say what was made."""
    parser = argparse.ArgumentParser(description="Make a chain for auditors.")
    parser.add_argument("--transfers", type=int, default=1000)
    parser.add_argument("--per-block", type=int, default=25)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--home", type=Path, required=True, help="a new folder, as of --home")
    parser.add_argument("--bad", type=Path, help="bundle of the chain with a false proof")
    options = parser.parse_args()
    started = time.perf_counter()
    with stored(options.home) as store:
        ledger = make(Ledger(store=store), options.transfers, options.per_block, options.people)
        made: dict[str, Any] = {
            "height": ledger.height,
            "seconds": round(time.perf_counter() - started, 1),
        }
        if options.bad is not None:
            bad, made["bad"] = with_a_bad_proof(ledger)
            source = FolderSource(bad.store, bad.genesis, "memory", None)
            export(source, options.bad, Registry.load())
    sys.stdout.write(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
