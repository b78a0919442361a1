"""Open intents of a node over HTTP: every message is verified before anybody uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.core.genesis import Genesis
from node.core.intent import Intent
from node.gossip.message import Message
from node.intents.batch import Batch
from node.intents.solvers.problem import Problem
from node.rpc import gossip_schema as schema
from node.rpc.errors import BadAnswer
from node.rpc.text import bytes_of, hex_of
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from node.rpc.client import NodeClient


class GossipClient:
    """Of one node.

    Args:
        node: how it is reached.
    """

    def __init__(self, node: NodeClient) -> None:
        self._node = node

    def publish(self, message: Message) -> schema.PublishedView:
        """Hand a message in, as its origin; may be repeated.

        Raises:
            PolicyRefused, NodeError: with the rule GO-n that refused.
            BadAnswer: the node took something else.
        """
        request = schema.PublishRequest(message=hex_of(message.to_bytes()))
        view = self._node.post("/gossip", request, schema.PublishedView)
        if view.id != hex_of(message.id):
            raise BadAnswer("RPC-41: the node answers for another message", where=view.id)
        return view

    def messages(
        self,
        genesis: Genesis,
        *,
        app: bytes = b"",
        schema_prefix: str = "",
        sealed: bool = False,
        solver: bytes | None = None,
    ) -> Iterator[Message]:
        """RPC-42: all that the node holds, verified back to their origins.

        Args:
            genesis: of the chain.
            app: first bytes of the namespace.
            schema_prefix: first characters of the schema.
            sealed: the sealed ones; else the open ones.
            solver: who will settle them.

        Raises:
            BadAnswer: RPC-42.
        """
        since: int | None = 0
        while since is not None:
            query: dict[str, Any] = {"app": "0x" + app.hex(), "schema": schema_prefix}
            query |= {"sealed": "true" if sealed else "false", "since": since}
            if solver is not None:
                query["solver"] = hex_of(solver)
            page = self._node.get("/gossip", schema.MessagePage, query)
            if page.next is not None and page.next <= since:
                raise BadAnswer("RPC-42: the node answers for other messages", where="next")
            for view in page.messages:
                yield self._verified(view, genesis, solver)
            since = page.next

    def _verified(
        self, view: schema.MessageView, genesis: Genesis, solver: bytes | None
    ) -> Message:
        try:
            message = Message.from_bytes(bytes_of(view.message))
            message.verify(genesis.chain_id, solver)
        except ChiaroError as error:
            raise BadAnswer(f"RPC-42: {error.id}: {error.message}", where=view.id) from error
        if hex_of(message.id) != view.id:
            raise BadAnswer("RPC-42: a message has another id than the one named", where=view.id)
        return message

    def fate(self, name: bytes) -> schema.FateView:
        """What became of a message, or of a settled intent. Raises NotFound."""
        return self._node.get(f"/gossip/{name.hex()}", schema.FateView)

    def problem(self, genesis: Genesis, intents: Sequence[Intent]) -> Problem:
        """RPC-44: intents as a problem, on the node's state; shows them to the node.

        Raises:
            BadAnswer: RPC-44, posed of others or for another chain or height.
        """
        request = schema.PoseRequest(intents=[hex_of(intent.to_bytes()) for intent in intents])
        view = self._node.post("/gossip/problem", request, schema.OpenProblemView)
        found = self._node.checked(lambda: Problem.from_bytes(bytes_of(view.problem)))
        batch = Batch(genesis.chain_id, None, tuple(intents))
        posed = found.chain_id, found.height, found.batch_id
        if posed != (genesis.chain_id, view.height, batch.id) or not (
            {intent.id for intent, _ in found.entries} <= {intent.id for intent in intents}
        ):
            raise BadAnswer(
                "RPC-44: posed of other intents, or for another chain or height than it says",
                fix="ask another node, or pose the problem with a node of your own",
            )
        return found
