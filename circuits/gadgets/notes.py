"""The protocol's hashes as gadgets; each is the formula of its name in `circuits.native`."""

from __future__ import annotations

from dataclasses import dataclass

from circuits.gadgets.babyjub import EdwardsPoint
from circuits.gadgets.poseidon import poseidon
from zk.hash import domains
from zk.r1cs.builder import Builder, Wire


@dataclass(frozen=True, slots=True)
class Resource:
    """What a commitment opens to."""

    kind: Wire
    quantity: Wire
    data: Wire
    owner: Wire
    nonce: Wire
    rcm: Wire


def commitment(cs: Builder, resource: Resource) -> Wire:
    """Cm = Poseidon_cm(kind, quantity, data, owner, nonce, rcm). Cost: 354."""
    r = resource
    opening = (r.kind, r.quantity, r.data, r.owner, r.nonce, r.rcm)
    return poseidon(cs, domains.COMMITMENT, opening, "commitment")


def nullifier(cs: Builder, nk: Wire, nonce: Wire, cm: Wire) -> Wire:
    """Nf = Poseidon_nf(nk, nonce, cm): of the note alone (S-1). Cost: 261."""
    return poseidon(cs, domains.NULLIFIER, (nk, nonce, cm), "nullifier")


def created_nonce(cs: Builder, slot: int, nullifiers: tuple[Wire, Wire]) -> Wire:
    """Poseidon_nonce(i, nf₁, nf₂). Cost: 258, slot being a constant."""
    return poseidon(cs, domains.NONCE, (cs.constant(slot), *nullifiers), "nonce")


def master_key(cs: Builder, ak: EdwardsPoint, nk: Wire) -> Wire:
    """Mpk = Poseidon_mpk(ak.x, ak.y, nk). Cost: 261."""
    return poseidon(cs, domains.MASTER_KEY, (ak.x, ak.y, nk), "master key")


def owner_tag(cs: Builder, mpk: Wire, diversifier: Wire) -> Wire:
    """Owner = Poseidon_owner(mpk, d). Cost: 240."""
    return poseidon(cs, domains.OWNER, (mpk, diversifier), "owner")
