"""What a reader can set in motion: verify a stored proof again, read a blob from its rows.

RPC-61: both are computed anew, one at a time and not more often than the node can spare; neither
changes anything.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from node.core.errors import NotFound
from node.core.interfaces import ProofClaim
from node.execution.linked import check_claim
from node.explorer.errors import TooSoon
from node.lane.blobs import blob as blobs
from node.rpc.service import Service
from zk import backends
from zk.errors import BackendError, ChiaroError, UnknownKey
from zk.groth16.keys import VerifyingKey
from zk.interfaces import Backend

EVERY_S: Final = 0.25
"""On average between two of them."""
BURST: Final = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out.

    Attributes:
        ok: whether it holds.
        says: in a sentence.
        code: of what refused it; empty if nothing did.
        milliseconds: that it took, alone.
        machine: name of what computed.
    """

    ok: bool
    says: str
    code: str
    milliseconds: float
    machine: str


class Allowance:
    """A bucket of tokens. Safe between threads.

    Args:
        every_s: one comes in so many seconds.
        burst: most that are there at one time.
        clock: seconds, from anywhere.
    """

    def __init__(
        self, every_s: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every_s = every_s
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()
        self._lock = threading.Lock()

    def take(self) -> None:
        """One token. Raises TooSoon: RPC-61, none is there."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._at) / self._every_s)
            self._at = now
            if self._tokens < 1:
                raise TooSoon("RPC-61: asked for too often", where="this node, by anybody")
            self._tokens -= 1


class Again:
    """Does both.

    Args:
        service: of the node.
        keys: verifying key of each statement of the chain.
        allowance: shared by all readers.
        backend: what computes; default: the fastest that starts here.
    """

    def __init__(
        self,
        service: Service,
        keys: Mapping[str, VerifyingKey],
        allowance: Allowance | None = None,
        backend: Backend | None = None,
    ) -> None:
        self._service: Final = service
        self._keys: Final = dict(keys)
        self._allowance: Final = allowance or Allowance(EVERY_S, BURST)
        self._backend = backend

    def verify(self, claim: ProofClaim) -> Verdict:
        """A proof under the chain's key; no verdict that was remembered. Blocking.

        Raises:
            TooSoon: RPC-61.
            BackendError: this machine failed; it says nothing of the proof.
        """
        self._allowance.take()
        backend = self._backend = self._backend or backends.get()
        began = time.perf_counter()
        error: ChiaroError | None = None
        try:
            key = self._keys.get(claim.key_id)
            if key is None:
                raise UnknownKey("no key of this chain", where=f"key {claim.key_id!r}")
            check_claim(key, claim, backend)
        except BackendError:
            raise
        except ChiaroError as refused:
            error = refused
        spent = (time.perf_counter() - began) * 1000
        if error is not None:
            return Verdict(False, error.message, error.id, spent, backend.name)
        what = "equation holds" if claim.linked is None else "equation and the link hold"
        return Verdict(True, f"The pairing {what}.", "", spent, backend.name)

    def reconstruct(self, root: bytes) -> Verdict:
        """A blob from rows here, else of other members, coded again and compared. Blocking.

        Raises:
            TooSoon: RPC-61. NotFound: no such blob, or no rows here.
        """
        da = self._service.da
        commitment = da.commitment(root)
        self._allowance.take()
        began = time.perf_counter()
        try:
            data = da.source.blob(commitment)
            entries = blobs.decode(data)
        except NotFound:
            raise
        except ChiaroError as refused:
            spent = (time.perf_counter() - began) * 1000
            return Verdict(False, refused.message, refused.id, spent, "rows of the committee")
        spent = (time.perf_counter() - began) * 1000
        says = f"{len(data):,} bytes, {len(entries)} sealed intents; coded again, the same root."
        return Verdict(True, says, "", spent, "rows of the committee")
