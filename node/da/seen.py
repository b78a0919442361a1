"""Which ciphertexts were ordered before (P1-12): the memory that PX-12 asks of the chain.

Who copies a sealed intent under another payer's name copies its random point U as well; a second
one with the same U is refused for as long as the first could still be ordered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from node.core.ids import ID_BYTES, Height
from node.da.errors import DataRefused


@dataclass(frozen=True)
class Seen:
    """Tags (32 bytes, a hash of U) by the last height at which their intents may be ordered."""

    tags: Mapping[bytes, Height] = field(default_factory=dict)

    def admit(self, tags: Iterable[tuple[bytes, Height]], height: Height) -> Seen:
        """The same after a block has ordered these; tags whose time is over are dropped.

        Args:
            tags: of the block's intents in order, each with its expiry.
            height: of the block.

        Raises:
            DataRefused: DA-32, a tag twice in the block or before; DA-24, expired or no tag.
        """
        after = {tag: expiry for tag, expiry in self.tags.items() if expiry >= height}
        for tag, expiry in tags:
            where = f"tag {tag.hex()[:16]}…"
            if len(tag) != ID_BYTES:
                raise DataRefused("DA-24", f"a tag of {len(tag)} bytes, not 32", where="tag")
            if expiry < height:
                raise DataRefused("DA-24", f"expired at {expiry}, this is {height}", where=where)
            if tag in after:
                raise DataRefused(
                    "DA-32",
                    "the same ciphertext was ordered before",
                    where=where,
                    why="a copy under another name would learn or take what it copies",
                    fix="seal the intent again, with fresh randomness",
                )
            after[tag] = expiry
        return Seen(after)
