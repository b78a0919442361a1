"""What intents are checked against: a committed state, and the executor that would go on from it.

The executor is received, not imported: a transaction in a settlement is judged by exactly the code
that judges it in a block, proofs included.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from node.core.ids import Height
from node.core.interfaces import Admission, BlockResult, ProofVerifier, StateReader, TxContext
from shielded.env import ShieldedEnvironment
from shielded.transaction import Scope


class Posterior:
    """A state with writes on top; implements `node.core.interfaces.StateReader`.

    A settlement has thousands of components, and a stack of as many states would end in the depth
    of Python's own. So one takes over the writes of those below that are not twice as many: the
    stack is as deep as the logarithm of all writes, and each is copied as often.

    Args:
        base: never written.
        writes: key → value, `None` hides a key.

    Attributes:
        base: below all that is `own`.
        own: writes on top of it; not to be changed.
    """

    def __init__(self, base: StateReader, writes: Mapping[bytes, bytes | None]) -> None:
        own = dict(writes)
        while isinstance(base, Posterior) and len(base.own) <= 2 * len(own):
            own = {**base.own, **own}
            base = base.base
        self.base: Final[StateReader] = base
        self.own: Final[Mapping[bytes, bytes | None]] = own
        self._keys: list[bytes] | None = None

    def get(self, key: bytes) -> bytes | None:
        return self.own[key] if key in self.own else self.base.get(key)

    def iterate(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Ascending."""
        if self._keys is None:
            self._keys = sorted(self.own)
        merged: dict[bytes, bytes | None] = dict(self.base.iterate(prefix))
        for key in itertools.islice(self._keys, bisect_left(self._keys, prefix), None):
            if not key.startswith(prefix):
                break
            merged[key] = self.own[key]
        return iter(sorted((key, value) for key, value in merged.items() if value is not None))


class Judge(Protocol):
    """The part of `node.core.interfaces.BlockExecutor` that intents need."""

    def check(
        self, txs: Sequence[bytes], reader: StateReader, height: Height
    ) -> list[Admission]: ...

    def execute(
        self, txs: Sequence[bytes], reader: StateReader, height: Height, time_ms: int
    ) -> BlockResult: ...


@dataclass(frozen=True, slots=True)
class View:
    """Where a batch would settle.

    Attributes:
        context: chain, and the height of the block that would settle it.
        state: committed, before that block.
        executor: judges and runs whole transactions.
        verifier: of the proofs of single parties, which are no transactions yet.
        shielded: what knows anchors and claims of a shielded action.
        scope: the batch's own (S-19); None where there are no DA domains.
    """

    context: TxContext
    state: StateReader
    executor: Judge
    verifier: ProofVerifier
    shielded: ShieldedEnvironment
    scope: Scope | None = None

    def after(self, writes: Mapping[bytes, bytes | None]) -> View:
        """The same place, with these writes done."""
        return replace(self, state=Posterior(self.state, writes))
