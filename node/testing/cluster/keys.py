"""A committee of equals, its signing keys, and the epoch key that it generated together."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.core.committee import Committee, Member
from node.core.genesis import Genesis, Parameters
from node.core.ids import AccountId, tagged_hash
from private_exec import parameters
from private_exec.envelope import Envelope, EpochWindow, Terms, seal_intent
from private_exec.keygen.context import Context, Schedule
from private_exec.keygen.participant import Participant
from private_exec.keygen.protocol import Keygen, KeygenSucceeded
from private_exec.keys import EpochKey, HeldShares
from private_exec.roster import Domain, Roster

EPOCH: Final = 1
WINDOW: Final = EpochWindow(EPOCH, first=1, last=10_000, grace=10)
GENESIS_MS: Final = 1_000


def entropy(*parts: object) -> bytes:
    """UNSAFE: 32 bytes that everyone can derive."""
    return tagged_hash("test-bed", repr(parts).encode())


def signing_key(*parts: object) -> Ed25519PrivateKey:
    """UNSAFE, as `entropy`."""
    return Ed25519PrivateKey.from_private_bytes(entropy("signer", *parts))


@dataclass(frozen=True, eq=False)
class Members:
    """Who the validators of a cluster are; compared by identity.

    Attributes:
        genesis: names the validators.
        committee: who votes, with which weight; a validator is known by its place in it.
        signers: by place.
    """

    genesis: Genesis
    committee: Committee
    signers: tuple[Ed25519PrivateKey, ...] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Keys(Members):
    """Members that have generated a decryption key.

    Attributes:
        key: for sealing.
        held: by place, each validator's secret.
    """

    key: EpochKey
    held: tuple[HeldShares, ...] = field(repr=False)

    @functools.cached_property
    def payer(self) -> Ed25519PrivateKey:
        """Who pays for every sealed intent."""
        return signing_key("payer")

    @functools.lru_cache(maxsize=256)  # noqa: B019 - keys live as long as the process
    def sealed(self, number: int) -> Envelope:
        """Intent `number`, sealed; the same in every run."""
        payer = AccountId(self.payer.public_key().public_bytes_raw())
        terms = Terms(payer, number, fee=5, gas_cap=1000, expiry=WINDOW.last, size_class=0)
        text = b"intent %d" % number
        return seal_intent(self.key, terms, text, self.payer, entropy("seal", number))


def signing_keys(n: int) -> tuple[Ed25519PrivateKey, ...]:
    """UNSAFE, as `entropy`. Of n validators, in the order of their public keys."""
    signers = (signing_key("validator", k) for k in range(n))
    return tuple(sorted(signers, key=public_key))


def public_key(signer: Ed25519PrivateKey) -> bytes:
    """32 bytes."""
    return signer.public_key().public_bytes_raw()


def committee_of(signers: Sequence[Ed25519PrivateKey]) -> Committee:
    """Of equals; each key is its member's account, too."""
    public = [public_key(signer) for signer in signers]
    return Committee(tuple(Member(key, key, 1) for key in public))


@functools.cache
def keys(n: int) -> Keys:
    """Keys of n validators by a real key generation, once a process."""
    signers = signing_keys(n)
    public = [public_key(signer) for signer in signers]
    limits = Parameters(block_time_ms=1, max_block_txs=8)
    genesis = Genesis("dev", "cluster", GENESIS_MS, limits, validators=tuple(public))
    committee = committee_of(signers)
    context = Context(
        Domain(genesis.chain_id), EPOCH, 0, parameters.Parameters.of_equals(n), Roster.of(public)
    )
    keygen = Keygen(context, Schedule(1, 2, 3, 4))
    members = [Participant(context, m, s, entropy("keygen", m)) for m, s in enumerate(signers)]
    for member in members:
        keygen.notice(member.notice(), 1)
    for member in members:
        keygen.commit(member.commit(keygen), 2)
    for member in members:
        keygen.deal(member.dealing(), 3)
    outcome = keygen.finish(5)
    if not isinstance(outcome, KeygenSucceeded):
        raise TypeError(f"key generation failed: {outcome}")
    held = tuple(member.held(keygen, outcome) for member in members)
    return Keys(genesis, committee, signers, outcome.key, held)
