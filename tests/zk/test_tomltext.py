"""TOML from outside: one kind of error, whatever is wrong."""

from __future__ import annotations

import pytest

from zk import tomltext

BAD = {
    "number": b"x = " + b"9" * 5000,
    "nesting": b"x = " + b"[" * 20_000,
    "dots": b"a" + b".a" * 2000 + b" = 1",
    "bytes": b'x = "\xff"',
    "twice": b"x = 1\nx = 2",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_whatever_is_wrong_is_a_value_error(data) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its words are the parser's
        tomltext.loads(data)


def test_dots_are_counted_before_anything_is_parsed() -> None:
    with pytest.raises(ValueError, match="dotted"):
        tomltext.loads(BAD["dots"])
    assert tomltext.loads('x = "1.2"', most_dots=1) == {"x": "1.2"}
