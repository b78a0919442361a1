"""Proof claims against verifying keys: many at a time, and none twice.

S-23: a verdict belongs to the full bytes of a claim, that is key id, every public input and every
byte of the proof; of one that hides inputs also its point, link, commitments and context, since
neither the equation nor the link says anything alone. Transaction ids do not cover proofs, so a
verdict under an id would let whoever gossips an id with a garbage proof shut out the honest copy,
or let a good copy vouch for a bad one (incidents 24 and 25).

Each claim is judged by itself: so its verdict is what every node comes to, whatever it draws. Who
asks about many and decides no block, an audit, has them judged together (`node.audit.proofs`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from node.core.interfaces import ProofClaim
from node.execution.bounded import BoundedCache
from node.execution.errors import fresh
from node.execution.linked import check_claim
from private_exec.errors import LinkRefused
from zk import backends
from zk.errors import ChiaroError, DecodeError, InvalidProof, ShapeMismatch, UnknownKey
from zk.groth16.keys import VerifyingKey
from zk.interfaces import Backend

MOST_VERDICTS: Final = 8192
"""About a kilobyte each."""
_MOST_WORKERS: Final = 4
_VERDICTS: Final = (InvalidProof, DecodeError, LinkRefused, ShapeMismatch)
"""What says something of the claim. Any other error is this machine's and is raised."""


class GrothVerifier:
    """`node.core.interfaces.ProofVerifier` over Groth16.

    Args:
        keys: verifying key of each key id, such as `action/1`; checked by S-11 when they were made.
        backend: what computes; default: the fastest that starts here.
        workers: threads for a batch; compiled kernels release the interpreter's lock.
        most_verdicts: bound of the cache, in claims.
    """

    def __init__(
        self,
        keys: Mapping[str, VerifyingKey],
        backend: Backend | None = None,
        workers: int | None = None,
        *,
        most_verdicts: int = MOST_VERDICTS,
    ) -> None:
        self._keys = dict(keys)
        self._backend = backend
        self._workers = workers or min(_MOST_WORKERS, os.cpu_count() or 1)
        self._verdicts: BoundedCache[ProofClaim, ChiaroError | bool] = BoundedCache(most_verdicts)
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def verify(self, claims: Sequence[ProofClaim]) -> list[ChiaroError | None]:
        """One entry per claim, in order: `None`, or why it is refused.

        Raises:
            BackendError: this machine failed to compute; it says nothing of any claim.
        """
        verdicts: dict[ProofClaim, ChiaroError | bool] = {}
        unknown: list[ProofClaim] = []
        for claim in dict.fromkeys(claims):
            known = self._verdicts.get(claim)
            if known is None:
                unknown.append(claim)
            else:
                verdicts[claim] = known
        for claim, verdict in zip(unknown, self._judge_all(unknown), strict=True):
            self._verdicts.put(claim, verdict)
            verdicts[claim] = verdict
        found = (verdicts[claim] for claim in claims)
        return [fresh(v) if isinstance(v, ChiaroError) else None for v in found]

    def close(self) -> None:
        """Stop the threads."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown()
                self._pool = None

    def _judge_all(self, claims: list[ProofClaim]) -> list[ChiaroError | bool]:
        if len(claims) < 2 or self._workers < 2:
            return [self._judge(claim) for claim in claims]
        with self._lock:
            self._pool = self._pool or ThreadPoolExecutor(self._workers, "verify")
            pool = self._pool
        return list(pool.map(self._judge, claims))

    def _judge(self, claim: ProofClaim) -> ChiaroError | bool:
        """True, or the refusal; EX-17 caches both."""
        key = self._keys.get(claim.key_id)
        if key is None:
            return UnknownKey("no key of this chain", where=f"key {claim.key_id!r}")
        try:
            check_claim(key, claim, self._chosen_backend())
        except _VERDICTS as error:
            return fresh(error)  # without frames, which a cache would keep alive
        return True

    def _chosen_backend(self) -> Backend:
        if self._backend is None:
            self._backend = backends.get()
        return self._backend
