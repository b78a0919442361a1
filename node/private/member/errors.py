"""What a member's process refuses."""

from __future__ import annotations

from zk.errors import Ruled


class MemberRefused(Ruled):
    """Something that a member does not do, or does not take from another."""

    code = "PRV-010"
    exit_code = 5
    why = "a member's keys open what others gave to it; it uses them for what the chain says alone"


class MemberSecretLost(MemberRefused):
    """A secret of the member cannot be kept, read or erased."""

    code = "PRV-011"
    exit_code = 3
    fix = "make room on the disk, and see to it that the folder is this member's alone"
