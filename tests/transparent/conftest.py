"""A state in a dictionary, two accounts with funds."""

from __future__ import annotations

import pytest

from node.core.ids import NATIVE, ChainId, Height, Kind
from node.core.interfaces import TxContext
from transparent.accounts import genesis_writes
from transparent.env import TransparentEnvironment
from transparent.signature import SigningKey

ASSET = Kind(0, 77)


class DictState:
    def __init__(self, items=()) -> None:
        self.items = {key: value for key, value in dict(items).items() if value is not None}

    def get(self, key: bytes) -> bytes | None:
        return self.items.get(key)

    def iterate(self, prefix: bytes):
        return iter(sorted((k, v) for k, v in self.items.items() if k.startswith(prefix)))

    def apply(self, effects) -> None:
        for key, value in effects.writes:
            if value is None:
                self.items.pop(key, None)
            else:
                self.items[key] = value


@pytest.fixture
def alice() -> SigningKey:
    return SigningKey(b"\x01" * 32)


@pytest.fixture
def bob() -> SigningKey:
    return SigningKey(b"\x02" * 32)


@pytest.fixture
def asset() -> Kind:
    return ASSET


@pytest.fixture
def state(alice, bob) -> DictState:
    return DictState(
        genesis_writes(
            iter(
                [
                    (alice.account, NATIVE, 1000),
                    (alice.account, ASSET, 50),
                    (bob.account, NATIVE, 10),
                ]
            )
        )
    )


@pytest.fixture
def context() -> TxContext:
    return TxContext(ChainId(b"\x0c" * 32), Height(5))


@pytest.fixture
def env() -> TransparentEnvironment:
    return TransparentEnvironment(max_expiry=64)
