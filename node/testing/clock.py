"""A clock that stands until it is told to go on."""

from __future__ import annotations

from typing import Final

EPOCH_MS: Final = 1_700_000_000_000
"""An arbitrary moment, so that results do not depend on when a test runs."""


class FakeClock:
    """Milliseconds since 1970; call it to read it."""

    def __init__(self, now_ms: int = EPOCH_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, milliseconds: int) -> None:
        """Let time pass."""
        self.now_ms += milliseconds
