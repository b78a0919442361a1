"""`chiaro validator …`: the key of a node, and what it says of keys of sealed intents."""

from __future__ import annotations

import stat
from dataclasses import replace

import pytest

from node.app import development
from node.app.node import Node
from node.app.validator import Belongings
from node.cli import local
from node.core.genesis_file import save_genesis
from node.lane import layout
from node.lane.validator import identity
from node.lane.validator.identity import ConsensusKey
from node.testing.clock import EPOCH_MS
from node.testing.nodes import VALIDATOR, development_genesis, memory_node, serving

OWN = "0x" + VALIDATOR.public.hex()


def test_init_makes_a_private_key_once(offline) -> None:
    made = offline.json("validator", "init")
    assert made.code == 0, made.out
    path = offline.home / "node" / identity.KEY_FILE
    assert made.data == {
        "file": str(path),
        "validator": "0x" + identity.load(path).public.hex(),
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_text().split()[1]
    assert secret not in made.out
    again = offline.json("validator", "init")
    assert (again.code, again.error["code"]) == (5, "APP-004")
    assert secret in path.read_text()


@pytest.fixture
def chain(offline):
    """The command line over a node that is its chain's validator."""
    node = memory_node()
    with serving(node) as client:
        offline.url = client.url
        offline.node = node
        yield offline


def made_key(node: Node, domain: int = 1) -> bytes:
    node.want_key(domain)
    while True:
        key = layout.key_of(node.store.reader(), domain, 0)
        if key is not None:
            return key.digest
        node.produce_block()


def test_keys_that_nobody_asked_for(chain) -> None:
    found = chain.json("validator", "keys")
    assert found.code == 0, found.out
    assert (found.data["height"], found.data["own"]) == (0, OWN)
    assert found.data["validators"] == [OWN]
    first, second = found.data["keys"]
    assert (first["name"], second["name"]) == ("main", "fast")
    assert {item["stage"] for item in found.data["keys"]} == {"none"}
    assert any("one validator can read" in text for text in found.document["warnings"])
    assert "nobody has asked for it" in chain("validator", "keys").out


def test_a_key_that_was_made(chain) -> None:
    digest = made_key(chain.node)
    found = chain.json("validator", "keys").data
    main, fast = found["keys"]
    assert main["stage"] == "none"
    assert (fast["stage"], fast["digest"], fast["round"]) == ("made", "0x" + digest.hex(), 0)
    assert (fast["participants"], fast["dealers"], fast["held"]) == ([OWN], [OWN], True)
    assert (found["protected"], found["opening"], found["quorum"], found["privacy"]) == (
        "1", "1", 1, 0,
    )  # fmt: skip
    assert digest.hex() in chain("validator", "keys").out.replace("\n", "").replace(" ", "")
    assert (fast["faults"], found["seen"]) == ([], [])


def test_a_node_that_watches_says_so(offline) -> None:
    stranger = Belongings.in_memory(ConsensusKey(bytes(32)))
    with serving(memory_node(validator=stranger)) as client:
        offline.url = client.url
        found = offline.json("validator", "keys").data
        assert found["own"] is None
        assert "this node watches" in offline("validator", "keys").out


def test_a_chain_without_a_lane_has_no_such_keys(offline) -> None:
    with serving(memory_node(development.genesis(EPOCH_MS))) as client:
        offline.url = client.url
        refused = offline.json("validator", "keys")
        assert refused.code == 1
        assert "RPC-26" in refused.error["message"]


@pytest.mark.parametrize(("profile", "stays"), [("dev", False), ("net", True)])
def test_ln27_an_erased_chain_leaves_a_validators_own(tmp_path, profile, stays) -> None:
    home = tmp_path / "node"
    identity.create(home / identity.KEY_FILE)
    (home / "lane" / "roots").mkdir(parents=True)
    (home / "chain").mkdir()
    (home / "chain" / "data").write_bytes(b"x")
    genesis = development_genesis()
    if profile != "dev":
        genesis = replace(genesis, profile=profile, ceremony=bytes(32))
    save_genesis(genesis, home / "genesis.toml")
    local._erase(home)
    left = {path.name for path in home.iterdir()} if home.exists() else set()
    assert left == ({identity.KEY_FILE, "lane"} if stays else set())
