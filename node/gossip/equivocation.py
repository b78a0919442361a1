"""Two statements of one node under one number: evidence that anyone can check. Rules GO-12, GO-13.

Evidence holds two contents and two signatures and nothing else: 232 bytes, whatever the messages
were. What follows from it (here: GO-14; elsewhere a bond) is not its business.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import KEY_BYTES
from node.core.ids import ID_BYTES, ChainId, tagged_hash
from node.gossip.errors import InvalidMessage, decoding
from node.gossip.statement import SIGNATURE_BYTES, Statement

EVIDENCE_BYTES: Final = KEY_BYTES + 8 + 2 * (ID_BYTES + SIGNATURE_BYTES)


@dataclass(frozen=True, slots=True)
class Evidence:
    """`node` signed both contents as its statement number `seq`.

    Attributes:
        node: key of the culprit.
        seq: the number.
        contents: two different ones, the lower first.
        signatures: of the first and of the second.
    """

    node: bytes
    seq: int
    contents: tuple[bytes, bytes]
    signatures: tuple[bytes, bytes]

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.node, KEY_BYTES).u64(self.seq)
        for content, signature in zip(self.contents, self.signatures, strict=True):
            writer.raw(content, ID_BYTES).raw(signature, SIGNATURE_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Evidence:
        """Exactly 232 bytes; nothing is verified yet.

        Raises:
            InvalidMessage: GO-12.
        """
        with decoding("GO-12", "evidence"):
            reader = Reader(data, "evidence")
            node, seq = reader.take(KEY_BYTES), reader.u64()
            first, one = reader.take(ID_BYTES), reader.take(SIGNATURE_BYTES)
            second, two = reader.take(ID_BYTES), reader.take(SIGNATURE_BYTES)
            reader.done()
        return Evidence(node, seq, (first, second), (one, two))

    def verify(self, chain_id: ChainId) -> None:
        """Raise unless it convicts `node` on that chain.

        Raises:
            InvalidMessage: GO-12: contents equal or in the wrong order, or a signature is not its.
        """
        if not self.contents[0] < self.contents[1]:
            raise InvalidMessage("GO-12", "the contents do not differ, or stand in the wrong order")
        for content, signature in zip(self.contents, self.signatures, strict=True):
            Statement(self.node, self.seq, content, signature).verify(chain_id, "GO-12", "evidence")

    @property
    def culprit_id(self) -> bytes:
        """Name of a conviction, 32 bytes: one node is convicted once, by whatever evidence."""
        return tagged_hash("gossip/culprit", self.node)


def evidence_of(first: Statement, second: Statement) -> Evidence:
    """Put two statements of one node and number into the canonical order.

    Raises:
        InvalidMessage: GO-12: of two nodes or numbers; GO-13: they say the same.
    """
    if (first.node, first.seq) != (second.node, second.seq):
        raise InvalidMessage("GO-12", "the statements are of two nodes, or of two numbers")
    if first.content == second.content:
        raise InvalidMessage("GO-13", "both say the same: signing again is no equivocation")
    low, high = sorted((first, second), key=lambda said: said.content)
    return Evidence(low.node, low.seq, (low.content, high.content), (low.signature, high.signature))


class StatementLedger:
    """What was said under which number, as far back as there is room.

    Args:
        most: statements remembered; the one not looked at longest is forgotten first. Two
            conflicting ones further apart than that are not noticed here.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._said: OrderedDict[tuple[bytes, int], tuple[bytes, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._said)

    def conflicts(self, statement: Statement) -> bool:
        """Whether it contradicts a remembered one; its signature need not be verified for that."""
        said = self._said.get((statement.node, statement.seq))
        return said is not None and said[0] != statement.content

    def is_twin(self, statement: Statement) -> bool:
        """Whether the same was said before, under another signature: no second message."""
        said = self._said.get((statement.node, statement.seq))
        return said is not None and said[0] == statement.content and said[1] != statement.signature

    def record(self, statement: Statement) -> Evidence | None:
        """Remember a *verified* statement; evidence if it contradicts an earlier one."""
        key = (statement.node, statement.seq)
        said = self._said.get(key)
        if said is None:
            self._said[key] = (statement.content, statement.signature)
            if len(self._said) > self._most:
                self._said.popitem(last=False)
            return None
        self._said.move_to_end(key)
        if said[0] == statement.content:
            return None
        return evidence_of(Statement(*key, *said), statement)
