"""What a node measures of itself: a closed list, in a registry of its own.  Rule RPC-52.

Nothing here names a person, an account, a transaction or a peer: labels are words of this module.
Several nodes of one process have a registry each.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, ParamSpec, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from node.core.interfaces import ProofClaim, ProofVerifier
from zk.errors import ChiaroError

LEDGER_CALLS: Final[Mapping[str, str]] = {
    "prepare_proposal": "prepare",
    "process_proposal": "process",
    "extend_vote": "extend",
    "verify_vote_extension": "verify_extension",
    "finalize_block": "finalize",
    "commit": "commit",
}
"""Methods of the state machine, which engines call."""
POOL_CALLS: Final[Mapping[str, str]] = {"add": "check", "take": "check"}
"""Methods of the mempool that admit."""
P = ParamSpec("P")
T = TypeVar("T")
_CALL_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_LAG_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)
_INTERVAL_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 60)


class Meters:
    """Of one node; every method may be called from any thread.

    Attributes:
        registry: what a scrape reads.
        last_ms: time of the last block on disk, in milliseconds since 1970; 0: none yet.
    """

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(namespace="chiaro", registry=registry)
        self._height = Gauge("chiaro_block_height", "Of the last block on disk", registry=registry)
        self._time = Gauge("chiaro_block_time_seconds", "Of the last block", registry=registry)
        self._interval = Histogram(
            "chiaro_block_interval_seconds", "Between the times of two blocks",
            registry=registry, buckets=_INTERVAL_BUCKETS,
        )  # fmt: skip
        self._txs = Counter(
            "chiaro_transactions", "In blocks, by how they ended", ["outcome"], registry=registry
        )
        self._calls = Histogram(
            "chiaro_call_seconds", "Of the state machine", ["call"],
            registry=registry, buckets=_CALL_BUCKETS,
        )  # fmt: skip
        self._verify = Histogram(
            "chiaro_verify_seconds", "Of a batch of proofs",
            registry=registry, buckets=_CALL_BUCKETS,
        )  # fmt: skip
        self._proofs = Counter(
            "chiaro_proofs", "Verified, by verdict; known ones included", ["verdict"],
            registry=registry,
        )  # fmt: skip
        self._lag = Histogram(
            "chiaro_loop_lag_seconds", "By which the event loop was late",
            registry=registry, buckets=_LAG_BUCKETS,
        )  # fmt: skip
        for call in (*LEDGER_CALLS.values(), *POOL_CALLS.values()):
            self._calls.labels(call)
        for outcome in ("ok", "refused"):
            self._txs.labels(outcome)
            self._proofs.labels(outcome)
        self.last_ms = 0

    def block(self, height: int, time_ms: int, accepted: int, refused: int) -> None:
        """A block is on the disk."""
        self._height.set(height)
        self._time.set(time_ms / 1000)
        if self.last_ms:
            self._interval.observe(max(0, time_ms - self.last_ms) / 1000)
        self.last_ms = time_ms
        self._txs.labels("ok").inc(accepted)
        self._txs.labels("refused").inc(refused)

    def resume(self, height: int, time_ms: int) -> None:
        """The last block that was there before."""
        self._height.set(height)
        self._time.set(time_ms / 1000)
        self.last_ms = time_ms

    def lag(self, seconds: float) -> None:
        """The event loop was late by so much."""
        self._lag.observe(seconds)

    def watch(self, target: object, calls: Mapping[str, str]) -> None:
        """Put a clock around methods of one object, whatever its class; answers are the same.

        Args:
            target: the object.
            calls: method → what it is called here.
        """
        for method, name in calls.items():
            setattr(target, method, self._timed(name, getattr(target, method)))

    def _timed(self, name: str, method: Callable[P, T]) -> Callable[P, T]:
        histogram = self._calls.labels(name)

        @functools.wraps(method)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            with histogram.time():
                return method(*args, **kwargs)

        return call

    def proofs(self, seconds: float, verdicts: Sequence[ChiaroError | None]) -> None:
        """A batch of proofs was judged."""
        self._verify.observe(seconds)
        good = sum(verdict is None for verdict in verdicts)
        self._proofs.labels("ok").inc(good)
        self._proofs.labels("refused").inc(len(verdicts) - good)

    def add(self, read: Callable[[], Iterator[Metric]]) -> None:
        """What is not counted but read, at each scrape."""
        self.registry.register(_Read(read))


class _Read(Collector):
    def __init__(self, read: Callable[[], Iterator[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        return self._read()

    def describe(self) -> Iterator[Metric]:
        """Nothing: whether names are taken is not worth a read of the node."""
        return iter(())


class TimedVerifier:
    """`node.core.interfaces.ProofVerifier` that tells how long it took."""

    def __init__(self, inner: ProofVerifier, meters: Meters) -> None:
        self._inner: Final = inner
        self._meters: Final = meters

    def verify(self, claims: Sequence[ProofClaim]) -> list[ChiaroError | None]:
        if not claims:
            return self._inner.verify(claims)
        began = time.perf_counter()
        verdicts = self._inner.verify(claims)
        self._meters.proofs(time.perf_counter() - began, verdicts)
        return verdicts
