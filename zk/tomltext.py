"""TOML from outside: whatever is wrong with it is one kind of error.

Python's parser lets a `RecursionError` out of deep nesting and the `ValueError` of `int` out of a
number with thousands of digits, and takes time that grows with the square of a dotted key.
"""

from __future__ import annotations

import tomllib
from typing import Any, Final

MOST_DOTS: Final = 1024
"""In one text, comments and addresses included."""


def loads(data: bytes | str, *, most_dots: int = MOST_DOTS) -> dict[str, Any]:
    """One TOML document.

    Args:
        data: UTF-8, or text; the caller bounds its length.
        most_dots: that there may be.

    Raises:
        ValueError: whatever is wrong with the text.
    """
    text = data if isinstance(data, str) else data.decode()
    if text.count(".") > most_dots:
        raise ValueError(f"more than {most_dots} dots: dotted keys are not meant to be so long")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested deeper than any document") from None
