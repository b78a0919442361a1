"""Errors of the gossip layer; each names the rule of SPEC.md that refused.

ChiaroError
└── InvalidMessage           wrong for everyone, at any time: whoever passed it on is at fault
PolicyRefused
└── GossipRefused            perhaps valid, but this node does not take it now
    └── Duplicate            it is here already
NodeError
└── SequenceFault            numbers of one's own statements cannot be handed out safely
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from node.core.errors import NodeError, PolicyRefused
from zk.errors import DecodeError, Ruled


class InvalidMessage(Ruled):
    """A message, evidence or frame that no honest node sends. `rule` is that rule's id (`GO-5`)."""

    code = "GOS-001"
    exit_code = 1
    why = "what is not signed as it stands may have been changed by anyone on its way"
    fix = "discard it, and obtain the message from another peer"


class GossipRefused(Ruled, PolicyRefused):
    """Not taken by this node, for its bounds or for the time. `rule` is the policy's id."""

    code = "GOS-002"
    why = "a node's memory, time and bandwidth are bounded, whatever others send"
    fix = "send it again later, with a higher fee or a later expiry"


class Duplicate(GossipRefused):
    """Known already: normal where several peers pass on the same message."""

    code = "GOS-003"
    fix = "nothing to do"


class SequenceFault(Ruled, NodeError):
    """The numbers of a node's own statements cannot be handed out without risk."""

    code = "GOS-004"
    why = "two statements under one number are evidence against this node"
    fix = "restore the file from the newest copy, or use a new node key"


@contextlib.contextmanager
def decoding(rule: str, where: str) -> Iterator[None]:
    """Bytes that do not decode become `InvalidMessage` under `rule`."""
    try:
        yield
    except DecodeError as error:
        raise InvalidMessage(rule, error.message, where=where) from error
