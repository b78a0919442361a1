"""Errors of the ledger: transactions that rules refuse, and nodes that cannot answer.

ChiaroError
├── InvalidTransaction       carries the rule that refused, e.g. `SH-7`
│   └── Outdated             was valid or may become so: anchor or expiry
├── PolicyRefused            valid, but this node or wallet will not take it
└── NodeError
├── Unreachable
├── NotFound
├── StoreError
└── ConsensusFault       state and engine disagree; the node stops rather than forks
"""

from __future__ import annotations

from zk.errors import ChiaroError, Ruled


class InvalidTransaction(Ruled):
    """A transaction that a numbered rule refuses. `rule` is that rule's id (`SH-7`, `TR-3`)."""

    code = "TXN-001"
    exit_code = 5


class Outdated(InvalidTransaction):
    """Refused for its time: the anchor left the window, or the expiry height has passed."""

    code = "TXN-002"


class PolicyRefused(ChiaroError):
    """Valid, but refused by this node's or wallet's policy (fee floor, caps, privacy)."""

    code = "POL-001"
    exit_code = 5


class NodeError(ChiaroError):
    """A node that cannot do what was asked."""

    code = "NOD-001"
    exit_code = 6


class Unreachable(NodeError):
    """No answer from the node."""

    code = "NOD-002"
    fix = "start one with `chiaro up`, or name another with `--node`"


class NotFound(NodeError):
    """The node has no such block, transaction or key."""

    code = "NOD-003"
    exit_code = 1


class Missing(NodeError):
    """Bytes that this machine lacks now and that others have: a reason to wait, and no fault.

    Who executes a decided block tries again; who only looks ahead leaves the transaction out.
    """

    code = "NOD-006"


class StoreError(NodeError):
    """The database is locked, damaged, or belongs to another chain."""

    code = "NOD-004"


class ConsensusFault(NodeError):
    """Application and engine disagree; going on would fork the ledger."""

    code = "NOD-005"
    exit_code = 70
