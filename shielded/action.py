"""An action on the wire: public inputs, two note ciphertexts, proofs, a signature.

    anchor, nf₀, nf₁, cm₀, cm₁    32 each      logics    flag byte, 32 per non-zero logic
    rk, Δ                         32 each      ciphertexts               825 each
    proof                         128          logic proofs  128 per non-zero logic
    auth                          64

2,067 bytes for an action of plain tokens. What comes before `proof` is the action's *body*: what
signatures and identities cover. Proofs are malleable, so they are no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from circuits.records import ActionPublic
from node.core.codec import Reader, Writer
from shielded.encryption import NOTE_CIPHERTEXT_BYTES, NoteCiphertext, Output
from shielded.errors import MalformedTransaction
from shielded.scan import ScannedAction
from shielded.schnorr import SIGNATURE_BYTES
from zk.curve import babyjub
from zk.curve.babyjub import IDENTITY, Point
from zk.errors import DecodeError
from zk.field.params import FR

PROOF_BYTES: Final = 128
LOGIC_SLOTS: Final = 4
ACTION_BYTES: Final = (
    5 * 32 + 1 + 2 * 32 + 2 * NOTE_CIPHERTEXT_BYTES + PROOF_BYTES + SIGNATURE_BYTES
)
"""Size of an action of plain tokens, the smallest there is."""
STATEMENT: Final = "action/1"
"""Key id of the statement that every action proves."""
UNSIGNED: Final = bytes(SIGNATURE_BYTES)
"""Stands where a signature will be."""


@dataclass(frozen=True, slots=True)
class Action:
    """Consume two resources, create two.

    Attributes:
        public: public inputs of the statement.
        ciphertexts: of the created notes, slot 0 first.
        proof: 128 bytes.
        logic_proofs: one per slot with logic ≠ 0, in the order consumed 0, 1, created 0, 1.
        auth: Schnorr signature under rk.

    Raises:
        MalformedTransaction: SH-1 lengths, SH-2 values, SH-3 rk, SH-4 Δ, SH-27 logic proofs.
    """

    public: ActionPublic
    ciphertexts: tuple[NoteCiphertext, NoteCiphertext]
    proof: bytes
    logic_proofs: tuple[bytes, ...] = ()
    auth: bytes = UNSIGNED

    def __post_init__(self) -> None:
        sizes = [(self.proof, PROOF_BYTES), (self.auth, SIGNATURE_BYTES)]
        sizes += [(proof, PROOF_BYTES) for proof in self.logic_proofs]
        if any(len(data) != size for data, size in sizes):
            raise MalformedTransaction("SH-1", "a proof or signature of another length")
        if not all(0 <= value < FR.modulus for value in public_inputs(self.public)):
            raise MalformedTransaction("SH-2", "a public input is not below r", where="action")
        _check_on_curve(Point(*self.public.rk), "SH-3", "rk")
        _check_on_curve(Point(*self.public.delta), "SH-4", "delta")
        if self.public.rk == IDENTITY:
            raise MalformedTransaction("SH-3", "rk is the identity", where="rk")
        if len(self.logic_proofs) != sum(logic != 0 for logic in self.logics):
            raise MalformedTransaction(
                "SH-27", "not exactly one logic proof per slot with a logic", where="logic proofs"
            )

    @property
    def logics(self) -> tuple[int, int, int, int]:
        """Logic of the four slots, consumed first."""
        return (*self.public.consumed_logic, *self.public.created_logic)

    @property
    def rk(self) -> Point:
        return Point(*self.public.rk)

    @property
    def delta(self) -> Point:
        return Point(*self.public.delta)

    @property
    def outputs(self) -> tuple[Output, Output]:
        """The created notes as wallets look at them."""
        return self.scanned.outputs

    @property
    def scanned(self) -> ScannedAction:
        """What a wallet reads of it."""
        public = self.public
        return ScannedAction(public.nullifiers, public.commitments, self.ciphertexts)

    def body(self) -> bytes:
        """Public inputs and ciphertexts: what is signed."""
        public = self.public
        writer = Writer().fr(public.anchor)
        for value in (*public.nullifiers, *public.commitments):
            writer.fr(value)
        writer.u8(sum(1 << slot for slot, logic in enumerate(self.logics) if logic))
        for logic in self.logics:
            if logic:
                writer.fr(logic)
        writer.raw(babyjub.encode(self.rk), 32).raw(babyjub.encode(self.delta), 32)
        for ciphertext in self.ciphertexts:
            writer.raw(ciphertext.to_bytes(), NOTE_CIPHERTEXT_BYTES)
        return writer.done()

    def to_bytes(self) -> bytes:
        return b"".join((self.body(), self.proof, *self.logic_proofs, self.auth))

    @staticmethod
    def read(reader: Reader) -> Action:
        """Read one action.

        Raises:
            WrongLength: too short.
            MalformedTransaction: SH-1 … SH-4.
        """
        anchor, nf0, nf1, cm0, cm1 = (_read_fr(reader) for _ in range(5))
        flags = reader.u8()
        if flags >> LOGIC_SLOTS:
            raise MalformedTransaction("SH-1", "unknown flags", where="logics")
        logics = [_read_logic(reader) if flags >> slot & 1 else 0 for slot in range(LOGIC_SLOTS)]
        rk = _read_point(reader, "SH-3", "rk", allow_identity=False)
        delta = _read_point(reader, "SH-4", "delta", allow_identity=True)
        first, second = (
            NoteCiphertext.from_bytes(reader.take(NOTE_CIPHERTEXT_BYTES)) for _ in range(2)
        )
        proof = reader.take(PROOF_BYTES)
        logic_proofs = tuple(reader.take(PROOF_BYTES) for logic in logics if logic)
        public = ActionPublic(
            anchor=anchor,
            nullifiers=(nf0, nf1),
            commitments=(cm0, cm1),
            consumed_logic=(logics[0], logics[1]),
            created_logic=(logics[2], logics[3]),
            rk=rk,
            delta=delta,
        )
        return Action(public, (first, second), proof, logic_proofs, reader.take(SIGNATURE_BYTES))


def public_inputs(public: ActionPublic) -> tuple[int, ...]:
    """The thirteen public inputs in the order of the statement.  Rule SH-6."""
    return (
        public.anchor,
        *public.nullifiers,
        *public.commitments,
        *public.consumed_logic,
        *public.created_logic,
        *public.rk,
        *public.delta,
    )


def _check_on_curve(point: Point, rule: str, what: str) -> None:
    if not babyjub.is_on_curve(point):
        raise MalformedTransaction(rule, f"{what} is not on Baby Jubjub", where=what)


def _read_fr(reader: Reader) -> int:
    value = reader.uint(32)
    if value >= FR.modulus:
        raise MalformedTransaction("SH-2", "a public input is not below r", where="action")
    return value


def _read_logic(reader: Reader) -> int:
    logic = _read_fr(reader)
    if logic == 0:
        raise MalformedTransaction("SH-1", "a logic of zero is not written", where="logics")
    return logic


def _read_point(reader: Reader, rule: str, what: str, *, allow_identity: bool) -> Point:
    try:
        return babyjub.decode(reader.take(32), what=what, allow_identity=allow_identity)
    except DecodeError as error:
        raise MalformedTransaction(rule, error.message, where=what) from error
