"""What a light client refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zk.errors import Ruled

if TYPE_CHECKING:
    from node.light.fork import Fork


class LightRefused(Ruled):
    """An answer that validators did not sign for. `rule` is the id of the rule (`LC-10`)."""

    code = "LGT-001"
    exit_code = 5
    why = "what the chain's validators did not sign for is only this node's word"
    fix = "ask another node: `--primary URL`"


class TooFewTrusted(LightRefused):
    """LC-9: it may be right, and its validators have changed too much to tell from here."""

    code = "LGT-002"


class Forked(LightRefused):
    """LC-14: two blocks of one height, each signed by enough validators.

    Attributes:
        fork: both, with the last block before them: the evidence.
    """

    code = "LGT-003"
    why = "validators of more than a third of the weight have lied, or their keys are stolen"
    fix = "use no node of this chain; show the evidence to those who run it"

    def __init__(self, message: str, fork: Fork, *, where: str = "") -> None:
        super().__init__("LC-14", message, where=where)
        self.fork = fork
