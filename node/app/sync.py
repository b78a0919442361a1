"""Whom a node that begins with a snapshot believes at first.  Rule SN-16.

CometBFT's light client starts from a header that is trusted: a height and a hash, here taken from
the RPC of peers that the user names. Whoever names peers trusts that not all of them lie; so the
hash is there to be compared with what others say, by another way. A home that begins so is made by
`node.app.hosting.make`, with the answer in its `Network`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from node.consensus.cometbft import mapping
from node.consensus.cometbft.home import StateSync
from node.consensus.cometbft.query import EngineAnswer, Query, hexadecimal, integer, member
from node.core.errors import NodeError, NotFound, Unreachable
from node.core.genesis import Genesis
from node.core.place import is_place

BACK: Final = 2_000
"""Heights behind the last one: before the snapshots that peers have, as a light client goes forward
in few steps, and backward in as many as there are blocks."""
_HASH: Final = 32
_ENDS: Final = ("earliest", "latest")


class SyncRefused(NodeError):
    """SN-16: peers that cannot be begun from."""

    code = "STO-005"
    exit_code = 5
    why = "a node that begins from a header of another chain would follow that chain for good"
    fix = "name peers of this chain, and compare the hash with people whom you trust"


@dataclass(frozen=True, slots=True)
class Tip:
    """What a peer has: the lowest and the highest height."""

    first: int
    last: int


def trusted(genesis: Genesis, servers: Sequence[str], back: int = BACK) -> StateSync:
    """SN-16: a header that all these peers have, and say the same of.

    Args:
        genesis: of the chain.
        servers: RPC of the CometBFT of one peer or more, `http://HOST:PORT`.
        back: how far behind the last common height, if they have it.

    Raises:
        SyncRefused: they are of another chain, have no height in common, or disagree.
        Unreachable: one does not answer.
    """
    if not servers:
        raise SyncRefused("SN-16: no peer is named")
    for server in servers:
        _check_address(server)
    tips = [_tip(genesis, server) for server in servers]
    first, last = max(tip.first for tip in tips), min(tip.last for tip in tips)
    height = max(first, last - back, 1)
    if height > last:
        raise SyncRefused(f"SN-16: no height that all have: from {first}, to {last}")
    hashes = [_hash(genesis, server, height) for server in servers]
    if len(set(hashes)) > 1:
        said = ", ".join(f"{s}: {h.hex()}" for s, h in zip(servers, hashes, strict=True))
        raise SyncRefused(f"SN-16: peers disagree about block {height}", where=said)
    return StateSync(tuple(servers), height, hashes[0])


def _check_address(server: str) -> None:
    """SN-16: `http://HOST:PORT`, also as CometBFT's configuration is to have it."""
    scheme, _, place = server.removesuffix("/").partition("://")
    if scheme not in {"http", "https"} or not is_place(place):
        raise SyncRefused(
            "SN-16: a peer's address is not http://HOST:PORT",
            where="--sync-from",
            why="it goes into a configuration and is shown: no name, no password, no path",
            fix="give the peer's --engine-rpc as http://HOST:PORT",
        )


def _tip(genesis: Genesis, server: str) -> Tip:
    found = _ask(server, "status")
    with _refusing(server):
        if member(found, "node_info", "network") != mapping.engine_chain_id(genesis):
            raise SyncRefused("SN-16: the peer is of another chain", where=server)
        known = member(found, "sync_info")
        heights = [integer(member(known, f"{name}_block_height")) for name in _ENDS]
    return Tip(*heights)


def _hash(genesis: Genesis, server: str, height: int) -> bytes:
    found = _ask(server, "commit", height=height)
    with _refusing(server):
        signed = member(found, "signed_header")
        header = member(signed, "header")
        said = (member(header, "chain_id"), integer(member(header, "height")))
        hash_ = hexadecimal(member(signed, "commit", "block_id", "hash"))
    if said != (mapping.engine_chain_id(genesis), height):
        raise SyncRefused(f"SN-16: the peer answers another header than {height}", where=server)
    if len(hash_) != _HASH:
        raise SyncRefused(f"SN-16: the peer answers a hash of {len(hash_)} bytes", where=server)
    return hash_


def _ask(server: str, method: str, **parameters: int) -> Any:
    try:
        with _refusing(server):
            return Query(server).ask(method, **parameters)
    except Unreachable as error:
        error.where = server
        error.fix = "it answers on the network only if it was made with `--engine-rpc`"
        raise


@contextlib.contextmanager
def _refusing(server: str) -> Iterator[None]:
    """What is no answer is a peer's that cannot be begun from."""
    try:
        yield
    except (EngineAnswer, NotFound) as error:
        raise SyncRefused(f"SN-16: {error.message}", where=server) from None
