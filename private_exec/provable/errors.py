"""Errors of proved programs; each carries the rule of SPEC.md that refused."""

from __future__ import annotations

from private_exec.errors import SealRefused
from zk.errors import DecodeError


class TransitionRefused(SealRefused):
    """A transition that is not the one asked for, or whose parts do not belong together."""

    code = "PXE-015"
    exit_code = 1
    why = "a proof of another session, program or of other cells says nothing about these"
    fix = "take the proof that the session's committee made for exactly these cells"


class MalformedTransition(DecodeError, TransitionRefused):
    """A document that is none of a transition."""

    code = "PXE-016"
    exit_code = 3
