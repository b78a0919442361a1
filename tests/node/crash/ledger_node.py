"""The real ledger for the crash tests: executor, environments, verifier, and real proofs.

`record` makes the transactions once, `load` gives a node everything but the store; what is offered
at a height is read from the file, so every run ends with one state.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from circuits.keys import KeyStore
from node.app import assembly
from node.core.block import Transaction
from node.core.effects import Crossing
from node.core.genesis import DEV_FAUCET_SEED, Genesis
from node.core.guardians import DEV_GUARDIAN_SEED
from node.core.ids import NATIVE, AccountId, EnvironmentId, Height
from node.execution.executor import Executor
from node.execution.order import Order, PoolState
from node.execution.verifier import GrothVerifier
from node.testing.nodes import development_genesis
from shielded.build import build, statement_prover
from shielded.keys import SpendingKey
from shielded.plan import Payment, Plan
from shielded.tree import NoteTree
from transparent.signature import SigningKey
from transparent.spec import crossing_digest
from transparent.transaction import Transfer, sign
from zk import backends

EXPIRY = Height(60)
FEE = 1000
SHIELDS_AT = (2, 5, 8, 11)
ORDERS = {3: (0, PoolState.FROZEN), 4: (1, PoolState.OPEN)}
"""Height → number and state: the pool is frozen for block 4 only."""


def record(file: Path, heights: int) -> None:
    """Transfers at every height, a shielding with its proof at some, orders of the guardian."""
    genesis = development_genesis()
    faucet = SigningKey(DEV_FAUCET_SEED)
    key = SpendingKey.from_seed(bytes(64), 0)
    prove = statement_prover(profile=genesis.profile)

    def transfer(sequence: int, amount: int) -> bytes:
        to = AccountId(SigningKey.from_seed(bytes([sequence])).account)
        pay = (Transfer(to, NATIVE, amount),)
        tx = sign(faucet, genesis.chain_id, sequence, EXPIRY, FEE, pay)
        return Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes()

    def shield(number: int) -> bytes:
        entering = Crossing(EnvironmentId.TRANSPARENT, faucet.account, NATIVE, -number - FEE)
        plan = Plan(
            bytes([number]) * 32,
            genesis.chain_id,
            NoteTree().top,
            EXPIRY,
            payments=(Payment(key.full_viewing_key.address(0), number),),
            public_values=(entering,),
            fee=FEE,
        )

        def authorize(value: Crossing, identity: bytes) -> bytes:
            digest = crossing_digest(value.account, value.kind, -value.amount, identity)
            return faucet.sign(digest)

        tx = build(plan, key, prove, authorize=authorize)
        return Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes()

    def order(sequence: int, state: PoolState) -> bytes:
        fields = ("", Height(0), EXPIRY, Height(0), "a rehearsal")
        made = Order(genesis.chain_id, sequence, EnvironmentId.SHIELDED, state, *fields)
        signed = made.signed(SigningKey(DEV_GUARDIAN_SEED))
        return Transaction(EnvironmentId.CHAIN, signed.to_bytes()).to_bytes()

    script = []
    for height in range(1, heights + 1):
        txs = [transfer(2 * height - 2, height), transfer(2 * height - 1, 7)]
        txs += [shield(height)] if height in SHIELDS_AT else []
        txs += [order(*ORDERS[height])] if height in ORDERS else []
        script.append([tx.hex() for tx in txs])
    file.write_text(json.dumps(script))


def load(
    file: Path,
) -> tuple[Genesis, Callable[[], Executor], Callable[[int], Sequence[bytes]]]:
    """Genesis, a maker of executors with cold caches, and the offer of each height."""
    script = [[bytes.fromhex(tx) for tx in txs] for txs in json.loads(file.read_text())]
    genesis = development_genesis()
    keys = assembly.verifying_keys(genesis, KeyStore())
    backend = backends.get()
    return genesis, functools.partial(_executor, genesis, keys, backend), lambda h: script[h - 1]


def _executor(genesis, keys, backend) -> Executor:
    verifier = GrothVerifier(keys, backend)
    return assembly.executor(genesis, verifier)
