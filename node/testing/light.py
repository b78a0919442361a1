"""Chains of CometBFT's headers with true signatures, made here: what light clients are tested on.

Keys are published. A chain is honest as it is made; `LightBlock` is a value, so tests change a
field of one and sign it again, or do not.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.app.node import Node
from node.consensus.cometbft.mapping import APP_VERSION, engine_chain_id
from node.consensus.cometbft.query import Query
from node.consensus.cometbft.votes import NO_BLOCK, BlockId
from node.consensus.cometbft.wire import NS
from node.core.errors import NotFound
from node.core.ids import Height, tagged_hash
from node.light import merkle
from node.light.block import ABSENT, Commit, CommitPlace, Flag, LightBlock, SignedHeader
from node.light.header import BLOCK_PROTOCOL, EngineHeader
from node.light.root import VerifiedLedger
from node.light.validators import ValidatorSet
from node.rpc.client import NodeClient
from node.rpc.light_client import NodeSource
from node.testing.nodes import VALIDATOR

Powers = Mapping[Ed25519PrivateKey, int]
"""Who votes, with which power."""


def signer(number: int) -> Ed25519PrivateKey:
    """UNSAFE, published: the key of a validator of tests."""
    return Ed25519PrivateKey.from_private_bytes(
        tagged_hash("testing/light", number.to_bytes(4, "little"))
    )


def public(key: Ed25519PrivateKey) -> bytes:
    """Its 32 bytes."""
    return key.public_key().public_bytes_raw()


def set_of(powers: Powers) -> ValidatorSet:
    """As CometBFT orders and hashes them."""
    return ValidatorSet.of((public(key), power) for key, power in powers.items())


def sign(
    header: EngineHeader,
    validators: ValidatorSet,
    keys: Sequence[Ed25519PrivateKey],
    *,
    number: int = 0,
    nil: Sequence[Ed25519PrivateKey] = (),
) -> LightBlock:
    """The block of a header with precommits of `keys`; others are absent, or voted for none."""
    by_key = {public(key): key for key in (*keys, *nil)}
    block = BlockId(header.hash, 1, merkle.root([header.hash]))
    commit = Commit(header.height, number, block, ())
    places = []
    for place, member in enumerate(validators.members):
        key = by_key.get(member.key)
        if key is None:
            places.append(ABSENT)
            continue
        flag = Flag.NIL if key in nil else Flag.COMMIT
        found = CommitPlace(flag, member.address, header.moment + NS + place)
        vote = commit.vote(found)
        vote = replace(vote, block=NO_BLOCK) if key in nil else vote
        signature = key.sign(vote.sign_bytes(header.chain_id))
        places.append(replace(found, signature=signature))
    commit = replace(commit, places=tuple(places))
    return LightBlock(SignedHeader(header, commit), validators)


@dataclass
class SignedChain:
    """Blocks from height 1 on, and a source of them.

    Attributes:
        chain_id: CometBFT's.
        time_ms: of genesis.
        powers: validators by height.
        blocks: of heights 1, 2, …
        step: nanoseconds between blocks.
    """

    chain_id: str
    time_ms: int
    powers: Callable[[int], Powers]
    blocks: list[LightBlock]
    step: int = NS

    @property
    def height(self) -> int:
        return len(self.blocks)

    @property
    def now(self) -> int:
        """A moment a second after the newest block."""
        return self.time_ms * (NS // 1000) + self.height * self.step

    def header(self, app_hash: bytes = bytes(32)) -> EngineHeader:
        """What an honest proposer would send next."""
        height = self.height + 1
        last = self.blocks[-1] if self.blocks else None
        validators, following = (set_of(self.powers(h)) for h in (height, height + 1))
        return EngineHeader(
            block_protocol=BLOCK_PROTOCOL,
            app_protocol=APP_VERSION,
            chain_id=self.chain_id,
            height=height,
            moment=self.time_ms * (NS // 1000) + (height - 1) * self.step,
            last_block=NO_BLOCK if last is None else last.commit.block,
            last_commit_hash=merkle.EMPTY,
            data_hash=merkle.EMPTY,
            validators_hash=validators.hash,
            next_validators_hash=following.hash,
            consensus_hash=merkle.root([b"parameters"]),
            app_hash=app_hash,
            last_results_hash=merkle.EMPTY,
            evidence_hash=merkle.EMPTY,
            proposer=validators.members[0].address,
        )

    def add(self, app_hash: bytes = bytes(32), **changes: Any) -> LightBlock:
        """One more block, signed by all; with fields of its header changed before."""
        header = replace(self.header(app_hash), **changes)
        powers = self.powers(self.height + 1)
        block = sign(header, set_of(powers), list(powers))
        self.blocks.append(block)
        return block

    def light_block(self, height: int | None = None) -> LightBlock:
        """`node.light.client.Source`. Raises NotFound."""
        at = self.height if height is None else height
        if not 1 <= at <= self.height:
            raise NotFound(f"there is no block {at}")
        return self.blocks[at - 1]


def signed_ledger(node: Node, step: int = NS) -> SignedChain:
    """A chain of CometBFT's that vouches for all that the one validator's node has on its disk."""
    genesis, chain = node.genesis, node.chain
    powers = {Ed25519PrivateKey.from_private_bytes(VALIDATOR.secret()): 1}
    found = SignedChain(engine_chain_id(genesis), genesis.time_ms, lambda _: powers, [], step)
    for height in range(chain.height + 1):
        found.add(chain.root_after(Height(height)))
    return found


def vouched(client: NodeClient) -> VerifiedLedger:
    """What a node serves, under a block made here that names its newest state root."""
    genesis, status = client.genesis(), client.status()
    chain = SignedChain(engine_chain_id(genesis), genesis.time_ms, lambda _: {signer(0): 1}, [])
    root = bytes.fromhex(status.state_root.removeprefix("0x"))
    block = chain.add(root, height=status.height + 1)
    return VerifiedLedger(genesis, block, NodeSource(client))


class ChainQuery(Query):
    """Answers as CometBFT's RPC does, from a signed chain.

    Args:
        chain: whose blocks it has.
    """

    def __init__(self, chain: SignedChain) -> None:
        super().__init__(Path("/nowhere"))
        self._chain: Final = chain

    def ask(self, method: str, **parameters: str | int) -> Any:
        """`commit` and `validators`."""
        height = parameters.get("height")
        block = self._chain.light_block(None if height is None else int(height))
        if method == "validators":
            page, size = int(parameters["page"]), int(parameters["per_page"])
            found = validators_json(block.validators)
            part = found[(page - 1) * size : page * size]
            return {"validators": part, "total": str(len(found))}
        return {"signed_header": signed_json(block.signed), "canonical": True}


class NodeQuery(ChainQuery):
    """The same for a node that goes on: whatever it has on its disk is vouched for when asked.

    Args:
        node: of one validator.
    """

    def __init__(self, node: Node) -> None:
        self.chain: Final = signed_ledger(node, NS // 1000)
        super().__init__(self.chain)
        self._node: Final = node

    def ask(self, method: str, **parameters: str | int) -> Any:
        """As of a CometBFT that has decided one block more than the node has executed."""
        ledger = self._node.chain
        while self.chain.height <= ledger.height:
            self.chain.add(ledger.root_after(Height(self.chain.height)))
        return super().ask(method, **parameters)


def validators_json(found: ValidatorSet) -> list[dict[str, Any]]:
    """As CometBFT's RPC lists them."""
    return [
        {
            "address": member.address.hex().upper(),
            "pub_key": {"type": "tendermint/PubKeyEd25519", "value": _base64(member.key)},
            "voting_power": str(member.power),
        }
        for member in found.members
    ]


def signed_json(signed: SignedHeader) -> dict[str, Any]:
    """As CometBFT's RPC shows it."""
    header, commit = signed.header, signed.commit
    hashes = (
        "last_commit_hash", "data_hash", "validators_hash", "next_validators_hash",
        "consensus_hash", "app_hash", "last_results_hash", "evidence_hash",
    )  # fmt: skip
    return {
        "header": {
            "version": {"block": str(header.block_protocol), "app": str(header.app_protocol)},
            "chain_id": header.chain_id,
            "height": str(header.height),
            "time": _stamp(header.moment),
            "last_block_id": _block_id(header.last_block),
            **{name: getattr(header, name).hex().upper() for name in hashes},
            "proposer_address": header.proposer.hex().upper(),
        },
        "commit": {
            "height": str(commit.height),
            "round": commit.round,
            "block_id": _block_id(commit.block),
            "signatures": [_place(place) for place in commit.places],
        },
    }


def _place(place: CommitPlace) -> dict[str, Any]:
    absent = place.flag == Flag.ABSENT
    return {
        "block_id_flag": int(place.flag),
        "validator_address": place.address.hex().upper(),
        "timestamp": "0001-01-01T00:00:00Z" if absent else _stamp(place.moment),
        "signature": None if absent else _base64(place.signature),
    }


def _block_id(block: BlockId) -> dict[str, Any]:
    parts = {"total": block.parts, "hash": block.parts_hash.hex().upper()}
    return {"hash": block.hash.hex().upper(), "parts": parts}


def _stamp(moment: int) -> str:
    seconds, nanos = divmod(moment, NS)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{nanos:09d}Z"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
