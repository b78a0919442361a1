"""Amounts as people write them."""

from __future__ import annotations

import pytest

from node.core.amounts import MAX_AMOUNT, format_amount, parse_amount
from zk.errors import DecodeError


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("4.25", 4_250_000),
        (" 0.000001 ", 1),
        ("007", 7_000_000),
        (format_amount(MAX_AMOUNT), MAX_AMOUNT),
    ],
)
def test_an_amount_is_exact(text: str, amount: int) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".5",
        "1.",
        "-1",
        "1e3",
        "٣",
        "1.٣",
        "1.0000001",
        "18446744073709.551616",
        "9" * 21,
        "9" * 5000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        parse_amount(text)
