"""Chains with private rounds are begun, and told from others."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from node.app import __main__ as entry
from node.app import development, localnet
from node.app.errors import NoNode
from node.app.process import GENESIS_FILE
from node.core.genesis_file import load_genesis, save_genesis
from node.core.ids import EnvironmentId
from node.testing.clock import EPOCH_MS
from node.testing.nodes import VALIDATOR, memory_node, serving


def options(**changes) -> argparse.Namespace:
    return argparse.Namespace(**{"genesis": None, "create": True, "private": True, **changes})


def test_a_development_chain_with_private_rounds_makes_blocks_by_time(tmp_path):
    entry._prepare(tmp_path, options())
    found = load_genesis(tmp_path / GENESIS_FILE)
    assert found.private == development.PRIVATE
    assert found.parameters.block_time_ms == development.PRIVATE_BLOCK_MS
    entry._prepare(tmp_path, options())  # again: the chain that is there


def test_a_chain_without_them_is_not_taken_for_one(tmp_path: Path):
    (tmp_path / "home").mkdir()
    entry._prepare(tmp_path / "home", options(private=False))
    with pytest.raises(NoNode, match="no private environment"):
        entry._prepare(tmp_path / "home", options())
    plain = development.genesis(EPOCH_MS, validators=(VALIDATOR.public,))
    save_genesis(plain, tmp_path / "plain.toml")
    (tmp_path / "other").mkdir()
    with pytest.raises(NoNode, match="no private environment"):
        entry._prepare(tmp_path / "other", options(genesis=tmp_path / "plain.toml"))


def test_a_node_of_such_a_chain_waits_for_nobody(tmp_path):
    genesis = development.genesis(
        EPOCH_MS,
        parameters=development.Parameters(block_time_ms=20),
        validators=(VALIDATOR.public,),
        lane=None,
        private=development.PRIVATE,
    )
    with serving(memory_node(genesis)) as client:
        height = client.status().height
        client.events(height, 5)
        assert client.status().height > height
        assert EnvironmentId.PRIVATE.label in {item.environment for item in client.status().pools}


def test_a_localnet_with_private_rounds(tmp_path):
    found = localnet.create(tmp_path, 1, time_ms=EPOCH_MS, lane=None, private=development.PRIVATE)
    assert found.private == development.PRIVATE
    named = tuple(item.statement for item in found.statements)
    assert named == development.statements_of(found.private)
