"""The counter ledger of `crash/kv_node.py`, for every test of the node that needs a small one."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

KV_NODE = Path(__file__).parent / "crash" / "kv_node.py"


@pytest.fixture(scope="session")
def kv_node_path() -> Path:
    return KV_NODE


@pytest.fixture(scope="session")
def kv() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kv_node", KV_NODE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["kv_node"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def genesis():
    """The development chain, under the installation's keys."""
    from node.testing.nodes import development_genesis

    return development_genesis()


class Person:
    """An account that pays."""

    def __init__(self, client, seed: bytes):
        from transparent.signature import SigningKey

        self.client = client
        self.key = SigningKey(seed.ljust(32, b"."))
        self.account = self.key.account

    def transfer(self, recipient: bytes, amount: int, *, sequence=None, fee=1000, expiry=None):
        """(id, full bytes) of a payment of the native kind."""
        from node.core.block import Transaction
        from node.core.ids import NATIVE, EnvironmentId
        from transparent.transaction import Transfer, sign

        status = self.client.status()
        if sequence is None:
            sequence = self.client.account(self.account).sequence
        tx = sign(
            self.key,
            bytes.fromhex(status.chain_id[2:]),
            sequence,
            status.height + 32 if expiry is None else expiry,
            fee,
            (Transfer(recipient, NATIVE, amount),),
        )
        return tx.id, Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes()


@pytest.fixture(scope="session")
def make_person():
    return Person
