"""JSON from outside: nothing that a text holds kills the process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zk import jsontext


@pytest.fixture
def deep_recursion():
    """What some libraries do to the interpreter at import."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(200_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize("text", [b"[" * 200_000, b'{"a":' * 200_000, b"[" * 33 + b"]" * 33])
def test_nesting_is_refused_before_it_is_parsed(text, deep_recursion) -> None:
    with pytest.raises(ValueError, match="nested deeper"):
        jsontext.loads(text)


def test_brackets_inside_strings_do_not_count() -> None:
    assert jsontext.loads(b'["' + b"[" * 100 + b'", "\\"[[", []]') == ["[" * 100, '"[[', []]


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b'{"a":1,"a":2}', b"1 2", b" " * (jsontext.MAX_BYTES + 1)]
)
def test_everything_wrong_is_a_value_error(text) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 — json and Unicode errors are ValueErrors too
        jsontext.loads(text)


# Files that only this program writes, and nobody hands over.
OWN_FILES = {
    "zk/jsontext.py",
    "zk/formats/snarkjs.py",  # counts the nesting itself, to give its own error codes
    "zk/hash/poseidon_constants.py",
    "circuits/statement.py",
    "node/cli/wallet_db.py",
}


def test_nothing_from_outside_reaches_the_parser_by_another_way() -> None:
    root = Path(__file__).resolve().parents[2]
    found = {
        str(path.relative_to(root))
        for package in ("zk", "circuits", "shielded", "transparent", "private_exec", "node")
        for path in (root / package).rglob("*.py")
        if "json.loads(" in path.read_text() and "jsontext.loads(" not in path.read_text()
    }
    assert found <= OWN_FILES
