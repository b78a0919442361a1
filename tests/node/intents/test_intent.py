"""The envelope: strict bytes, and nothing that its payload could break."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.core.ids import Height
from node.core.intent import MAX_PAYLOAD_BYTES, Intent
from zk.errors import DecodeError

INTENT = Intent(b"a" * 29, "swap", b"payload", Height(9), 3, b"n" * 32)
U64 = st.integers(0, 2**64 - 1)


@given(
    st.binary(min_size=29, max_size=29),
    st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True),
    st.binary(max_size=200),
    U64,
    U64,
    st.binary(min_size=32, max_size=32),
)
def test_an_intent_is_read_as_it_was_written(app, schema, payload, expiry, fee, nonce) -> None:
    intent = Intent(app, schema, payload, Height(expiry), fee, nonce)
    assert Intent.from_bytes(intent.to_bytes()) == intent


@given(st.binary(max_size=200))
def test_in2_other_bytes_are_no_intent(data) -> None:
    try:
        intent = Intent.from_bytes(data)
    except DecodeError:
        return
    assert intent.to_bytes() == data


def test_in2_version_and_trailing_bytes() -> None:
    data = INTENT.to_bytes()
    for bad in (b"\2" + data[1:], data + b"\0", data[:-1], b""):
        with pytest.raises(DecodeError):
            Intent.from_bytes(bad)


@pytest.mark.parametrize(
    "changes",
    [
        {"app": bytes(28)},
        {"nonce": bytes(31)},
        {"schema": ""},
        {"schema": "Swap"},
        {"schema": "a" * 33},
        {"schema": "sw\u00e4p"},
        {"schema": "swap\n"},
        {"expiry": 2**64},
        {"expiry": -1},
        {"fee": 2**64},
        {"fee": -1},
        {"payload": bytes(MAX_PAYLOAD_BYTES + 1)},
    ],
)
def test_in3_fields_out_of_range(changes) -> None:
    with pytest.raises(DecodeError) as caught:
        replace(INTENT, **changes)
    assert "IN-3" in caught.value.message


def test_in3_a_name_on_the_wire() -> None:
    data = bytearray(INTENT.to_bytes())
    data[31] = ord("S")
    with pytest.raises(DecodeError) as caught:
        Intent.from_bytes(bytes(data))
    assert "IN-3" in caught.value.message


def test_every_field_is_in_the_id_and_none_in_the_repr() -> None:
    others = [
        replace(INTENT, app=b"b" * 29),
        replace(INTENT, schema="limit"),
        replace(INTENT, payload=b""),
        replace(INTENT, expiry=Height(8)),
        replace(INTENT, fee=4),
        replace(INTENT, nonce=bytes(32)),
    ]
    assert len({intent.id for intent in (INTENT, *others)}) == 7
    assert "payload" not in repr(INTENT)
