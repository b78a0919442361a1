"""A block that a numbered rule refuses."""

from __future__ import annotations

from zk.errors import Ruled


class InvalidBlock(Ruled):
    """A proposal that must not be voted for. `rule` is the id of the rule (`CH-3`)."""

    code = "BLK-001"
    exit_code = 5
    why = "a block that breaks a rule would fork those who accept it from those who do not"
    fix = "the proposer is wrong or on another chain; wait for the next proposal"

    def __init__(self, rule: str, message: str, *, where: str = "") -> None:
        super().__init__(rule, f"{rule}: {message}", where=where)


class CertificateRefused(Ruled):
    """A commit certificate that proves nothing. `rule` is the id of the rule (`CL-2`)."""

    code = "BLK-002"
    exit_code = 5
    why = "a block that too few signed may lose its height to another one"
    fix = "wait for more precommits of one round, or ask another node for the certificate"

    def __init__(self, rule: str, message: str, *, where: str = "certificate") -> None:
        super().__init__(rule, f"{rule}: {message}", where=where)


class EngineRefused(Ruled):
    """What costs an engine its connection, and this node nothing. `rule` is CH-37 or CH-41."""

    code = "BLK-003"
    exit_code = 5
    why = "a guess at what the engine meant could fork this node from the others"
    fix = "use the version of CometBFT that docs/validators.md names, and one process of it"

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(rule, f"{rule}: {message}", where="the engine's socket")
