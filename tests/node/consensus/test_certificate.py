"""Commit certificates: what more than two thirds of one round signed, and nothing less."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.consensus.certificate import (
    Ballot,
    CommitCertificate,
    VoteKind,
    check_certificate,
)
from node.consensus.errors import CertificateRefused
from node.consensus.finality import CertifiedBlock, CommittedBlock
from node.core.block import Block, Header, tx_root
from node.core.committee import Committee, Member
from node.core.ids import ChainId, Height, StateRoot
from node.testing.cluster.keys import keys
from node.testing.cluster.ledger import SealedLedger, add, seal
from private_exec.errors import NotFinal
from private_exec.final import MemoryRoots, finalise
from private_exec.shares import make_shares
from zk.errors import DecodeError

CHAIN = ChainId(b"\x11" * 32)
BLOCK = b"\x22" * 32
BALLOT = Ballot(CHAIN, VoteKind.PRECOMMIT, Height(7), 2, BLOCK)


def committee(*weights: int):
    """(committee, signers) in the committee's order."""
    signers = sorted(
        (Ed25519PrivateKey.from_private_bytes(bytes([k + 1]) * 32) for k in range(len(weights))),
        key=lambda s: s.public_key().public_bytes_raw(),
    )
    public = [s.public_key().public_bytes_raw() for s in signers]
    members = tuple(Member(k, k, w) for k, w in zip(public, weights, strict=True))
    return Committee(members), signers


FOUR, SIGNERS = committee(1, 1, 1, 1)


def signed(places, *, ballot=BALLOT, by=FOUR, signers=SIGNERS):
    return {place: signers[place].sign(ballot.digest(by)) for place in places}


def certificate(places=(0, 1, 2), *, ballot=BALLOT) -> CommitCertificate:
    return CommitCertificate.of(BALLOT, 4, signed(places, ballot=ballot))


def refused(rule: str, wrong: CommitCertificate, by=FOUR, chain=CHAIN) -> str:
    with pytest.raises(CertificateRefused) as caught:
        check_certificate(wrong, by, chain)
    assert caught.value.rule == rule
    return caught.value.message


def test_any_quorum_of_one_round_is_a_certificate() -> None:
    for places in ((0, 1, 2), (1, 2, 3), (0, 1, 2, 3)):
        check_certificate(certificate(places), FOUR, CHAIN)


def test_cl1_signers_are_members_in_order_and_once_each() -> None:
    good = certificate()
    a, b, c = good.signatures
    for changes in (
        {"members": 3},
        {"members": 5},
        {"signers": (0, 2, 1), "signatures": (a, c, b)},
        {"signers": (0, 1, 1), "signatures": (a, b, b)},
        {"signers": (0, 1, 4)},
        {"signers": (-1, 0, 1)},
        {"signatures": (a, b)},
        {"signatures": (a, b, c, c)},
    ):
        refused("CL-1", replace(good, **changes))


def test_cl2_two_thirds_are_not_more_than_two_thirds() -> None:
    refused("CL-2", certificate((0, 1)))
    refused("CL-2", certificate(()))
    weighted, signers = committee(5, 3, 1)
    for places, enough in (((0, 1), True), ((0, 2), False), ((1, 2), False), ((0, 1, 2), True)):
        made = CommitCertificate.of(BALLOT, 3, signed(places, by=weighted, signers=signers))
        if enough:
            check_certificate(made, weighted, CHAIN)
        else:
            refused("CL-2", made, weighted)


@pytest.mark.parametrize(
    "other",
    [
        {"kind": VoteKind.PREVOTE},
        {"round": 1},
        {"height": Height(8)},
        {"block_hash": b"\x23" * 32},
        {"block_hash": None},
        {"chain_id": ChainId(b"\x12" * 32)},
    ],
    ids=["prevote", "round", "height", "block", "none", "chain"],
)
def test_cl3_a_signature_over_anything_else_counts_for_nothing(other) -> None:
    """Also: precommits of two rounds do not add up."""
    mixed = {**signed((0, 1)), **signed((2,), ballot=replace(BALLOT, **other))}
    assert "precommit" in refused("CL-3", CommitCertificate.of(BALLOT, 4, mixed))


def test_cl3_another_committee_signer_chain_or_broken_signature() -> None:
    heavier, _ = committee(1, 1, 1, 2)
    refused("CL-3", replace(certificate((1, 2, 3))), heavier)
    good = certificate()
    a, b, c = good.signatures
    for signatures in ((a, c, b), (a, b, bytes(64)), (a, b, c[:63]), (a, b, b"")):
        refused("CL-3", replace(good, signatures=signatures))
    assert "chain" in refused("CL-3", good, chain=ChainId(b"\x12" * 32))
    with pytest.raises(CertificateRefused) as caught:
        CommitCertificate.of(replace(BALLOT, block_hash=None), 4, {})
    assert caught.value.rule == "CL-3"


def test_cl4_one_encoding() -> None:
    good = certificate((0, 2, 3))
    data = good.to_bytes()
    assert CommitCertificate.from_bytes(data) == good
    assert data == CommitCertificate.from_bytes(data).to_bytes()
    bits = 1 + 32 + 8 + 4 + 32 + 2
    beyond = data[:bits] + bytes([data[bits] | 0x10]) + data[bits + 1 :] + bytes(64)
    many = data[: bits - 2] + (1025).to_bytes(2, "little") + data[bits:]
    for wrong in (b"", data[:-1], data + b"\0", b"\x02" + data[1:], beyond, many):
        with pytest.raises(DecodeError):
            CommitCertificate.from_bytes(wrong)
    for wrong in (b"\x02" + data[1:], beyond, many):
        with pytest.raises(DecodeError, match="CL-4"):
            CommitCertificate.from_bytes(wrong)


# EVIDENCE OF FINALITY


class World:
    """A block of the test bed with two sealed intents, and its certificate."""

    def __init__(self) -> None:
        self.keys = keys(4)
        self.ledger = SealedLedger(self.keys)
        txs = (seal(self.keys.sealed(0)), add("x", 1), seal(self.keys.sealed(1)))
        self.block = self.block_of(txs)
        self.batch = self.ledger.batch(txs, Height(5))

    def block_of(self, txs, height=5) -> Block:
        chain = self.keys.genesis.chain_id
        root = StateRoot(bytes(32))
        return Block(Header(chain, Height(height), 9, bytes(32), root, tx_root(txs)), txs)

    def certificate(self, block, places=(0, 1, 3)) -> CommitCertificate:
        header = block.header
        ballot = Ballot(header.chain_id, VoteKind.PRECOMMIT, header.height, 1, header.hash)
        by, signers = self.keys.committee, self.keys.signers
        return CommitCertificate.of(
            ballot, 4, signed(places, ballot=ballot, by=by, signers=signers)
        )

    def evidence(self, block=None, certificate=None) -> CertifiedBlock:
        block = block or self.block
        return CertifiedBlock(
            self.keys.genesis.chain_id,
            self.keys.committee,
            certificate or self.certificate(self.block),
            block,
            self.ledger.roots_of,
        )


@pytest.fixture(scope="module")
def certified() -> World:
    return World()


def not_final(evidence, block_hash, batch) -> str:
    with pytest.raises(NotFinal) as caught:
        finalise(evidence, block_hash, batch)
    assert caught.value.rule == "PX-1"
    return caught.value.message


def test_a_certified_block_gives_the_token_and_the_share(certified) -> None:
    w = certified
    token = finalise(w.evidence(), w.block.header.hash, w.batch)
    assert make_shares(token, w.keys.held[2], MemoryRoots(), w.keys.signers[2]) is not None


def test_cl5_another_block_batch_or_transactions_are_not_final(certified) -> None:
    w = certified
    hash_ = w.block.header.hash
    other = w.block_of((seal(w.keys.sealed(2)),))
    fewer = w.block_of(w.block.txs[:1])
    assert "CL-5" in not_final(w.evidence(other), other.header.hash, w.batch)
    assert "CL-5" in not_final(w.evidence(), other.header.hash, w.batch)
    assert "CL-5" in not_final(w.evidence(certificate=w.certificate(other)), hash_, w.batch)
    for txs in (w.block.txs[:1], (), w.block.txs[::-1]):
        swapped = replace(w.block, txs=txs)
        assert "CL-5" in not_final(w.evidence(swapped), hash_, w.batch)
    smaller = w.ledger.batch(fewer.txs, Height(5))
    assert "CL-5: the block does not order this batch" in not_final(w.evidence(), hash_, smaller)
    later = w.ledger.batch(w.block.txs, Height(6))
    assert "CL-5" in not_final(w.evidence(), hash_, later)


def test_px1_a_certificate_that_fails_is_no_evidence(certified) -> None:
    w = certified
    hash_ = w.block.header.hash
    too_few = w.evidence(certificate=w.certificate(w.block, (0, 1)))
    assert "CL-2" in not_final(too_few, hash_, w.batch)
    moved = replace(w.certificate(w.block), round=0)
    assert "CL-3" in not_final(w.evidence(certificate=moved), hash_, w.batch)


# A BLOCK ON ONE'S OWN DISK


class Disk:
    """A chain of two blocks, as `node.store.chain.Chain` shows it."""

    first = 1

    def __init__(self, *blocks) -> None:
        self.height = len(blocks)
        self._blocks = blocks

    def block(self, height) -> Block:
        return self._blocks[height - 1]


@pytest.fixture(scope="module")
def alone() -> World:
    world = World()
    world.block = world.block_of(world.block.txs, height=1)
    world.batch = world.ledger.batch(world.block.txs, Height(1))
    return world


def committed(w, *blocks, validators=None, own=None) -> CommittedBlock:
    key = w.keys.genesis.validators[0]
    return CommittedBlock(Disk(*blocks), validators or (key,), own or key, w.ledger.roots_of)


def test_a_committed_block_of_the_only_validator_gives_the_token(alone) -> None:
    w = alone
    token = finalise(committed(w, w.block), w.block.header.hash, w.batch)
    assert make_shares(token, w.keys.held[0], MemoryRoots(), w.keys.signers[0]) is not None


def test_cl6_what_is_not_on_the_disk_or_not_decided_alone_is_not_final(alone) -> None:
    w = alone
    hash_ = w.block.header.hash
    keys_ = w.keys.genesis.validators
    assert "CL-6: the block is not on" in not_final(committed(w), hash_, w.batch)
    two = committed(w, w.block, validators=keys_[:2])
    assert "CL-6: this node does not decide alone" in not_final(two, hash_, w.batch)
    watching = committed(w, w.block, own=keys_[1])
    assert "CL-6: this node does not decide alone" in not_final(watching, hash_, w.batch)
    nobody = committed(w, w.block, validators=(keys_[1],), own=b"")
    assert "CL-6" in not_final(nobody, hash_, w.batch)
    other = w.block_of((seal(w.keys.sealed(2)),), height=1)
    assert "CL-6: another block" in not_final(committed(w, other), hash_, w.batch)
    another = w.ledger.batch(other.txs, Height(1))
    message = not_final(committed(w, w.block), hash_, another)
    assert "CL-6: the block does not order this batch" in message
