"""What members that carry out sales ask a chain made by hand."""

from __future__ import annotations

from node.core.ids import Height
from node.private import sale_state as entries
from node.private.member.view import Held
from node.testing.sales import SaleChain


class Asked:
    """The chain that members ask, of sales alone."""

    def __init__(self, chain: SaleChain) -> None:
        self.chain = chain

    def height(self) -> int:
        return self.chain.height

    def get(self, key: bytes, height: int) -> bytes | None:
        return self.chain.ledger.store.reader(Height(height)).get(key)

    def rounds(self) -> list[bytes]:
        return []

    def deposits(self) -> list[bytes]:
        return []

    def sales(self) -> list[bytes]:
        over, following = {"opened", "settled", "failed"}, self.chain.height + 1
        every = entries.sales(self.chain.state)
        return [key for key, found in every if found.label(following) not in over]

    def held(self, first: int) -> Held:  # noqa: ARG002
        return Held([])

    def coming(self) -> list[bytes]:
        return []

    def send(self, tx: bytes) -> None:
        self.chain.run(tx)
