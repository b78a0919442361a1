"""The functions of a compiled library, as they are called."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any, Final

from zk.kernels.compile import Compiled

NUMBER: Final = ctypes.c_int64
"""Of 64 bits: a parameter, or the result of a function that has one."""
_ADDRESS: Final = ctypes.c_void_p
Signature = tuple[str, Any]
"""One letter a parameter (p address, n number), and the type of the result."""


class Kernels:
    """Loaded kernels; `kernels.call("fr_mul_rows", …)`. Sizes must have been checked.

    Args:
        code: the object.
        signatures: of the functions that are called.

    Attributes:
        cached: whether the machine code came from the cache.
    """

    __slots__ = ("_code", "_functions", "cached")

    def __init__(self, code: Compiled, signatures: Mapping[str, Signature]) -> None:
        self._code = code  # owns the machine code
        self._functions = {
            name: code.bind(
                name, *(_ADDRESS if c == "p" else NUMBER for c in letters), returns=returns
            )
            for name, (letters, returns) in signatures.items()
        }
        self.cached = code.cached

    def call(self, name: str, *arguments: int) -> Any:
        """Run one kernel; the GIL is released meanwhile."""
        return self._functions[name](*arguments)
