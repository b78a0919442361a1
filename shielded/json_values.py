"""Values in JSON, strict: field elements and bytes as lower-case hexadecimal text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from node.core.codec import FR_BYTES
from zk.errors import DecodeError, NonCanonical, WrongLength
from zk.field.params import FR


def fr_to_hex(value: int) -> str:
    """A field element as 64 hexadecimal digits, big-endian."""
    return f"{value:064x}"


def fr_from_hex(text: object) -> int:
    """The field element.

    Raises:
        DecodeError: not 64 lower-case hexadecimal digits, or not below r.
    """
    value = int.from_bytes(bytes_from_hex(text, FR_BYTES), "big")
    if value >= FR.modulus:
        raise NonCanonical("a hexadecimal value is not below r")
    return value


def bytes_from_hex(text: object, size: int | None = None) -> bytes:
    """Bytes of lower-case hexadecimal digits, exactly `size` if given.

    Raises:
        DecodeError: another spelling or length.
    """
    if not isinstance(text, str):
        raise DecodeError("expected hexadecimal text")
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise DecodeError("not hexadecimal text") from error
    if data.hex() != text:
        raise NonCanonical("hexadecimal text is lower case and without spaces")
    if size is not None and len(data) != size:
        raise WrongLength(f"expected {size} bytes, got {len(data)}")
    return data


def field(data: object, name: str) -> Any:
    """A member of a JSON object; None where it is absent.

    Raises:
        DecodeError: not an object.
    """
    if not isinstance(data, Mapping):
        raise DecodeError("expected a JSON object")
    return data.get(name)


def get(data: object, name: str, kind: type) -> Any:
    """A member of the given type (a boolean is no integer).

    Raises:
        DecodeError: absent, or of another type.
    """
    value = field(data, name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DecodeError(f"expected {kind.__name__} `{name}`")
    return value


def items(data: object, name: str, size: int | None = None) -> list[Any]:
    """A member that is a list, of exactly `size` if given.

    Raises:
        DecodeError: absent, no list, or of another length.
    """
    value = field(data, name)
    if not isinstance(value, list | tuple) or (size is not None and len(value) != size):
        raise DecodeError(f"expected a list `{name}`" + (f" of {size}" if size else ""))
    return list(value)
