"""Domain separators: distinct, never 0, and what their names hash to."""

from __future__ import annotations

import hashlib

import pytest

from zk.field.params import FR
from zk.hash import domains

NAMES = {
    "COMMITMENT": b"note-commitment",
    "NULLIFIER": b"nullifier",
    "NONCE": b"nonce",
    "MASTER_KEY": b"master-public-key",
    "OWNER": b"owner",
    "KIND": b"kind",
    "EPHEMERAL_KIND": b"ephemeral-kind",
    "TREE_NODE": b"tree-node",
    "MEMBER": b"member",
    "MEMBER_NULLIFIER": b"member-nullifier",
    "EMPTY_LEAF": b"empty-leaf",
    "EMPTY_MEMBER": b"empty-member",
    "NATIVE_LABEL": b"asset/native",
}


@pytest.mark.parametrize("constant", NAMES)
def test_separators_are_the_hashes_of_their_names(constant: str) -> None:
    digest = hashlib.blake2b(b"chiaro/v1/" + NAMES[constant]).digest()
    assert getattr(domains, constant) == int.from_bytes(digest, "little") % FR.modulus


def test_separators_are_distinct_and_never_the_plain_hash() -> None:
    found = {
        name: value
        for name, value in vars(domains).items()
        if name.isupper() and isinstance(value, int)
    }
    assert set(NAMES) <= set(found)
    assert len(set(found.values())) == len(found)
    assert all(0 < value < FR.modulus for value in found.values())


def test_native_label_is_the_label_of_the_native_asset() -> None:
    assert domains.asset_label("native") == domains.NATIVE_LABEL
    assert domains.asset_label("eur") != domains.NATIVE_LABEL
