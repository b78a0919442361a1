"""Blocks of a real CometBFT, and CometBFT's own verdicts (tests/vectors/light.py)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from node.consensus.cometbft.wire import NS
from node.light.block import Flag, LightBlock
from node.light.client import LightClient
from node.light.errors import LightRefused
from node.light.validators import ValidatorSet
from node.light.verify import Terms, Trusted, check
from node.rpc.light import signed_header, validator_set
from zk.errors import ChiaroError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "light.json").read_text())
REAL, MADE = VECTORS["localnet"], VECTORS["made"]
RULES = {
    "expected new header height": "LC-5",
    "block protocol is incorrect": "LC-1",
    "header and commit height mismatch": "LC-2",
    "commit signs block": "LC-2",
    "expected new header validators": "LC-3",
    "header belongs to another chain": "LC-4",
    "time from the future": "LC-6",
    "old header has expired": "LC-7",
    "cant trust new val set": "LC-9",
    "insufficient voting power": "LC-10",
    "wrong signature": "LC-10",
    "validator address mismatch": "LC-10",
}
"""What CometBFT says, and which rule says it here."""
STRICTER = {f"{what} {n} is {how}" for n in (3, 4) for what, how in (
    ("signature", "noise"), ("moment", "another"), ("address", "another"))}  # fmt: skip
"""CometBFT stops at the third signature; LC-10 looks at all."""


class Served:
    """The localnet's blocks."""

    def __init__(self) -> None:
        validators = validator_set(REAL["validators"]["validators"])
        self.blocks = [LightBlock(signed_header(item), validators) for item in REAL["commits"]]

    def light_block(self, height: int | None = None) -> LightBlock:
        return self.blocks[-1 if height is None else height - 1]


def test_every_hash_is_the_one_that_validators_signed() -> None:
    blocks = Served().blocks
    assert len(blocks) >= 8
    for before, block in zip([None, *blocks], blocks, strict=False):
        assert block.hash == block.commit.block.hash
        assert block.header.validators_hash == block.validators.hash
        if before is not None:
            assert block.header.last_block == before.commit.block


@pytest.mark.parametrize("sequential", [False, True])
def test_a_real_chain_is_verified_from_its_genesis(sequential: bool) -> None:
    members = ValidatorSet.of((bytes.fromhex(key), 1) for key in REAL["keys"])
    genesis = Trusted.genesis(members, REAL["genesis_ms"])
    source = Served()
    client = LightClient(REAL["chain_id"], genesis, source, sequential=sequential)
    trace = client.sync(source.blocks[-1].header.moment).trace
    assert len(trace) == (len(source.blocks) if sequential else 1)
    flags = {place.flag for block in source.blocks for place in block.commit.places}
    assert flags == {Flag.COMMIT, Flag.ABSENT}


def block_of(document) -> LightBlock:
    signed = signed_header({"signed_header": document["signed_header"]})
    return LightBlock(signed, validator_set(document["validators"]))


@pytest.mark.parametrize("case", MADE["cases"], ids=lambda case: case["what"])
def test_the_verdict_is_cometbfts(case) -> None:
    trusted, untrusted = (MADE["blocks"][case[name]] for name in ("trusted", "untrusted"))
    now = MADE["genesis_ms"] * (NS // 1000) + case["after"]
    expected = next((rule for said, rule in RULES.items() if said in case["verdict"]), "")
    assert bool(expected) == bool(case["verdict"])
    if case["what"] in STRICTER:
        assert not expected
        expected = "LC-10"
    found = ""
    try:
        block = block_of(untrusted)
        assert block.hash.hex().upper() == case["hash"]
        check(Trusted.of(block_of(trusted)), block, MADE["chain_id"], now, Terms())
    except LightRefused as error:
        found = error.rule
    except ChiaroError as error:
        found = "LC-1" if "LC-1:" in error.message else error.message
    assert found == expected
