"""What CometBFT's chain and ours say of the same things.  Rules CH-38, CH-39.

    CometBFT                     here
    chain_id, text               "chiaro-" and the first 20 bytes of the chain id in hexadecimal
    genesis app_state            {"chain_id": the whole chain id in hexadecimal}
    genesis_time                 genesis.time_ms, exactly
    validators                   genesis.validators, Ed25519; power: weight in the first roster
    header.height                header.height
    header.time, nanoseconds     header.time_ms, rounded down: it never decreases
    header.app_hash              header.state_root: the root after the block before
    (nothing)                    header.previous: hash of our own last header
    header.data_hash             header.tx_root: each over the same transactions, by its own hash

Our header is a function of CometBFT's block and of the state before it. The state names our last
header (`c/head`), so the app hash that validators sign with block H + 1 covers our header of H.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from node.consensus.cometbft import abci_pb2 as abci
from node.core.errors import ConsensusFault
from node.core.genesis import Genesis
from node.core.ids import ChainId
from node.stake.rosters import genesis_roster
from zk import jsontext

APP_VERSION: Final = 1
KEY_TYPE: Final = "ed25519"
MAX_AGE_BLOCKS: Final = 100_000
MAX_AGE_HOURS: Final = 48
TRUSTED_HOURS: Final = 2 * MAX_AGE_HOURS // 3
"""For so long a header vouches for the next: what its validators sign can be punished longer."""
EVIDENCE_BYTES: Final = 64 * 1024
_AROUND_A_TX: Final = 8
"""Bytes of tag and length of a transaction in a block, at most."""
_AROUND_A_BLOCK: Final = 256 * 1024
"""Header, evidence and votes."""


def engine_chain_id(genesis: Genesis) -> str:
    """At most 50 characters, as CometBFT has it."""
    return engine_name(genesis.chain_id)


def engine_name(chain_id: ChainId) -> str:
    """The same, where the whole of genesis is not at hand."""
    return f"chiaro-{chain_id[:20].hex()}"


def address_of(key: bytes) -> bytes:
    """A validator's address: 20 bytes of SHA-256 over its key."""
    return hashlib.sha256(key).digest()[:20]


def powers(genesis: Genesis) -> dict[bytes, int]:
    """Of the validators that a chain begins with: by their bonds, or all equal."""
    return {member.key: member.weight for member in genesis_roster(genesis).members}


def block_bytes(genesis: Genesis) -> int:
    """Room in CometBFT's block for the largest of ours, and what is around it."""
    limits = genesis.parameters
    return limits.max_block_bytes + _AROUND_A_TX * limits.max_block_txs + _AROUND_A_BLOCK


def room(genesis: Genesis, offered: int) -> int:
    """Bytes of transactions that fit into what CometBFT offers."""
    around = _AROUND_A_TX * genesis.parameters.max_block_txs
    return max(0, min(offered - around, genesis.parameters.max_block_bytes))


def time_ms(stamp: Timestamp) -> int:
    """Milliseconds since 1970, rounded down.

    Raises:
        ConsensusFault: CH-39, before 1970.
    """
    found: int = stamp.seconds * 1000 + stamp.nanos // 1_000_000
    if found < 0:
        raise ConsensusFault(f"CH-39: the engine's block is of {stamp.seconds} s before 1970")
    return found


def app_state(genesis: Genesis) -> dict[str, str]:
    """What CometBFT's genesis file says for us."""
    return {"chain_id": genesis.chain_id.hex()}


def check_init(request: abci.RequestInitChain, genesis: Genesis) -> None:
    """CH-38: the engine was told of the same chain.

    Raises:
        ConsensusFault: what differs.
    """
    params = request.consensus_params
    found: dict[str, tuple[Any, Any]] = {
        "chain_id": (request.chain_id, engine_chain_id(genesis)),
        "app_state": (_state_of(request.app_state_bytes), app_state(genesis)),
        "genesis_time": (
            (request.time.seconds, request.time.nanos),
            (genesis.time_ms // 1000, genesis.time_ms % 1000 * 1_000_000),
        ),
        "initial_height": (request.initial_height, 1),
        "validators": (
            sorted((item.pub_key.ed25519, item.power) for item in request.validators),
            sorted(powers(genesis).items()),
        ),
        "max_bytes": (params.block.max_bytes, block_bytes(genesis)),
        "max_gas": (params.block.max_gas, -1),
        "vote_extensions_enable_height": (params.abci.vote_extensions_enable_height, 1),
    }
    for name, (theirs, ours) in found.items():
        if theirs != ours:
            raise ConsensusFault(
                f"CH-38: the engine's genesis is of another chain: {name} differs",
                where=f"genesis.json: {name}",
                why="engine and ledger would decide about different things",
                fix="make the engine's folder again from this chain's genesis",
            )


def _state_of(data: bytes) -> object:
    try:
        return jsontext.loads(data)
    except ValueError:
        return None
