"""The subset of ABCI's messages, field by field against stubs that others published."""

from __future__ import annotations

import importlib

import pytest

from node.consensus.cometbft import abci_pb2 as ours

PUBLISHED = "v4_proto.tendermint.abci.types_pb2"
NEWER = {"InsertTx", "ReapTxs"}
"""Messages of later lines, which 0.38 does not send."""


def fields_of(message) -> dict[int, tuple]:
    """Number → what the wire and a reader depend on."""

    def kind(field) -> str:
        return (field.message_type or field.enum_type).name if field.type in {11, 14} else ""

    return {
        field.number: (
            field.name,
            field.type,
            field.is_repeated,
            kind(field),
            field.containing_oneof.name if field.containing_oneof else "",
        )
        for field in message.fields
    }


def enums_of(message) -> dict[str, dict[str, int]]:
    return {
        enum.name: {value.name: value.number for value in enum.values}
        for enum in message.enum_types
    }


def reach(message, found: dict[str, object]) -> dict[str, object]:
    """The message and those inside it, by name."""
    if message.name not in found:
        found[message.name] = message
        for field in message.fields:
            if field.message_type is not None:
                reach(field.message_type, found)
    return found


def both_ways(module) -> dict[str, object]:
    found = reach(module.Request.DESCRIPTOR, {})
    return reach(module.Response.DESCRIPTOR, found)


@pytest.fixture(scope="module")
def published():
    try:
        return importlib.import_module(PUBLISHED)
    except ImportError:
        pytest.skip("needs v4-proto: pip install --no-deps v4-proto==9.6.1")


def test_every_message_is_field_for_field_the_published_one(published) -> None:
    mine, theirs = both_ways(ours), both_ways(published)
    assert {name for name in theirs if not any(new in name for new in NEWER)} == set(mine)
    for name, message in mine.items():
        known = {
            number: field
            for number, field in fields_of(theirs[name]).items()
            if not any(new in field[3] for new in NEWER)
        }
        assert fields_of(message) == known, name
        assert enums_of(message) == enums_of(theirs[name]), name


def test_enumerations_beside_the_messages(published) -> None:
    for enum in ours.DESCRIPTOR.enum_types_by_name.values():
        module = published
        if enum.name not in module.DESCRIPTOR.enum_types_by_name:
            module = importlib.import_module("v4_proto.tendermint.types.validator_pb2")
        other = module.DESCRIPTOR.enum_types_by_name[enum.name]
        assert [(v.name, v.number) for v in enum.values] == [
            (v.name, v.number) for v in other.values
        ]
