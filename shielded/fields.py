"""Fields that several parts of a transaction have, strictly.  Rule SH-1."""

from __future__ import annotations

from node.core.codec import Reader
from node.core.ids import EnvironmentId
from shielded.errors import MalformedTransaction


def read_environment(reader: Reader, where: str) -> EnvironmentId:
    """One byte. Raises MalformedTransaction: SH-1, there is no such environment."""
    tag = reader.u8()
    if tag not in EnvironmentId.__members__.values():
        raise MalformedTransaction("SH-1", f"unknown environment {tag}", where=where)
    return EnvironmentId(tag)


def read_flag(reader: Reader, where: str) -> bool:
    """One byte. Raises MalformedTransaction: SH-1, neither 0 nor 1."""
    value = reader.u8()
    if value > 1:
        raise MalformedTransaction("SH-1", f"{value} is neither 0 nor 1", where=where)
    return value == 1
