"""All proofs of many blocks by one random combination, and each verdict once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

from node.core.interfaces import ProofClaim
from node.execution.bounded import BoundedCache
from node.execution.errors import fresh
from node.execution.linked import hidden_count, said_by
from private_exec.errors import LinkRefused
from private_exec.linking import Linked, judge_linked
from zk import backends
from zk.errors import ChiaroError, DecodeError, UnknownKey
from zk.groth16.batch import Item, judge
from zk.groth16.keys import Proof, VerifyingKey
from zk.interfaces import Backend

MOST_VERDICTS: Final = 1 << 14


class BatchVerifier:
    """`node.core.interfaces.ProofVerifier` that judges what it does not know in one batch.

    Verdicts are kept by the full bytes of a claim (S-23): what was judged while looking ahead is
    known when the executor asks.

    Args:
        keys: verifying key of each key id.
        backend: what computes; default: the fastest that starts here.
    """

    def __init__(self, keys: Mapping[str, VerifyingKey], backend: Backend | None = None) -> None:
        self._keys = dict(keys)
        self._backend = backend
        self._verdicts: BoundedCache[ProofClaim, ChiaroError | bool] = BoundedCache(MOST_VERDICTS)
        self._warm: set[str] = set()
        self.judged = 0
        """Proofs judged so far."""
        self.seconds = 0.0
        """What that took, without loading or compiling what computes."""

    def forget_times(self) -> None:
        """Count from here on."""
        self.judged, self.seconds = 0, 0.0

    def verify(self, claims: Sequence[ProofClaim]) -> list[ChiaroError | None]:
        """One entry per claim, in order: `None`, or why it is refused.

        Raises:
            BackendError: this machine failed to compute.
        """
        known: dict[ProofClaim, ChiaroError | bool] = {}
        unknown: dict[str, list[ProofClaim]] = {}
        for claim in dict.fromkeys(claims):
            verdict = self._verdicts.get(claim)
            if verdict is None:
                unknown.setdefault(claim.key_id, []).append(claim)
            else:
                known[claim] = verdict
        for key_id, batch in unknown.items():
            for claim, verdict in zip(batch, self._judge(key_id, batch), strict=True):
                self._verdicts.put(claim, verdict)
                known[claim] = verdict
        found = (known[claim] for claim in claims)
        return [fresh(v) if isinstance(v, ChiaroError) else None for v in found]

    def _judge(self, key_id: str, claims: Sequence[ProofClaim]) -> list[ChiaroError | bool]:
        key = self._keys.get(key_id)
        if key is None:
            return [UnknownKey("no key of this chain", where=f"key {key_id!r}") for _ in claims]
        backend = self._ready(key_id, key)
        started = time.perf_counter()
        try:
            return _judged(key, claims, backend)
        finally:
            self.judged += len(claims)
            self.seconds += time.perf_counter() - started

    def _ready(self, key_id: str, key: VerifyingKey) -> Backend:
        """The backend, with all that a batch under this key needs loaded.

        The proofs that warm it up are made of the key's own points: well-formed and false.
        """
        if self._backend is None:
            self._backend = backends.get()
        if key_id not in self._warm:
            proof = Proof(key.alpha, key.beta, key.alpha)
            judge(key, [((number,) * key.publics, proof) for number in range(2)], self._backend)
            self._warm.add(key_id)
        return self._backend


def _judged(
    key: VerifyingKey, claims: Sequence[ProofClaim], backend: Backend
) -> list[ChiaroError | bool]:
    """True, or the refusal, per claim."""
    verdicts: list[ChiaroError | bool] = [True] * len(claims)
    items: list[Item] = []
    places: list[int] = []
    tied: dict[int, list[tuple[int, Linked]]] = {}
    for index, claim in enumerate(claims):
        try:
            if (linked := claim.linked) is not None:
                said = index, said_by(claim, linked)
                tied.setdefault(hidden_count(linked), []).append(said)
                continue
            # The batch checks the order of every B by itself, many times as fast.
            proof = Proof.from_bytes(claim.proof, order=False)
        except (DecodeError, LinkRefused) as error:
            verdicts[index] = fresh(error)
            continue
        items.append((claim.public, proof))
        places.append(index)
    for place, refusal in zip(places, judge(key, items, backend), strict=True):
        if refusal is not None:
            verdicts[place] = fresh(refusal)
    for count, batch in tied.items():
        judged = judge_linked(key, count, [said for _, said in batch], backend)
        for (place, _), refusal in zip(batch, judged, strict=True):
            if refusal is not None:
                verdicts[place] = fresh(refusal)
    return verdicts
