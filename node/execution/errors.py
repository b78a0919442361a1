"""Refusals of the mempool, which are policy, and copies of errors that are kept."""

from __future__ import annotations

from typing import TypeVar

from node.core.errors import PolicyRefused
from zk.errors import ChiaroError, Ruled

Error = TypeVar("Error", bound=ChiaroError)


class MempoolRefused(Ruled, PolicyRefused):
    """Perhaps valid, but this node does not keep it. `rule` is the policy's id (`EX-21`)."""

    code = "POL-002"
    why = "a node's memory and bandwidth are bounded, and fees decide who gets them"
    fix = "offer a higher fee, or wait until the pending transactions are in a block"


def fresh(error: Error) -> Error:
    """A twin of an error that is kept in a cache.

    Raising one object again and again would gather the frames of all who raised it.
    """
    twin = type(error).__new__(type(error), *error.args)
    twin.args = error.args
    twin.__dict__.update(error.__dict__)
    return twin
