"""What CometBFT says of itself, asked on its own UNIX socket: nobody else reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from node.consensus.cometbft.query import Query, hexadecimal, integer, member


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Of one CometBFT.

    Attributes:
        height: of the last block that it has.
        syncing: it is fetching blocks that the others have.
        peers: with which it is connected.
        node: its id, as peers name it.
    """

    height: int
    syncing: bool
    peers: int
    node: str


def ask(path: Path) -> EngineStatus:
    """Blocking.

    Args:
        path: of the socket.

    Raises:
        Unreachable: it does not answer.
        EngineAnswer: not as CometBFT does.
        NotFound: an empty answer.
    """
    query = Query(path)
    status, net = query.ask("status"), query.ask("net_info")
    return EngineStatus(
        height=integer(member(status, "sync_info", "latest_block_height")),
        syncing=member(status, "sync_info", "catching_up") is True,
        peers=integer(member(net, "n_peers")),
        node=str(member(status, "node_info", "id")),
    )


def voted_root(path: Path) -> tuple[int, bytes] | None:
    """The height below which everybody's state is known by votes, and its root; None: it is not.

    What more than two thirds voted for names the state before it. A CometBFT whose application has
    another one stops to take part, answers questions, and says so in its log only.

    Args:
        path: of the socket.

    Raises:
        Unreachable, EngineAnswer, NotFound: as `ask`.
    """
    state = member(Query(path).ask("dump_consensus_state"), "round_state")
    block = member(state, "valid_block")
    if block is None and integer(member(state, "commit_round")) >= 0:
        block = member(state, "proposal_block")  # which is then the one that was decided
    if block is None:
        return None
    header = member(block, "header")
    return integer(member(header, "height")) - 1, hexadecimal(member(header, "app_hash"))
