"""Bytes that people type."""

from __future__ import annotations

import pytest

from node.cli.session import UsageError
from node.cli.typed import digits


@pytest.mark.parametrize("text", ["00ff", " 0x00FF\n", "0X00ff"])
def test_digits_are_bytes(text: str) -> None:
    assert digits(text, 2, "ROOT") == b"\x00\xff"


@pytest.mark.parametrize("text", ["", "0x", "00f", "00ff00", "00 ff", "0x0x00ff", "zz00", "٠٠ff"])
def test_anything_else_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match=r"^4 hexadecimal digits were expected$") as refused:
        digits(text, 2, "ROOT")
    assert refused.value.where == "ROOT"
