"""A member's part in ceremonies, and the keys that come of them.  Rules PV-155, PV-156."""

from __future__ import annotations

from typing import Final

from node.core.ids import tagged_hash
from node.private import committees
from node.private.committees import Committee, Word
from node.private.member.errors import MemberSecretLost
from node.private.member.secrets import Vault
from node.private.member.view import View
from node.private.messages import CeremonyTx, Step
from private_exec.committee.ceremony import Ceremony
from private_exec.committee.errors import KeysUnusable
from private_exec.committee.participant import EpochSecrets, Participant
from private_exec.roster import Signer

KEPT: Final = 2
"""Epochs whose keys are kept in any case: a round may have begun under those before the latest."""


class Keys:
    """Of one member in one committee.

    Args:
        member: 1 … n.
        signer: its key.
        vault: its entropy.
        step_heights: of the chain.
    """

    def __init__(self, member: int, signer: Signer, vault: Vault, step_heights: int) -> None:
        self.member = member
        self._signer = signer
        self._vault = vault
        self._step_heights = step_heights
        self._secrets: dict[int, EpochSecrets | None] = {}

    def due(self, view: View) -> list[CeremonyTx]:
        """PV-155: what this member has to say in the next block, of the ceremony that is on.

        Raises:
            MemberSecretLost: PV-150.
        """
        found, height = view.committee(), view.height + 1
        context = found.context
        if found.opened == 0:
            if height < found.opens():
                return []
            return [self._notice(found)]
        words = view.words(found.made, found.attempt)
        ceremony = committees.replay(context, words, self._step_heights)
        plan = ceremony.schedule
        if self.member not in ceremony.keys:
            if height > plan.notices:
                return []
            return [self._notice(found)]
        kept = self._vault.find(found.made, found.attempt)
        if kept is None or not plan.notices < height <= plan.complaints:
            return []
        me = Participant(context, self.member, self._signer, kept)
        if me.notice().key != ceremony.keys[self.member]:
            return []
        if height <= plan.dealings:
            messages = [self._said(found, Step.DEALING, me.dealing(ceremony).to_bytes())]
        else:
            messages = [
                self._said(found, Step.COMPLAINT, accusation.to_bytes())
                for accusation in me.complaints(ceremony)
            ]
        heard = {Word.from_bytes(word).message for word in words}
        return [message for message in messages if message.message not in heard]

    def of_epoch(self, view: View, number: int) -> EpochSecrets | None:
        """The member's keys of an epoch; None: it has none, for good or for now.

        Raises:
            MemberSecretLost: PV-150.
        """
        if number not in self._secrets:
            entry = view.epoch(number)
            if entry is None:
                return None
            record = entry.record
            entropy = self._vault.find(number, record.context.attempt)
            words = view.words(number, record.context.attempt)
            if entropy is None or not words or self.member not in record.keys:
                return None
            me = Participant(record.context, self.member, self._signer, entropy)
            if me.notice().key != record.keys[self.member]:
                return None
            ceremony: Ceremony = committees.replay(record.context, words, self._step_heights)
            try:
                self._secrets[number] = me.secrets(ceremony, record)
            except KeysUnusable:
                self._secrets[number] = None
        return self._secrets[number]

    def first(self) -> int:
        """The first epoch of which anything is kept. Raises MemberSecretLost: PV-150."""
        return min((epoch for epoch, _ in self._vault.kept()), default=0)

    def nonce(self, secrets: EpochSecrets, about: bytes) -> bytes:
        """32 bytes that only this member knows, for one use.

        Raises:
            MemberSecretLost: PV-150.
        """
        context = secrets.record.context
        entropy = self._vault.find(context.epoch, context.attempt)
        if entropy is None:
            raise MemberSecretLost("PV-150", "the epoch's secret was erased", where="secrets")
        return tagged_hash("private/member/nonce", entropy, about)

    def forget(self, view: View) -> None:
        """PV-156 (PV-37): erase what no block can ask for any more.

        Raises:
            MemberSecretLost: PV-150.
        """
        found = view.committee()
        for epoch, attempt in self._vault.kept():
            entry = view.epoch(epoch) if epoch < found.made else None
            failed = (
                attempt < found.attempt
                if epoch == found.made
                else entry is not None and attempt != entry.record.context.attempt
            )
            over = epoch < found.made and self._is_over(view, epoch, found.made)
            if failed or over:
                self._vault.erase(epoch, attempt)
            if over and (gone := self._secrets.pop(epoch, None)) is not None:
                gone.erase()

    def _is_over(self, view: View, epoch: int, made: int) -> bool:
        """PV-156: of an epoch that had keys, whether nothing needs them."""
        return view.is_frozen(epoch) or (
            epoch + KEPT < made and not view.awaits(epoch, self.first())
        )

    def _notice(self, found: Committee) -> CeremonyTx:
        entropy = self._vault.entropy(found.made, found.attempt)
        notice = Participant(found.context, self.member, self._signer, entropy).notice()
        return self._said(found, Step.NOTICE, notice.to_bytes())

    def _said(self, found: Committee, step: Step, message: bytes) -> CeremonyTx:
        return CeremonyTx(found.declaration.id, found.made, found.attempt, step, message)
