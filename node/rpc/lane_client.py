"""The sealed lane of a node over HTTP: keys, batches and problems, checked before they are used."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from node.core.errors import ConsensusFault
from node.core.genesis import Genesis
from node.core.intent import Intent
from node.core.lane import LaneDomain
from node.da.namespaced import NamespaceProof, check_namespace
from node.execution.bounded import BoundedCache
from node.intents.solvers.problem import Problem
from node.lane import layout, payload, provenance
from node.lane.errors import LaneRefused
from node.lane.trust import GENESIS_ONLY, check_holders
from node.rpc import lane_schema as schema
from node.rpc.errors import BadAnswer, StillPending
from node.rpc.lane_keys import LaneKeysView
from node.rpc.schema import Nothing
from node.rpc.text import bytes_of
from private_exec.errors import SealRefused
from private_exec.keys import EpochKey
from zk.errors import DecodeError

if TYPE_CHECKING:
    from node.rpc.client import NodeClient

_SIGNED_FOR: Final[BoundedCache[bytes, bool]] = BoundedCache(64)
"""Digests of keys that were checked to be the validators'; a digest binds chain and holders."""
ASK_AGAIN: Final = 5.0
"""Seconds after which a key is asked for again: the chain may have stood still meanwhile."""


class LaneClient:
    """Of one node.

    Args:
        node: how it is reached.
    """

    def __init__(self, node: NodeClient) -> None:
        self._node = node
        self._trust = node.trust or GENESIS_ONLY

    def state(self) -> schema.LaneView:
        """Domains, keys, batches under way. Raises NotFound where the chain has no lane."""
        return self._node.get("/lane", schema.LaneView)

    def keys(self) -> LaneKeysView:
        """What the node says of keys and of who makes them; not checked (see `key`)."""
        return self._node.get("/lane/keys", LaneKeysView)

    def key_state(self, domain: int, epoch: int | None = None) -> schema.KeyView:
        """What the node says of a key; not checked (see `key`)."""
        query = None if epoch is None else {"epoch": epoch}
        return self._node.get(f"/lane/{domain}/key", schema.KeyView, query)

    def want_key(self, domain: int) -> schema.WantedView:
        """Ask the node's validator to make a domain's key."""
        return self._node.post(f"/lane/{domain}/key", Nothing(), schema.WantedView)

    def key(self, genesis: Genesis, domain: int, epoch: int) -> EpochKey | None:
        """RPC-28: the key of an epoch, of exactly this place, as its validators signed for it.

        Args:
            genesis: of the chain that the caller means: who holds the shares follows from it, or
                from what else the client trusts (`NodeClient.trust`, LN-49).
            domain: number.
            epoch: number.

        Returns:
            None: it has not been made.

        Raises:
            InvalidStateProof, BadAnswer: RPC-28.
            LaneRefused: LN-49, its holders are none that the client knows.
        """
        view = self._node.state(layout.epoch_key(domain, epoch))
        if view.value is None:
            return None
        data = view.value
        found = self._node.checked(lambda: EpochKey.from_bytes(bytes_of(data)))
        where = (found.domain.chain_id, found.domain.da_domain, found.epoch)
        if where != (genesis.chain_id, domain, epoch):
            raise BadAnswer(
                "RPC-28: the key is of another chain, domain or epoch",
                where=f"domain {domain}, epoch {epoch}",
                why="an intent sealed under it could be read by others, at once",
                fix="ask another node",
            )
        check_holders(genesis, found, self._trust)
        if not _SIGNED_FOR.get(found.digest):
            self._check_signed(genesis, found, view.height)
            _SIGNED_FOR.put(found.digest, True)
        return found

    def _check_signed(self, genesis: Genesis, key: EpochKey, height: int) -> None:
        """RPC-28, LN-43: not the node's word, but what validators said when they made the key.

        Raises:
            InvalidStateProof, BadAnswer: RPC-28.
        """
        domain, epoch = key.domain.da_domain, key.epoch
        place = layout.attempt_key(domain, epoch)
        try:
            entries = {place: self._entry(place, height)}
            for name in provenance.keys_of_words(key.roster, domain, epoch, entries[place]):
                entries[name] = self._entry(name, height)
            provenance.check_signed(genesis, key, entries)
        except (LaneRefused, ConsensusFault, DecodeError, SealRefused) as error:
            raise BadAnswer(
                f"RPC-28: the chain's validators did not make this key: {error.message}",
                where=f"domain {domain}, epoch {epoch}",
                why="whoever made it could read what is sealed under it at once",
                fix="ask another node",
            ) from error

    def _entry(self, key: bytes, height: int) -> bytes:
        value = self._node.state(key, height).value
        if value is None:
            raise LaneRefused("LN-43", "a message of its making is not told", where="epoch key")
        return self._node.checked(lambda: bytes_of(value))

    def wait_for_key(
        self,
        genesis: Genesis,
        domain: int,
        timeout: float,
        progress: Callable[[schema.KeyView], None] | None = None,
    ) -> EpochKey:
        """The key of the current epoch; asks for it where nobody has begun to make it.

        Raises:
            StillPending: it is not made when `timeout` seconds are over.
        """
        deadline = time.monotonic() + timeout
        while True:
            view = self.want_key(domain).key
            if progress is not None:
                progress(view)
            if view.state == "made":
                found = self.key(genesis, domain, view.epoch)
                if found is not None:
                    return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise StillPending(
                    f"domain {domain} has no key for epoch {view.epoch} after {timeout:g} s",
                    where=f"heights {view.first} to {view.last}",
                    why="validators make it in four rounds of blocks, when one is asked for",
                    fix="try again; `chiaro validator keys` shows how far they are",
                )
            self._node.events(self._node.status().height, min(left, ASK_AGAIN))

    def batch(self, domain: int, number: int) -> schema.BatchView:
        """RPC-29: a batch; the id of every opened intent is that of its bytes.

        Raises:
            NotFound: there is none.
            BadAnswer: RPC-29.
        """
        view = self._node.get(f"/lane/{domain}/batches/{number}", schema.BatchView)
        for item in view.opened:
            intent = self._node.checked(
                lambda: Intent.from_bytes(bytes_of(item.intent))  # noqa: B023
            )
            if bytes_of(item.id) != intent.id:
                raise BadAnswer(
                    "RPC-29: an opened intent has another id than the one named", where=item.id
                )
        return view

    def problem(self, genesis: Genesis, domain: int, number: int) -> tuple[Problem, int]:
        """RPC-30: what to solve, and the height below which a settlement is taken.

        Raises:
            NotFound: the batch is not being solved.
            BadAnswer: RPC-30, of another chain or height.
        """
        view = self._node.get(f"/lane/{domain}/batches/{number}/problem", schema.ProblemView)
        found = self._node.checked(lambda: Problem.from_bytes(bytes_of(view.problem)))
        if found.chain_id != genesis.chain_id or found.height != view.deadline:
            raise BadAnswer(
                "RPC-30: posed for another chain or height than it says",
                where=f"batch {number} of domain {domain}",
                fix="ask another node, or pose the problem with a node of your own",
            )
        return found, view.deadline

    def opened_of(self, domain: int, number: int, app: bytes) -> tuple[bytes, ...]:
        """RPC-31: all opened intents of an application, none left out.

        Raises:
            NotFound: the batch has none that are kept.
            DataRefused: DA-18, something was left out, added or changed.
            InvalidStateProof, BadAnswer: the tree is not the chain's.
        """
        view = self.completeness(domain, number, app)
        root = self._node.state(layout.tree_key(payload.ref(domain, number)), view.height)
        if root.value is None or root.value != view.tree:
            raise BadAnswer(
                "RPC-31: the tree is not the one in the chain's state",
                where=f"batch {number} of domain {domain}",
            )
        return self.complete(view, bytes_of(view.tree), app)

    def completeness(self, domain: int, number: int, app: bytes) -> schema.CompletenessView:
        """What the node says of it, unchecked. Raises NotFound."""
        path = f"/lane/{domain}/batches/{number}/proof"
        return self._node.get(path, schema.CompletenessView, {"app": "0x" + app.hex()})

    def complete(self, view: schema.CompletenessView, tree: bytes, app: bytes) -> tuple[bytes, ...]:
        """The intents of it, all those under a tree that the caller has proved.

        Raises:
            DataRefused: DA-18. BadAnswer: it does not decode.
        """
        data = self._node.checked(lambda: tuple(bytes_of(item) for item in view.data))
        proof = self._node.checked(lambda: NamespaceProof.from_bytes(bytes_of(view.proof)))
        check_namespace(tree, app, data, proof)
        return data

    def seal(self, intent_id: bytes) -> schema.SealView:
        """Where a sealed intent is, by the id of its envelope. Raises NotFound: in no batch."""
        return self._node.get(f"/lane/seals/{intent_id.hex()}", schema.SealView)


def domain_named(genesis: Genesis, text: str) -> LaneDomain:
    """A domain by name or number.

    Raises:
        DecodeError: the chain has no such domain, or no lane.
    """
    if genesis.lane is None:
        raise DecodeError("this chain has no sealed lane")
    for domain in genesis.lane.domains:
        if text in {domain.name, str(domain.number)}:
            return domain
    known = ", ".join(f"{domain.number} {domain.name}" for domain in genesis.lane.domains)
    raise DecodeError(f"no domain {text!r}; there are {known}")
