"""JSON from outside, before Python's parser sees it: bounded in size and nesting.

Python's parser recurses in C with no limit of its own but the interpreter's. Where some library has
raised that one (py_ecc does, at import), a few hundred kilobytes of `[` overflow the stack and kill
the process: no exception, no message. So depth is counted first.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32

_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)  # never backtracks
_BRACKET: Final = re.compile(rb"[][{}]")


def nests_deeper(data: bytes, most: int) -> bool:
    """Whether lists and objects nest beyond `most` before the first error of the text."""
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", data)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > most:
            return True
    return False


def loads(data: bytes, *, most_bytes: int = MAX_BYTES, most_depth: int = MAX_DEPTH) -> Any:
    """One JSON document in UTF-8; no object may name a member twice.

    Raises:
        ValueError: whatever is wrong with the text.
    """
    if len(data) > most_bytes:
        raise ValueError(f"{len(data)} bytes are too many")
    if nests_deeper(data, most_depth):
        raise ValueError("nested deeper than any document")
    return json.loads(data.decode("utf-8"), object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is given twice")
    return members
