"""LC-13: the file of what is trusted."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from node.light.errors import LightRefused
from node.light.root import genesis_validators
from node.light.trust import FILE, FROM_GENESIS, GENESIS_FILE, Record, TrustStore
from node.light.verify import Trusted
from node.testing.light import SignedChain, sign, signer
from node.testing.nodes import VALIDATOR, development_genesis

GENESIS = development_genesis()
CHAIN = SignedChain("chiaro-tests", GENESIS.time_ms, lambda _: {signer(1): 1}, [])
for _ in range(3):
    CHAIN.add()


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    found = TrustStore(tmp_path / "light")
    assert not found.exists
    found.create(GENESIS, Record(GENESIS.chain_id, FROM_GENESIS, "http://one", ("http://two",)))
    return found


def test_it_begins_with_genesis_and_is_private(store: TrustStore, tmp_path: Path) -> None:
    assert store.exists
    assert store.genesis() == GENESIS
    assert store.load().height == 0
    expected = Trusted.genesis(genesis_validators(GENESIS), GENESIS.time_ms)
    assert store.trusted() == expected
    assert [member.key for member in expected.validators.members] == [VALIDATOR.public]
    assert stat.S_IMODE((tmp_path / "light" / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "light").stat().st_mode) == 0o700


def test_lc13_it_moves_up_and_never_down(store: TrustStore) -> None:
    store.move(CHAIN.blocks[1])
    assert store.load().block == CHAIN.blocks[1]
    assert store.trusted() == Trusted.of(CHAIN.blocks[1])
    store.move(CHAIN.blocks[1])
    header = replace(CHAIN.blocks[1].header, data_hash=b"\1" * 32)
    other = sign(header, CHAIN.blocks[1].validators, [signer(1)])
    for block in (CHAIN.blocks[0], other):
        with pytest.raises(LightRefused) as caught:
            store.move(block)
        assert caught.value.rule == "LC-13"
    assert store.move(CHAIN.blocks[2]).height == 3


def test_other_nodes_may_be_asked_and_trust_stays(store: TrustStore) -> None:
    store.move(CHAIN.blocks[1])
    assert store.ask("http://three", ()).height == 2
    assert store.load().primary == "http://three"


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "chiaro.light/2"},
        {"chain_id": "00" * 32},
        {"chain_id": 7},
        {"block": "00"},
        {"block": 1},
        {"witnesses": "http://two"},
        {"witnesses": [1]},
        {"more": 1},
        None,
    ],
    ids=str,
)
def test_lc13_a_damaged_file_is_refused(store: TrustStore, tmp_path: Path, change) -> None:
    path = tmp_path / "light" / FILE
    document = json.loads(path.read_text())
    path.write_text("{" if change is None else json.dumps({**document, **change}))
    with pytest.raises(LightRefused) as caught:
        store.load()
    assert caught.value.rule == "LC-13"
    path.unlink()
    with pytest.raises(LightRefused) as caught:
        store.load()
    assert caught.value.rule == "LC-13"


def test_lc13_a_genesis_of_another_chain_beside_it(store: TrustStore, tmp_path: Path) -> None:
    path = tmp_path / "light" / GENESIS_FILE
    path.write_text(path.read_text().replace(f"time_ms = {GENESIS.time_ms}", "time_ms = 5"))
    with pytest.raises(LightRefused) as caught:
        store.load()
    assert caught.value.rule == "LC-13"


def test_beginning_again_forgets(store: TrustStore) -> None:
    store.move(CHAIN.blocks[1])
    store.create(GENESIS, Record(GENESIS.chain_id, FROM_GENESIS, "http://one", ()))
    assert store.load().height == 0
