"""Readers of data availability: what uploaders, members, proposers and light clients send."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fuzzing.target import Target
from node.core.committee import Committee, Member
from node.core.ids import AccountId, ChainId, Height
from node.da.batch import (
    Add,
    Batch,
    Close,
    Expire,
    Outcome,
    Reveal,
    Sealed,
    Settle,
    Solution,
    Start,
    Submit,
    open_batch,
    step,
)
from node.da.batch_codec import decode_batch, encode_batch
from node.da.blob import Evidence
from node.da.certificate import Certificate, Statement
from node.da.codec import Coding
from node.da.domain import CloseRule, Domain, Domains
from node.da.namespaced import Entry, NamespaceProof, NamespaceTree
from node.da.rows import Commitment, Row
from node.light.block import LightBlock
from node.light.fork import Fork
from node.testing.light import SignedChain, set_of, sign, signer

CODING = Coding(4, 16)
COMMITMENT = Commitment(CODING, 200, b"\1" * 32)
STATEMENT = Statement(ChainId(b"\2" * 32), b"\3" * 32, COMMITMENT, Height(5), Height(9))
ROW = Row(3, bytes(range(64)), (b"\4" * 32, b"\5" * 32))


@cache
def _domains() -> Domains:
    keys = [Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i in (1, 2, 3)]
    members = [
        Member(bytes([i]) * 32, key.public_key().public_bytes_raw(), i + 1)
        for i, key in enumerate(keys)
    ]
    committee = Committee(tuple(members))
    return Domains(
        tuple(
            Domain(bytes([i]) * 32, CloseRule(Height(10), 5 * i), "surplus", 3, committee, CODING)
            for i in range(2)
        )
    )


@cache
def _batches() -> list[bytes]:
    """One of every state."""
    _, domain = _domains()
    batches: list[Batch] = [open_batch(domain, 1, Height(6))]

    def then(event: object, height: int, before: int = -1) -> None:
        batches.append(step(batches[before], event, domain, Height(height)))

    for i in range(2):
        entry = Sealed(
            bytes([i]) * 32, bytes([i]) * 32, AccountId(b"\7" * 32), 9, 99, Height(20)
        )  # fmt: skip
        batches[-1] = step(batches[-1], Add(entry), domain, Height(7))
    then(Close(), 10)
    then(Reveal((Outcome(bytes(32), None), Outcome(b"\1" * 32, b"plain"))), 11)
    then(Start(), 12)
    then(Submit(Solution(b"\6" * 32, AccountId(b"\7" * 32), -5)), 12)
    then(Settle(), 30)
    then(Expire(), 30, before=3)
    then(Expire(), 30, before=1)
    return [encode_batch(batch) for batch in batches]


def _namespace_proofs() -> list[bytes]:
    tree = NamespaceTree(Entry(bytes([i]) * 29, b"") for i in (1, 5, 5, 7, 9))
    return [tree.prove(bytes([i]) * 29)[1].to_bytes() for i in (5, 6)]


@cache
def _light_blocks() -> list[LightBlock]:
    """Two of one height, each signed by three of four."""
    keys = [signer(number) for number in range(4)]
    chain = SignedChain("chiaro-fuzzed", 1_700_000_000_000, lambda _: dict.fromkeys(keys, 1), [])
    chain.add()
    header = chain.header()
    forked = replace(header, data_hash=b"\1" * 32)
    return [sign(found, set_of(chain.powers(2)), keys[:3]) for found in (header, forked)]


TARGETS = (
    Target("da_row", Row.from_bytes, Row.to_bytes, lambda: [ROW.to_bytes()], 8, exact=True),
    Target(
        "da_evidence",
        Evidence.from_bytes,
        Evidence.to_bytes,
        lambda: [Evidence(COMMITMENT, (ROW, ROW)).to_bytes()],
        memory=16,
        exact=True,
    ),
    Target(
        "da_certificate",
        Certificate.from_bytes,
        Certificate.to_bytes,
        lambda: [Certificate(STATEMENT, 9, (0, 8), (b"\6" * 64, b"\7" * 64)).to_bytes()],
        memory=8,
        exact=True,
    ),
    Target(
        "da_domains",
        Domains.from_bytes,
        Domains.to_bytes,
        lambda: [_domains().to_bytes()],
        memory=48,
        exact=True,
    ),
    Target("da_batch", decode_batch, encode_batch, _batches, memory=16, exact=True),
    Target(
        "namespace_proof",
        NamespaceProof.from_bytes,
        NamespaceProof.to_bytes,
        _namespace_proofs,
        memory=16,
        exact=True,
    ),
    Target(
        "light_block",
        LightBlock.from_bytes,
        LightBlock.to_bytes,
        lambda: [block.to_bytes() for block in _light_blocks()],
        memory=16,
        exact=True,
    ),
    Target(
        "light_fork",
        Fork.from_bytes,
        Fork.to_bytes,
        lambda: [Fork(1, *_light_blocks()).to_bytes()],
        memory=16,
        exact=True,
    ),
)
