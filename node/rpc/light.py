"""What a node serves to light clients: CometBFT's signed headers and validators, our headers.

Rule LC-20. CometBFT's own RPC stays on its UNIX socket; from it comes what is translated here.
"""

from __future__ import annotations

from typing import Any, Final

from node.consensus.cometbft.query import (
    EngineAnswer,
    Query,
    base64_bytes,
    block_id,
    hexadecimal,
    integer,
    member,
    moment,
)
from node.core.errors import NotFound
from node.core.ids import Height
from node.light.block import ABSENT, Commit, CommitPlace, Flag, SignedHeader
from node.light.header import EngineHeader
from node.light.validators import MAX_VALIDATORS, ValidatorSet
from node.rpc.light_schema import CommitView, HeadersView, ValidatorsView
from node.rpc.text import hex_of
from node.store.chain import Chain
from zk.errors import DecodeError

_PAGE: Final = 100
_KEY_TYPE: Final = "tendermint/PubKeyEd25519"


class LightViews:
    """Of one node.

    Args:
        chain: what it has on its disk.
        engine: its CometBFT; None: it decides alone.
    """

    def __init__(self, chain: Chain, engine: Query | None) -> None:
        self._chain: Final = chain
        self._engine: Final = engine

    @property
    def _asked(self) -> Query:
        """LC-20. Raises NotFound where nothing is signed."""
        if self._engine is None:
            raise NotFound(
                "LC-20: this node decides alone, and nobody signs its blocks",
                why="with one validator on the embedded engine there is nothing to verify but "
                "that each block names the one before",
                fix="ask a node that CometBFT drives, or trust this one",
            )
        return self._engine

    def commit(self, height: int | None) -> CommitView:
        """Header and commit of a height, or the newest. Raises NotFound."""
        parameters = {} if height is None else {"height": height}
        signed = signed_header(self._asked.ask("commit", **parameters))
        return CommitView(height=signed.header.height, signed=hex_of(signed.to_bytes()))

    def validators(self, height: int) -> ValidatorsView:
        """Who signs a height. Raises NotFound."""
        found: list[Any] = []
        total = 1
        while len(found) < min(total, MAX_VALIDATORS + 1):  # one more is refused: LC-3
            page = len(found) // _PAGE + 1
            answer = self._asked.ask("validators", height=height, page=page, per_page=_PAGE)
            items = member(answer, "validators")
            if not isinstance(items, list) or not items:
                raise EngineAnswer("it lists no validators", where=f"height {height}")
            found += items
            total = integer(member(answer, "total"))
        return ValidatorsView(height=height, validators=hex_of(validator_set(found).to_bytes()))

    def headers(self, first: int, limit: int) -> HeadersView:
        """Our headers, as far as this node has them. Raises NotKept: SN-12."""
        tip = self._chain.height
        self._chain.check_kept(max(first, 1))
        found = [
            hex_of(header.to_bytes())
            for header in self._chain.headers(Height(first), Height(min(tip, first + limit - 1)))
        ]
        return HeadersView(first=first, tip=tip, headers=found)


def signed_header(answer: Any) -> SignedHeader:
    """CometBFT's answer to `commit`.

    Raises:
        EngineAnswer: of another form; what does not fit LC-1 as well.
    """
    header, commit = (member(answer, "signed_header", name) for name in ("header", "commit"))
    places = member(commit, "signatures")
    if not isinstance(places, list):
        raise EngineAnswer("signatures are no list", where="commit")
    found = SignedHeader(
        _header(header),
        Commit(
            integer(member(commit, "height")),
            integer(member(commit, "round")),
            block_id(member(commit, "block_id")),
            tuple(map(_place, places)),
        ),
    )
    return _checked(found)


def _checked(found: SignedHeader) -> SignedHeader:
    try:
        return SignedHeader.from_bytes(found.to_bytes())
    except (DecodeError, OverflowError) as error:
        raise EngineAnswer(f"no header of CometBFT 0.38: {error}", where="commit") from error


def _header(value: Any) -> EngineHeader:
    def digest(name: str) -> bytes:
        return hexadecimal(member(value, name))

    return EngineHeader(
        block_protocol=integer(member(value, "version", "block")),
        app_protocol=integer(value["version"].get("app", 0)),
        chain_id=str(member(value, "chain_id")),
        height=integer(member(value, "height")),
        moment=moment(member(value, "time")),
        last_block=block_id(member(value, "last_block_id")),
        last_commit_hash=digest("last_commit_hash"),
        data_hash=digest("data_hash"),
        validators_hash=digest("validators_hash"),
        next_validators_hash=digest("next_validators_hash"),
        consensus_hash=digest("consensus_hash"),
        app_hash=digest("app_hash"),
        last_results_hash=digest("last_results_hash"),
        evidence_hash=digest("evidence_hash"),
        proposer=digest("proposer_address"),
    )


def _place(value: Any) -> CommitPlace:
    flag = integer(member(value, "block_id_flag"))
    if flag == Flag.ABSENT:
        return ABSENT
    if flag not in Flag.__members__.values():
        raise EngineAnswer(f"a place of kind {flag}", where="commit")
    return CommitPlace(
        Flag(flag),
        hexadecimal(member(value, "validator_address")),
        moment(member(value, "timestamp")),
        base64_bytes(member(value, "signature")),
    )


def validator_set(items: list[Any]) -> ValidatorSet:
    """CometBFT's list of validators. Raises EngineAnswer."""
    members = []
    for item in items:
        if member(item, "pub_key", "type") != _KEY_TYPE:
            raise EngineAnswer("a key of another kind than Ed25519", where="validators")
        key = base64_bytes(member(item, "pub_key", "value"))
        members.append((key, integer(member(item, "voting_power"))))
    try:
        return ValidatorSet.of(members)
    except DecodeError as error:
        raise EngineAnswer(f"no validators: {error.message}", where="validators") from error
