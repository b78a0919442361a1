"""Documents of a node's health; light to import, for clients."""

from __future__ import annotations

from node.rpc.schema import Response


class ReasonView(Response, frozen=True):
    """Why a node is not ready.

    Attributes:
        code: `starting`, `engine`, `syncing`, `behind`, `disk`.
        text: for people.
    """

    code: str
    text: str


class HealthView(Response, frozen=True):
    """Whether traffic should come, and what speaks against it."""

    ready: bool
    reasons: list[ReasonView]
