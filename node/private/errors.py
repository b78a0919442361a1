"""What the rules of the private environment refuse."""

from __future__ import annotations

from node.core.errors import InvalidTransaction, Outdated


class PrivateRefused(InvalidTransaction):
    """A transaction that a rule of `node.private` refuses."""

    code = "PRV-001"
    why = "what happens to hidden values follows from the chain alone"


class PrivateOutdated(PrivateRefused, Outdated):
    """Refused for its time or for the state it meets: it may have been valid, or become so."""

    code = "PRV-002"
