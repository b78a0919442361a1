"""What a reader is, and the property that is searched for an exception to."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zk.errors import ChiaroError, FormatError

CODE = re.compile(r"[A-Z]{2,4}-\d{1,3}\Z")
BASE_MEMORY = 64 << 10
"""Bytes that any reader may take, however short the file: messages, tables, small arrays."""
BUG = 70
"""Exit code of faults of the program; no input may lead there."""


class Broken(AssertionError):
    """The property does not hold of some bytes."""


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        name: of its corpus.
        read: bytes to a value; refuses by a ChiaroError.
        write: a value's canonical bytes.
        seeds: well-formed examples, made when they are asked for.
        memory: reading takes at most 64 KiB and this many times the file's size.
        exact: what it accepts is canonical.
        container: the file has sections (`zk.formats.container`).
        text: the file is text.
        repaired: what a mutation does not have to find by chance, such as a checksum.
    """

    name: str
    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes]
    seeds: Callable[[], list[bytes]]
    memory: int
    exact: bool = False
    container: bool = False
    text: bool = False
    repaired: Callable[[bytes], bytes] = bytes

    def examples(self) -> list[bytes]:
        """The seeds, made once."""
        if self not in _EXAMPLES:
            _EXAMPLES[self] = self.seeds()
        return _EXAMPLES[self]

    def check(self, data: bytes) -> str:
        """The code by which these bytes are refused; nothing if they are read.

        Raises:
            Broken: neither, or what was read is not written as it was.
        """
        data = self.repaired(data)
        try:
            value = self.read(data)
        except ChiaroError as error:
            return self._code(error)
        except Exception as error:
            raise Broken(f"{self.name}: {type(error).__name__}: {error}") from error
        again = self.write(value)
        if again != data:
            if self.exact:
                raise Broken(f"{self.name}: another encoding of the same value was accepted")
            if self.write(self.read(again)) != again:
                raise Broken(f"{self.name}: what was read is another value when it is read again")
        return ""

    def check_memory(self, data: bytes) -> str:
        """As `check`, with the peak of memory while reading.

        Raises:
            Broken: also for too much memory.
        """
        data = self.repaired(data)
        tracemalloc.start()
        try:
            self.read(data)
        except ChiaroError:
            pass
        except Exception as error:
            raise Broken(f"{self.name}: {type(error).__name__}: {error}") from error
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        if peak > BASE_MEMORY + self.memory * len(data):
            raise Broken(f"{self.name}: {peak} bytes of memory for a file of {len(data)}")
        return self.check(data)

    def _code(self, error: ChiaroError) -> str:
        if not CODE.match(error.id) or error.exit_code == BUG or not error.message:
            raise Broken(f"{self.name}: refused as {error.id!r}, exit {error.exit_code}") from error
        if self.container and not _placed(error):
            raise Broken(f"{self.name}: {error.id} names neither section nor offset") from error
        return error.id


def _placed(error: ChiaroError) -> bool:
    return isinstance(error, FormatError) and bool(error.section or error.offset is not None)


_EXAMPLES: dict[Target, list[bytes]] = {}
