"""One chain for a file of tests: each opens rounds of its own."""

from __future__ import annotations

import pytest

from node.testing.private import PrivateChain


@pytest.fixture(scope="module")
def chain() -> PrivateChain:
    """A committee of four with keys, eight donors, notes for a few dozen donations."""
    found = PrivateChain()
    found.start(notes=32)
    return found
