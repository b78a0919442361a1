"""What the rules of the sealed lane refuse."""

from __future__ import annotations

from node.core.errors import InvalidTransaction, NodeError, Outdated


class LaneRefused(InvalidTransaction):
    """A transaction or a block that a rule LN-n refuses."""

    code = "LAN-001"
    why = "the order, the opening and the settlement of sealed intents follow from the chain alone"


class LaneOutdated(LaneRefused, Outdated):
    """Refused for its time or for the state it meets: it may have been valid, or become so."""

    code = "LAN-003"


class BadKeyFile(NodeError):
    """A validator's key file that cannot be used."""

    code = "LAN-020"
    exit_code = 3
    why = "without its key a validator can neither vote nor take part in making the lane's keys"
    fix = "put the file back from a copy; a new key is no validator's of this chain"


class SecretLost(NodeError):
    """A secret that should be on the disk, and is not or is damaged."""

    code = "LAN-021"
    exit_code = 3
    why = "shares under a key can be made of the secret of that key only"
    fix = (
        "put the file back from a backup; or remove it: then this validator is absent for the epoch"
    )


class DamagedLog(NodeError):
    """The record of what was shared is not what this validator wrote."""

    code = "LAN-022"
    exit_code = 3
    why = (
        "a validator that forgot what it made shares of could help to open two batches of a height"
    )
    fix = (
        "put the file back as it was; else remove `lane/secrets` of this node with it: then this "
        "validator is absent for the epoch, and makes no shares that it could have made before"
    )
