"""Errors of collaborative proofs; each carries the rule of SPEC.md that refused."""

from __future__ import annotations

from private_exec.errors import SealRefused


class CollaborationRefused(SealRefused):
    """A step of a collaborative proof that cannot be taken."""

    code = "PXE-013"
    why = "a proof made of shares that do not agree is none, and could betray what it is about"
    fix = "the session is tried again, under another id, when enough members answer"


class ProofImpossible(CollaborationRefused):
    """More than t members sent wrong shares, or the assignment does not satisfy the statement."""

    code = "PXE-014"
    exit_code = 1
    why = "nothing false comes out: a proof is checked before it is given to anybody"
    fix = "compute the session again; with more than t members at fault it cannot succeed"
