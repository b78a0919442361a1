"""Tapes as bytes.

    magic          b"CHIAROTAPE/1" and zeros, 16 bytes
    digest         32   BLAKE2b-256 of all that follows
    header length  8
    header              JSON, padded with spaces to a multiple of 8: numbers, calls, derivations,
                        lengths of the arrays
    arrays              sources, inputs, operations, terms (u32), coefficients (u64), each padded
                        with zeros to a multiple of 8

Integers are little-endian. Functions stand by the names that the statement gives them; a tape that
uses another function has no bytes. Reading checks everything (`zk.r1cs.tape.Tape`), so that not
even a file made to harm could lead a kernel out of its arrays; the digest finds damage.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from zk import jsontext
from zk.errors import CircuitError, ShapeMismatch
from zk.r1cs.tape import Call, Derivation, Function, Tape

MAGIC: Final = b"CHIAROTAPE/1".ljust(16, b"\0")
"""Raise its number when operations or their meaning change."""

_DIGEST_BYTES: Final = 32
_ALIGNMENT: Final = 8
_MAX_HEADER: Final = 1 << 26
"""Bytes; a call or a derivation takes some tens."""
_MAX_NATURAL: Final = 1 << 40
"""Beyond any count or slot; times the bytes of an element it still fits into 64 bits."""
_ARRAYS: Final = (
    ("sources", "<u4", ()),
    ("inputs", "<u4", ()),
    ("operations", "<u4", (4,)),
    ("terms", "<u4", (2,)),
    ("coefficients", "<u8", (4,)),
)


def to_bytes(tape: Tape, functions: Mapping[str, Function]) -> bytes:
    """The stored form, the same for the same tape.

    Args:
        tape: what to store.
        functions: names of the functions that it may use.

    Raises:
        CircuitError: it uses a function that has no name.
    """
    names = {function: name for name, function in functions.items()}

    def name_of(function: Function) -> str:
        if function not in names:
            raise CircuitError(
                "a tape uses a function without a name",
                where=tape.name,
                why="a stored tape must find its functions again",
                fix="list it in the statement's `functions`",
            )
        return names[function]

    arrays = [(name, getattr(tape, name), kind) for name, kind, _ in _ARRAYS]
    header = {
        "name": tape.name,
        "wires": tape.wires,
        "publics": tape.publics,
        "slots": tape.slots,
        "leaves": tape.leaves,
        "derivations": [
            [name_of(d.function), [[int(k), v] for k, v in d.arguments], d.count]
            for d in tape.derivations
        ],
        "calls": [[name_of(c.function), list(c.arguments), c.count, c.name] for c in tape.calls],
        "lengths": {name: len(array) for name, array, _ in arrays},
    }
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    body = [len(text).to_bytes(8, "little"), text]
    for _, array, kind in arrays:
        data = np.ascontiguousarray(array, dtype=kind).tobytes()
        body += [data, bytes(-len(data) % _ALIGNMENT)]
    content = b"".join(body)
    return MAGIC + digest(content) + content


def from_bytes(data: bytes, functions: Mapping[str, Function]) -> Tape:
    """The tape that `to_bytes` stored.

    Args:
        data: the stored form.
        functions: the statement's functions by name.

    Raises:
        ShapeMismatch: damaged, of another version, with a function unknown here, or no tape.
    """
    start = len(MAGIC) + _DIGEST_BYTES
    content = memoryview(data)[start:]
    if bytes(data[: len(MAGIC)]) != MAGIC:
        raise _refused("it is no tape of this version")
    if bytes(data[len(MAGIC) : start]) != digest(content):
        raise _refused("its content is not what was stored")
    try:
        return _parse(content, functions)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _refused("its parts do not fit together") from error


def _parse(content: memoryview, functions: Mapping[str, Function]) -> Tape:
    length = int.from_bytes(content[:8], "little")
    text = bytes(content[8 : 8 + length])
    header: dict[str, Any] = jsontext.loads(text, most_bytes=_MAX_HEADER)
    lengths, position = header["lengths"], 8 + length
    arrays: dict[str, Any] = {}
    for name, kind, shape in _ARRAYS:
        count = _natural(lengths[name]) * (shape[0] if shape else 1)
        read = np.frombuffer(content, dtype=kind, count=count, offset=position)
        arrays[name] = np.ascontiguousarray(
            read.reshape(-1, *shape), dtype=read.dtype.newbyteorder("=")
        )
        position += -(-read.nbytes // _ALIGNMENT) * _ALIGNMENT
    if position != len(content):
        raise ValueError("bytes follow the last array")
    return Tape(
        name=_text(header["name"]),
        wires=_natural(header["wires"]),
        publics=_natural(header["publics"]),
        slots=_natural(header["slots"]),
        leaves=_natural(header["leaves"]),
        derivations=tuple(
            Derivation(
                functions[name],
                tuple((bool(_natural(known)), _integer(value)) for known, value in arguments),
                _natural(count),
            )
            for name, arguments, count in header["derivations"]
        ),
        calls=tuple(
            Call(functions[name], tuple(map(_natural, arguments)), _natural(count), _text(label))
            for name, arguments, count, label in header["calls"]
        ),
        **arrays,
    )


def _natural(value: object) -> int:
    if not 0 <= _integer(value) < _MAX_NATURAL:
        raise ValueError("not a count")
    return _integer(value)


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("not an integer")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def digest(content: bytes | memoryview) -> bytes:
    """BLAKE2b-256: what stands before the content."""
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()


def _refused(what: str) -> ShapeMismatch:
    return ShapeMismatch(
        f"not a witness tape: {what}", fix="remove the file; the tape is recorded again"
    )
