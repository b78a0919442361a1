"""What people type or paste in place of bytes."""

from __future__ import annotations

from node.cli.session import UsageError


def digits(text: str, size: int, where: str) -> bytes:
    """So many bytes out of hexadecimal digits, with `0x` or without; errors do not repeat them.

    Raises:
        UsageError: they are none, or not so many.
    """
    found = text.strip().lower().removeprefix("0x")
    if len(found) != 2 * size or found.strip("0123456789abcdef"):
        raise UsageError(f"{2 * size} hexadecimal digits were expected", where=where)
    return bytes.fromhex(found)
