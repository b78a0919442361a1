"""Shared statements: built once, since a program of the action takes seconds."""

from __future__ import annotations

import pytest

from circuits.lab import action
from circuits.lab.program import Program
from circuits.lab.subject import Draws, Subject

DEPTH = 2


@pytest.fixture(scope="session")
def small() -> Subject:
    """The action in a tree of two levels."""
    return action.subject("0", DEPTH)


@pytest.fixture(scope="session")
def program(small: Subject) -> Program:
    return Program(small.statement)


@pytest.fixture
def draws() -> Draws:
    return Draws("0")
