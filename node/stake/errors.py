"""What the rules of stake refuse."""

from __future__ import annotations

from node.core.errors import InvalidTransaction, Outdated


class StakeRefused(InvalidTransaction):
    """A bond, a notice, a withdrawal or evidence that a rule ST-n refuses."""

    code = "STK-001"


class StakeOutdated(StakeRefused, Outdated):
    """Refused for its time or for the state it meets: it may have been valid, or become so."""

    code = "STK-002"
