"""The fingerprint of what a node computes.  Rules CH-56, CH-57.

Determinism is an assumption about everything below us: compiled kernels, an extension module with
an erasure code, a library of signatures. Genesis may name a digest over their answers to fixed
questions (`node.app.probes`), and a node that answers otherwise does not start: it would fork from
the others, or be led away from them by one crafted transaction.

    fingerprint = H("runtime", name, answer, name, answer, …)     in the order of the table
"""

from __future__ import annotations

import functools
import os

from node.app.errors import OtherRuntime
from node.app.probes import PROBES
from node.core.genesis import Genesis
from node.core.ids import tagged_hash
from zk.backends import ENV_BACKEND


def fingerprint() -> bytes:
    """CH-57: 32 bytes; the same on every machine, backend and hash seed, or it is another runtime.

    Computed once per process and backend: a tenth of a second with warm kernels.

    Raises:
        BackendError: this machine cannot compute.
    """
    parts: list[bytes] = []
    for name, answer in answers().items():
        parts += [name.encode(), answer]
    return tagged_hash("runtime", *parts)


def answers() -> dict[str, bytes]:
    """Digest of each probe's answer: where two machines differ, this says in what."""
    return dict(_answers(os.environ.get(ENV_BACKEND, "")))


@functools.cache
def _answers(backend: str) -> tuple[tuple[str, bytes], ...]:  # noqa: ARG001
    """By the backend that the environment names, since the probes compute with that."""
    return tuple((name, tagged_hash("runtime/answer", ask())) for name, ask in PROBES.items())


def check(genesis: Genesis) -> None:
    """CH-56: this node computes what the chain's founders computed.

    Raises:
        OtherRuntime: names both fingerprints.
    """
    if genesis.runtime is None or genesis.runtime == (found := fingerprint()):
        return
    raise OtherRuntime(
        f"CH-56: the chain's runtime is {genesis.runtime.hex()[:16]}…, this node's is "
        f"{found.hex()[:16]}…",
        where="genesis: runtime",
    )
