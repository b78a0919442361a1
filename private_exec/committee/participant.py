"""One member's secret side of a ceremony, and its secrets of an epoch. Holds them; prints none."""

from __future__ import annotations

from typing import TypeVar

from node.core.codec import Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.committee import accusation as accusations
from private_exec.committee import dealing as dealings
from private_exec.committee import notice as notices
from private_exec.committee.accusation import Accusation
from private_exec.committee.ceremony import Ceremony
from private_exec.committee.dealing import Dealing
from private_exec.committee.epoch import EpochContext, EpochRecord
from private_exec.committee.errors import KeysUnusable
from private_exec.committee.notice import Notice
from private_exec.committee.subsets import dealers
from private_exec.keygen.notice import DecryptionKey
from private_exec.mpc.prss import PrssKeys, holds
from private_exec.roster import Signer

T = TypeVar("T")


class EpochSecrets:
    """What a member holds in an epoch: e, and the keys of its sets. Does not print itself.

    Attributes:
        member: whose.
        record: the epoch.
    """

    def __init__(
        self, member: int, record: EpochRecord, decryption: DecryptionKey, prss: PrssKeys
    ) -> None:
        self.member = member
        self.record = record
        self._decryption: DecryptionKey | None = decryption
        self._prss: PrssKeys | None = prss

    def __repr__(self) -> str:
        return f"EpochSecrets(member={self.member}, epoch={self.record.epoch})"

    @property
    def decryption(self) -> DecryptionKey:
        """Raises KeysUnusable (PV-37) once erased."""
        return _present(self._decryption)

    @property
    def prss(self) -> PrssKeys:
        """Raises KeysUnusable (PV-37) once erased."""
        return _present(self._prss)

    def erase(self) -> None:
        """PV-37: nothing of the epoch is left here; the memory of bytes is Python's to reuse."""
        self._decryption = None
        self._prss = None


def _present(value: T | None) -> T:
    if value is None:
        raise KeysUnusable("PV-37", "this epoch's keys were erased", where="epoch")
    return value


class Participant:
    """A member in one attempt.

    Args:
        context: of the attempt.
        member: 1 … n.
        signer: its key.
        entropy: 32 fresh bytes of the system's generator; everything secret derives from them, so
            a member that kept them (durably, before its notice leaves; sealed) goes on after a
            restart with the same messages. The context is hashed in: another attempt has other
            secrets even where the entropy is the same.
    """

    def __init__(self, context: EpochContext, member: int, signer: Signer, entropy: bytes) -> None:
        self.context = context
        self.member = member
        self._signer = signer
        self._entropy = entropy
        self._notice, secret = notices.make(context, member, signer, entropy)
        self._secret: DecryptionKey | None = secret

    def __repr__(self) -> str:
        return f"Participant(member={self.member}, epoch={self.context.epoch})"

    def notice(self) -> Notice:
        """First round."""
        return self._notice

    def dealing(self, ceremony: Ceremony) -> Dealing:
        """Second round, once notices are closed."""
        _present(self._secret)
        return dealings.make(self.context, ceremony.keys, self.member, self._signer, self._entropy)

    def complaints(self, ceremony: Ceremony) -> list[Accusation]:
        """Third round: about every dealer whose parts for this member are wrong."""
        return [
            self.accuse(ceremony, dealer)
            for dealer in sorted(ceremony.dealings)
            if dealer != self.member and self._parts(ceremony, dealer) is None
        ]

    def accuse(self, ceremony: Ceremony, dealer: int) -> Accusation:
        """A complaint about a dealer."""
        dealing = ceremony.dealings[dealer]
        return accusations.accuse(
            ceremony.session,
            self.member,
            dealing.digest(ceremony.session),
            dealing.sealed.ephemeral,
            _present(self._secret),
            self._signer,
            self._entropy,
        )

    def secrets(self, ceremony: Ceremony, record: EpochRecord) -> EpochSecrets:
        """This member's keys of the epoch: k_A = H(parts of the qualified dealers of A).

        Raises:
            KeysUnusable: PV-37, a qualified dealer's parts for this member are wrong, and it did
                not complain in time; it has no keys for this epoch.
        """
        parts = {dealer: self._parts(ceremony, dealer) for dealer in record.qualified}
        wrong = [dealer for dealer, found in parts.items() if found is None]
        if wrong:
            raise KeysUnusable("PV-37", f"the parts of dealer {wrong[0]} are wrong", where="keys")
        size = self.context.declaration.size
        keys = {}
        for mask, among in dealers(size).items():
            if holds(mask, self.member):
                chosen = [(dealer, parts[dealer]) for dealer in among if dealer in parts]
                keys[mask] = _key(record, mask, chosen)
        prss = PrssKeys(size, self.member, keys)
        return EpochSecrets(self.member, record, _present(self._secret), prss)

    def forget(self) -> None:
        """Drop the attempt's secrets; the memory of entropy and numbers is Python's to reuse."""
        self._secret = None
        self._entropy = b""

    def _parts(self, ceremony: Ceremony, dealer: int) -> dict[int, bytes] | None:
        if dealer == self.member:
            return dealings.own_parts(self.context, ceremony.keys, dealer, self._entropy)
        dealing = ceremony.dealings[dealer]
        shared = group.multiple_g1(_present(self._secret).secret, dealing.sealed.ephemeral)
        return dealings.open_parts(dealing, self.context, ceremony.keys, self.member, shared)


def _key(
    record: EpochRecord, mask: int, chosen: list[tuple[int, dict[int, bytes] | None]]
) -> bytes:
    found = (Writer().u8(dealer).done() + (parts or {})[mask] for dealer, parts in chosen)
    return tagged_hash("private/committee/key", record.session, mask.to_bytes(2, "little"), *found)
