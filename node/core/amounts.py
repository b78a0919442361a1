"""Amounts: integers in [0, 2⁶⁴), checked at every boundary; decimal text for people."""

from __future__ import annotations

from typing import Final

from zk.errors import DecodeError

MAX_AMOUNT: Final = 2**64 - 1
DECIMALS: Final = 6
"""Digits after the point in text: 1 unit = 10⁶ base units."""
_MOST_DIGITS: Final = 20
"""Before the point: more than any amount has, fewer than Python takes for a number."""


def check_amount(value: int, what: str = "amount") -> int:
    """Return `value` if it is a u64; raise otherwise (incident 23: no silent wrap)."""
    if not 0 <= value <= MAX_AMOUNT:
        raise DecodeError(f"{what} {value} is outside [0, 2^64)")
    return value


def parse_amount(text: str) -> int:
    """`"4.25"` → 4250000. Exact: no float in between, at most six decimals."""
    whole, point, fraction = text.strip().partition(".")
    if not whole.isascii() or not whole.isdigit() or (point and not fraction.isdigit()):
        raise DecodeError(f"not an amount: {text!r}", fix="write it like 4.25")
    if len(whole) > _MOST_DIGITS:
        raise DecodeError(f"an amount of {len(whole)} digits is outside [0, 2^64)")
    if not fraction.isascii() or len(fraction) > DECIMALS:
        raise DecodeError(f"more than {DECIMALS} decimals: {text!r}")
    return check_amount(int(whole) * 10**DECIMALS + int(fraction.ljust(DECIMALS, "0")))


def format_amount(value: int) -> str:
    """4250000 → `"4.25"`."""
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value), 10**DECIMALS)
    digits = f"{fraction:0{DECIMALS}d}".rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
