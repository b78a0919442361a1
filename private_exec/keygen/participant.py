"""One validator's secret side of key generation. Holds secrets; prints none."""

from __future__ import annotations

from private_exec import group
from private_exec.errors import KeygenRefused, OwnShareWrong
from private_exec.keygen import complaint as complaints
from private_exec.keygen import dealing as dealings
from private_exec.keygen import notice as notices
from private_exec.keygen.complaint import Complaint
from private_exec.keygen.context import Context
from private_exec.keygen.dealing import Dealing
from private_exec.keygen.notice import DecryptionKey, Notice
from private_exec.keygen.protocol import Commit, Keygen, KeygenSucceeded, make_commit
from private_exec.keys import HeldShares
from private_exec.roster import Signer


class Participant:
    """A validator in one attempt.

    Args:
        context: of the attempt.
        member: its place in the roster.
        signer: its consensus key.
        entropy: 32 fresh bytes of the system's generator; everything secret derives from them, so
            a validator that kept them (durably, before its notice leaves; sealed) goes on after a
            restart with the same messages. The context is hashed in: another attempt has
            other secrets even where the entropy is the same.
    """

    def __init__(self, context: Context, member: int, signer: Signer, entropy: bytes) -> None:
        self.context = context
        self.member = member
        self._signer = signer
        self._entropy = entropy
        self._notice, secret = notices.make(context, member, signer, entropy)
        self._secret: DecryptionKey | None = secret
        self._dealing: Dealing | None = None

    def __repr__(self) -> str:
        return f"Participant(member={self.member}, epoch={self.context.epoch})"

    def notice(self) -> Notice:
        """First round."""
        return self._notice

    def commit(self, keygen: Keygen) -> Commit:
        """Second round, once notices are closed."""
        self._dealing = dealings.make(self.context, keygen.keys, self.member, self._entropy)
        return make_commit(keygen.session, self._dealing, self._signer)

    def dealing(self) -> Dealing:
        """Third round, once commits are closed.

        Raises:
            KeygenRefused: PX-23, nothing was committed to.
        """
        if self._dealing is None:
            raise KeygenRefused("PX-23", "nothing was committed to", where="dealing")
        return self._dealing

    def complaints(self, keygen: Keygen) -> list[Complaint]:
        """Fourth round: about every dealer with a wrong share, one complaint each."""
        found = []
        for dealer in sorted(keygen.dealings):
            for number in self.context.roster.indices(self.member):
                if self._share(keygen, dealer, number, self._open_secret()) is None:
                    found.append(self._accuse(keygen, dealer, number))
                    break
        return found

    def held(self, keygen: Keygen, outcome: KeygenSucceeded) -> HeldShares:
        """This validator's shares of the key, checked against it.

        Raises:
            OwnShareWrong: PX-10, a qualified dealer's share is wrong: send none, complain late.
        """
        secret = self._open_secret()
        values = {}
        for number in self.context.roster.indices(self.member):
            total = 0
            for dealer in outcome.qualified:
                share = self._share(keygen, dealer, number, secret)
                if share is None:
                    raise OwnShareWrong(
                        "PX-10", f"the share of dealer {dealer} is wrong", where=f"share {number}"
                    )
                total += share
            values[number] = total % group.R
        held = HeldShares(self.member, values)
        held.check(outcome.key)
        return held

    def forget(self) -> None:
        """Drop the attempt's secrets; the entropy's and numbers' memory is Python's to reuse."""
        self._secret = None
        self._entropy = b""

    def _open_secret(self) -> DecryptionKey:
        if self._secret is None:
            raise KeygenRefused("PX-2", "this attempt's key was erased", where="participant")
        return self._secret

    def _share(self, keygen: Keygen, dealer: int, number: int, secret: DecryptionKey) -> int | None:
        """The dealer's share of this number, or None where it is wrong."""
        dealing = keygen.dealings[dealer]
        shared = group.multiple_g1(secret.secret, dealing.ephemeral)
        value = dealings.open_share(dealing, self.context, keygen.keys, number, shared)
        if value is None or not dealings.is_share(dealing, self.context, number, value):
            return None
        return value

    def _accuse(self, keygen: Keygen, dealer: int, number: int) -> Complaint:
        return complaints.make(
            self.context,
            keygen.keys,
            keygen.dealings[dealer],
            self.member,
            number,
            self._open_secret(),
            self._signer,
            self._entropy,
        )
