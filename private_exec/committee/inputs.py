"""A value that its owner shares among the members, verifiably.  Rules PV-33, PV-40 … PV-42.

    values    one to three, each with commitments V₀ … V_t; V₀ = Com
    sealed    to each member with an encryption key: its pair of each value
    label     H(committee, epoch and its keys, call or round, owner, all commitments)

The label is the header of what is sealed, so the proof of knowledge for E binds all of it: nobody
but who made an input can change a bit of it. That its owner knows x and ρ needs no proof of its
own: t + 1 honest members hold shares that fit V, or one of them complains.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import is_proper
from node.core.ids import ID_BYTES, tagged_hash
from private_exec import group
from private_exec.committee import accusation as accusations
from private_exec.committee import pairs, sealing
from private_exec.committee.accusation import Accusation, Verdict
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.errors import InputRefused, MalformedCommittee
from private_exec.committee.pairs import Commitments, PairPolynomial
from private_exec.committee.participant import EpochSecrets
from private_exec.committee.sealing import Sealed
from private_exec.mpc.shamir import SIZES
from private_exec.pedersen import Opening
from private_exec.roster import Signer
from private_exec.transcript import secret_scalar
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import g1_to_bytes

MAX_VALUES: Final = 3
_MAX_PART: Final = MAX_VALUES * pairs.PAIR_BYTES + sealing.TAG_BYTES


@dataclass(frozen=True)
class Input:
    """What an owner publishes.

    Attributes:
        committee: id of its declaration.
        epoch: whose encryption keys it is sealed to.
        reference: what it is for: digest of a call or round, 32 bytes.
        owner: Ed25519 key whose signature moves the cells later, 32 bytes.
        values: commitments of each value.
        sealed: parts for the members with encryption keys, ascending.

    Raises:
        MalformedCommittee: PV-40, no values, too many, or rows of different lengths.
        DecodeError: a point that is none.
    """

    committee: bytes
    epoch: int
    reference: bytes
    owner: bytes
    values: tuple[Commitments, ...]
    sealed: Sealed

    def __post_init__(self) -> None:
        widths = {len(commitments) for commitments in self.values}
        if not 1 <= len(self.values) <= MAX_VALUES or len(widths) != 1 or 0 in widths:
            text = f"one to {MAX_VALUES} values, shared alike"
            raise MalformedCommittee("PV-40", text, where="input")
        pairs.check_points(self.values)

    @property
    def commitments(self) -> tuple[G1Affine, ...]:
        """Com of each value."""
        return tuple(commitments[0] for commitments in self.values)

    @functools.cached_property
    def id(self) -> bytes:
        """32 bytes that stand for all of it; cells' ids come from it."""
        return tagged_hash("private/input", self.to_bytes())

    @property
    def duplicate_keys(self) -> tuple[bytes, ...]:
        """PV-41: what no second input of the chain may have: each Com, 32 bytes."""
        return tuple(map(g1_to_bytes, self.commitments))

    def to_bytes(self) -> bytes:
        head = _head(self.committee, self.epoch, self.reference, self.owner, self.values)
        return head + self.sealed.to_bytes()

    @staticmethod
    def from_bytes(data: bytes) -> Input:
        """Strict; points are checked."""
        reader = Reader(data, "input")
        committee, epoch = reader.take(ID_BYTES), reader.u64()
        reference, owner = reader.take(ID_BYTES), reader.take(ID_BYTES)
        count = reader.count(1, MAX_VALUES, "values")
        width = reader.count(1, pairs.MAX_COMMITMENTS, "commitments")
        values = pairs.read_rows(reader, count, width)
        sealed = Sealed.read(reader, SIZES[-1], _MAX_PART)
        reader.done()
        return Input(committee, epoch, reference, owner, values, sealed)


def _head(
    committee: bytes, epoch: int, reference: bytes, owner: bytes, values: Sequence[Commitments]
) -> bytes:
    writer = Writer().raw(committee, ID_BYTES).u64(epoch).raw(reference, ID_BYTES)
    writer.raw(owner, ID_BYTES).u8(len(values)).u8(len(values[0]) if values else 0)
    return writer.done() + pairs.write_rows(values)


def label_of(record: EpochRecord, given: Input) -> bytes:
    """What an input is bound to, 32 bytes."""
    head = _head(given.committee, given.epoch, given.reference, given.owner, given.values)
    return _label(record, head)


def _label(record: EpochRecord, head: bytes) -> bytes:
    return tagged_hash("private/input-label", record.digest, head)


def make(
    record: EpochRecord, reference: bytes, owner: bytes, values: Sequence[Opening], entropy: bytes
) -> Input:
    """Share values.

    Args:
        record: of the epoch.
        reference: what it is for, 32 bytes.
        owner: Ed25519 key, 32 bytes.
        values: one to three pairs (x, ρ); their commitments are public, and once only.
        entropy: 32 fresh bytes, or derived from a seed and the reference; everything else secret is
            drawn from it, the record and the values.
    """
    seed = (entropy, record.digest, reference, owner)
    degree = record.declaration.size.t
    polynomials = [
        PairPolynomial.of(value, degree, f"private/input/{place}", *seed)
        for place, value in enumerate(values)
    ]
    plain = {
        member: pairs.write([polynomial.share(member) for polynomial in polynomials])
        for member in record.keys
    }
    given = tuple(polynomial.commitments() for polynomial in polynomials)
    return assemble(record, reference, owner, given, plain, entropy)


def assemble(
    record: EpochRecord,
    reference: bytes,
    owner: bytes,
    values: tuple[Commitments, ...],
    plain: dict[int, bytes],
    entropy: bytes,
) -> Input:
    """Seal and prove; `plain` is what is sealed to each member, right or not."""
    committee = record.declaration.id
    label = _label(record, _head(committee, record.epoch, reference, owner, values))
    secret = secret_scalar("private/input/ephemeral", entropy, label, *_ordered(plain))
    sealed = sealing.seal(label, secret, record.keys, plain, entropy)
    return Input(committee, record.epoch, reference, owner, values, sealed)


def _ordered(plain: dict[int, bytes]) -> list[bytes]:
    return [plain[member] for member in sorted(plain)]


def check(given: Input, record: EpochRecord) -> None:
    """`check_all` of one."""
    check_all([given], record)


def check_all(inputs: Sequence[Input], record: EpochRecord) -> None:
    """Everything about inputs of one epoch that everybody sees.

    Raises:
        InputRefused: PV-40 form; PV-41 another committee, epoch, or a commitment twice; PV-33 the
            proof for E; names every one that is refused by the first of these rules.
    """
    malformed = [k for k, given in enumerate(inputs) if not _is_formed(given, record)]
    if malformed:
        raise InputRefused("PV-40", "not of this committee's form", malformed)
    foreign = [
        k
        for k, given in enumerate(inputs)
        if (given.committee, given.epoch) != (record.declaration.id, record.epoch)
    ]
    if foreign:
        raise InputRefused("PV-41", "for another committee or epoch", foreign)
    seen: set[bytes] = set()
    copied = []
    for k, given in enumerate(inputs):
        own = given.duplicate_keys
        if len(set(own)) != len(own) or not seen.isdisjoint(own):
            copied.append(k)
        seen.update(own)
    if copied:
        raise InputRefused("PV-41", "a commitment that was used before", copied)
    bad = sealing.unproved([(label_of(record, given), given.sealed) for given in inputs])
    if bad:
        raise InputRefused("PV-33", "the proof for E does not hold: copied or changed", bad)


def _is_formed(given: Input, record: EpochRecord) -> bool:
    width = record.declaration.size.t + 1
    part = len(given.values) * pairs.PAIR_BYTES + sealing.TAG_BYTES
    return (
        is_proper(given.owner)
        and all(len(commitments) == width for commitments in given.values)
        and [len(sealed) for sealed in given.sealed.parts] == [part] * len(record.keys)
    )


def open_all(inputs: Sequence[Input], secrets: EpochSecrets) -> list[list[Opening] | None]:
    """This member's pairs of each input that passed `check`; None where they are wrong."""
    record, member = secrets.record, secrets.member
    keys = [given.sealed.ephemeral for given in inputs]
    shared = group.multiples_g1([secrets.decryption.secret], keys)
    found = [_open(given, record, member, key) for given, key in zip(inputs, shared, strict=True)]
    places: list[int] = []
    claims: list[pairs.Claim] = []
    for k, (given, opened) in enumerate(zip(inputs, found, strict=True)):
        if opened is not None:
            claims += _claims(given, member, opened)
            places += [k] * len(opened)
    for at in pairs.wrong(claims, record.digest):
        found[places[at]] = None
    return found


def _claims(given: Input, member: int, opened: Sequence[Opening]) -> list[pairs.Claim]:
    return [
        (commitments, member, pair) for commitments, pair in zip(given.values, opened, strict=True)
    ]


def _open(given: Input, record: EpochRecord, member: int, shared: G1Affine) -> list[Opening] | None:
    place = sorted(record.keys).index(member)
    data = sealing.open_part(given.sealed, label_of(record, given), place, member, shared)
    return None if data is None else pairs.read(data, len(given.values))


def accuse(given: Input, secrets: EpochSecrets, signer: Signer, entropy: bytes) -> Accusation:
    """Complain that an input gave this member no right pairs."""
    return accusations.accuse(
        secrets.record.session,
        secrets.member,
        given.id,
        given.sealed.ephemeral,
        secrets.decryption,
        signer,
        entropy,
    )


def judge(accusation: Accusation, given: Input, record: EpochRecord) -> Verdict:
    """PV-42: public and deterministic; the input passed `check`. A guilty sender's is dropped.

    Raises:
        ComplaintRefused: PV-34.
    """
    shared = accusations.disclosed(
        accusation,
        record.declaration,
        record.session,
        record.keys,
        given.id,
        given.sealed.ephemeral,
    )
    if shared is None:
        return Verdict.FALSE_ACCUSER
    opened = _open(given, record, accusation.accuser, shared)
    if opened is None:
        return Verdict.GUILTY_SENDER
    wrong = pairs.wrong(_claims(given, accusation.accuser, opened), record.digest)
    return Verdict.GUILTY_SENDER if wrong else Verdict.FALSE_ACCUSER
