"""The section of genesis, and that chains without it stay what they are."""

from __future__ import annotations

import dataclasses

import pytest

from circuits.key_registry import DEV, Registry
from circuits.keys import KeyStore
from node.app import assembly, development, migration
from node.app.development import statements_of
from node.app.errors import ForeignGenesis
from node.core.block import Transaction
from node.core.errors import ConsensusFault
from node.core.genesis import Genesis, development_genesis
from node.core.genesis_file import format_genesis, parse_genesis
from node.core.guardians import DEV_GUARDIAN_SEED
from node.core.ids import EnvironmentId, Height
from node.core.private import STATEMENTS, PrivateParameters
from node.execution.order import Order, PoolState
from node.private.env import PrivateEnvironment
from node.private.program_keys import programs
from node.testing.clock import EPOCH_MS
from node.testing.ledger import Ledger
from shielded.env import ShieldedEnvironment
from transparent.signature import SigningKey
from zk.errors import DecodeError

SECTION = PrivateParameters(step_heights=3, round_heights=90, max_donations=7)


def test_pv100_a_genesis_without_the_section_keeps_its_encoding_and_its_file():
    plain = development_genesis()
    assert plain.to_bytes()[0] == 4
    assert "private" not in format_genesis(plain, json_format=True)
    assert EnvironmentId.PRIVATE not in assembly.environments(plain)
    with_it = dataclasses.replace(plain, private=SECTION)
    assert with_it.to_bytes()[0] == 5
    assert with_it.to_bytes()[1:].startswith(plain.to_bytes()[1:])
    assert with_it.chain_id != plain.chain_id
    assert EnvironmentId.PRIVATE in assembly.environments(with_it)


@pytest.mark.parametrize("json_format", [True, False])
def test_pv100_bytes_and_files_are_read_back(json_format):
    found = development_genesis(private=SECTION)
    assert Genesis.from_bytes(found.to_bytes()) == found
    text = format_genesis(found, json_format=json_format)
    assert parse_genesis(text, json_format=json_format) == found


@pytest.mark.parametrize(
    "broken",
    [
        {"step_heights": 0}, {"round_heights": 29}, {"max_donations": 0},
        {"max_donations": 2**16 + 1}, {"step_heights": 2**32}, {"round_heights": 2**32},
    ],
    ids=str,
)  # fmt: skip
def test_pv100_numbers_out_of_range_are_refused(broken):
    with pytest.raises(DecodeError, match="PV-100"):
        PrivateParameters(**broken)


def test_pv100_a_version_says_whether_the_section_is_there():
    found = development_genesis(private=SECTION).to_bytes()
    with pytest.raises(DecodeError):
        Genesis.from_bytes(b"\x04" + found[1:])
    with pytest.raises(DecodeError):
        Genesis.from_bytes(found[:-12])


def test_pv100_it_verifies_the_statements_of_hidden_amounts():
    assert statements_of(None) == ("action/1",)
    private = ("action/1", "donation/1", "transit/1")
    assert statements_of(SECTION) == tuple(sorted((*private, *programs())))


def test_a_chain_without_the_section_has_no_such_environment():
    shielded = ShieldedEnvironment(64, 128, 16)
    with pytest.raises(ConsensusFault):
        PrivateEnvironment(development_genesis(), shielded)


def test_pv100_a_node_serves_it_only_with_all_of_its_statements():
    """RPC-14: a chain that verifies less than it says is another version's."""
    keys = KeyStore()
    whole = development.genesis(EPOCH_MS, lane=None, private=SECTION)
    assert set(assembly.verifying_keys(whole, keys)) == {"action/1", *STATEMENTS, *programs()}
    for broken in (
        dataclasses.replace(whole, statements=whole.statements[:-1]),
        dataclasses.replace(whole, private=None),
    ):
        with pytest.raises(ForeignGenesis, match="RPC-14"):
            assembly.verifying_keys(broken, keys)


def test_pv189_a_chain_names_those_programs_that_it_wants():
    """A chain that began without programs goes on without them; its successor has them."""
    keys = KeyStore()
    whole = development.genesis(EPOCH_MS, lane=None, private=SECTION)
    without = [item for item in whole.statements if item.statement not in programs()]
    first = next(item for item in whole.statements if item.statement in programs())
    for some in (without, sorted([*without, first])):
        genesis = dataclasses.replace(whole, statements=tuple(some))
        assert set(assembly.verifying_keys(genesis, keys)) == {item.statement for item in some}
    other = dataclasses.replace(first, statement=f"auction-{'0' * 16}/1")
    for statements in (
        sorted([*without, other]),
        sorted([*without, dataclasses.replace(first, verifying_key=bytes(32))]),
        sorted([*without, dataclasses.replace(first, r1cs=bytes(32))]),
    ):
        foreign = dataclasses.replace(whole, statements=tuple(statements))
        with pytest.raises(ForeignGenesis, match="RPC-14"):
            assembly.verifying_keys(foreign, keys)


def test_pv189_a_new_chain_has_no_program_without_a_current_key():
    listed, (first, second, *others) = Registry.load(), programs()
    entries = dict(listed.entries)
    marks = {"status": "insecure", "since": "2026-05-01", "reason": "a bid is free"}
    entries[first, DEV] = dataclasses.replace(entries[first, DEV], **marks)
    del entries[second, DEV]
    genesis = development.genesis(
        EPOCH_MS, lane=None, private=SECTION, registry=Registry(entries, listed.folder)
    )
    named = {item.statement for item in genesis.statements}
    assert named == {"action/1", *STATEMENTS, *others}


def test_pv189_the_successor_of_a_chain_from_before_programs_has_them():
    whole = development.genesis(EPOCH_MS, lane=None, private=SECTION)
    before = tuple(item for item in whole.statements if item.statement not in programs())
    ledger = Ledger(dataclasses.replace(whole, statements=before))
    chain, guardian = ledger.genesis.chain_id, SigningKey(DEV_GUARDIAN_SEED)
    ledger.block()
    for number, pool in enumerate((EnvironmentId.SHIELDED, EnvironmentId.PRIVATE)):
        order = Order(
            chain, number, pool, PoolState.FROZEN, "action/1", Height(0), Height(10), Height(4), "x"
        ).signed(guardian)
        wire = Transaction(EnvironmentId.CHAIN, order.to_bytes()).to_bytes()
        assert [receipt.code for receipt in ledger.block(wire)] == ["ok"]
    for _ in range(4):
        ledger.block()
    old = migration.OldChain(ledger.genesis, ledger.store)
    made = migration.succeed(old, again=migration.Again(rehearsal=True)).genesis
    assert made.private == SECTION
    assert made.statements == whole.statements
