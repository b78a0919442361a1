"""No clause without a forgery that it alone stops."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CLAUSE = re.compile(r'\bclause="([A-Z]\d+)"')


@pytest.mark.parametrize(
    "clause", [f"A{i}" for i in range(1, 9)] + ["T1", "T2", "D1", "D2", "D3", "D4"]
)
def test_every_clause_has_a_forgery(clause: str) -> None:
    tests = Path(__file__).resolve().parent.glob("test_*.py")
    assert clause in {found for test in tests for found in CLAUSE.findall(test.read_text())}
