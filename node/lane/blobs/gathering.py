"""Signatures of a committee for one blob: everybody is asked at once.  Rule DA-37."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from node.da.certificate import Collector
from zk.errors import ChiaroError

WAIT_S: Final = 6.0
"""For signatures of more than two thirds."""
GRACE_S: Final = 0.5
"""For the others, once there are enough: each more can serve its rows."""
_MOST_AT_ONCE: Final = 32

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """A member that did not sign, and why; `code` is the rule where one refused."""

    member: bytes
    code: str
    message: str


def gather(asked: Mapping[bytes, Callable[[], bytes]], collector: Collector) -> tuple[Fault, ...]:
    """Ask all; returns when all answered, enough did and the others had their time, or time is up.

    DA-37: what is no signature of the member that gave it is passed over, and said.

    Args:
        asked: by member: a call that returns its signature, or raises its refusal.
        collector: takes them; who is in it already counts.

    Returns:
        Those that did not sign.
    """
    faults: dict[bytes, Fault] = {}
    deadline = time.monotonic() + WAIT_S
    pool = ThreadPoolExecutor(min(_MOST_AT_ONCE, max(1, len(asked))), "da-offers")
    try:
        waiting: dict[Future[bytes], bytes] = {pool.submit(c): m for m, c in asked.items()}
        while waiting and (left := deadline - time.monotonic()) > 0:
            done, _ = wait(waiting, timeout=left, return_when=FIRST_COMPLETED)
            for item in done:
                member = waiting.pop(item)
                try:
                    collector.add(member, item.result())
                except ChiaroError as error:
                    faults[member] = Fault(member, error.id, error.message)
            if collector.weight >= collector.committee.quorum:
                deadline = min(deadline, time.monotonic() + GRACE_S)
        for member in waiting.values():
            faults[member] = Fault(member, "DA-37", "no answer in time")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    for fault in faults.values():
        name = fault.member.hex()[:16]
        _log.warning("member %s…: %s", name, fault.message, extra={"code": fault.code})
    return tuple(faults[member] for member in sorted(faults))
