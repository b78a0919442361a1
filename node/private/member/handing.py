"""What the chain has a member do when its committee is followed by another, or follows one.

Rules PV-165 … PV-168.

    old    a transfer that is due          what opens it, which anybody may send
           one that is under way           masks, complaints, a session that hands the cells over
    new    one that comes here             complaints, a session that takes the cells

All of it is about the transfer that the chain says, and follows from this member's disk.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from node.core.ids import tagged_hash
from node.private import donor, succession
from node.private.errors import PrivateRefused
from node.private.member.due import Job
from node.private.member.errors import MemberRefused
from node.private.member.keys import Keys
from node.private.member.view import View
from node.private.messages import HandoverTx
from node.private.succession import Going, Succession
from node.private.succession_payload import Left, NameTx, Step, TransferTx, opening
from private_exec.committee import reshare, together
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.errors import CeremonyRefused, CommitteeRefused
from private_exec.committee.participant import EpochSecrets
from private_exec.committee.reshare import MaskDealing, Side, Transfer
from private_exec.mpc.context import Context
from private_exec.mpc.rounds import Rounds
from private_exec.pedersen import Opening
from private_exec.roster import Signer

_COMPLAINTS = {Side.OLD: Step.OLD_COMPLAINT, Side.NEW: Step.NEW_COMPLAINT}
Masks = list[Opening] | None


@dataclass(frozen=True, slots=True)
class _Part:
    """A member's part in a transfer: on which side, with which secrets."""

    committee: bytes
    known: Succession
    going: Going
    transfer: Transfer
    side: Side
    secrets: EpochSecrets


class HandingDuties:
    """Of one member.

    Args:
        keys: its keys.
        signer: its signing key.
        step_heights: of the chain.
        takes: committees whose cells it takes; what comes from others is not looked at.
    """

    def __init__(
        self, keys: Keys, signer: Signer, step_heights: int, takes: Collection[bytes] = ()
    ) -> None:
        self._keys = keys
        self._signer = signer
        self._step = step_heights
        self._takes = frozenset(takes)
        self._opened: dict[tuple[bytes, Side, int], Masks] = {}
        self._real: set[tuple[bytes, bytes, Side]] = set()

    def look(self, view: View) -> tuple[list[TransferTx], list[Job]]:
        """What is due behind this view: to be sent as it is, and to be made with others.

        Raises:
            ChiaroError: the node does not answer, or lies (PV-168), or a secret is lost.
        """
        parts = list(self._parts(view))
        digests = {part.transfer.digest for part in parts}
        self._opened = {key: m for key, m in self._opened.items() if key[0] in digests}
        self._real = {key for key in self._real if key[0] in digests}
        messages = list(self._opening(view))
        jobs: list[Job] = []
        for part in parts:
            messages += self._said(view, part)
            jobs += self._session(view, part)
        return messages, jobs

    def _parts(self, view: View) -> Iterator[_Part]:
        """Transfers under way from this committee, and to it, in which this member has a part."""
        places = [(view.identity, Side.OLD)]
        if self._takes:
            places += [(one, Side.NEW) for one in view.coming() if one in self._takes]
        for committee, side in places:
            known = view.succession(committee)
            going = None if known is None else known.going
            if known is None or going is None:
                continue
            if view.height + 1 > going.last(Step.HANDED, self._step):
                continue
            if side is Side.OLD and not self._wants(view, known, going.successor):
                continue
            if side is Side.NEW and going.successor != view.identity:
                continue
            epoch = going.epoch if side is Side.OLD else going.serving
            secrets = self._keys.of_epoch(view, epoch)
            if secrets is None:
                continue
            transfer = going.transfer(view.reader, committee, known.retry)
            if self._is_whole(view, committee, going, transfer, side, secrets.record):
                yield _Part(committee, known, going, transfer, side, secrets)

    def _is_whole(
        self,
        view: View,
        committee: bytes,
        going: Going,
        transfer: Transfer,
        side: Side,
        own: EpochRecord,
    ) -> bool:
        """PV-168: both records are those of these committees, under keys that members signed for.

        False: the words that show it are kept no more, as behind a freeze.

        Raises:
            MemberRefused: PV-168.
        """
        place = transfer.digest, committee + going.successor, side
        if place not in self._real:
            if transfer.record(side).digest != own.digest:
                raise _impossible("it is not of this member's keys", "transfer")
            epochs = (committee, going.epoch), (going.successor, going.serving)
            for of, record in zip(epochs, (transfer.old, transfer.new), strict=True):
                said = view.notices(*of, record.context.attempt)
                if not said:
                    return False
                try:
                    donor.check_keys(of, record, said)
                except (PrivateRefused, CommitteeRefused) as error:
                    raise _impossible(error.message, "transfer") from None
            self._real.add(place)
        return True

    def _wants(self, view: View, known: Succession, successor: bytes) -> bool:
        """PV-165: the member said itself that this one follows.

        Raises:
            MemberRefused: PV-165, the node says so, and the member never signed it.
        """
        place, declaration = self._keys.member - 1, view.committee().declaration
        if len(known.words) != len(declaration.seats):
            raise MemberRefused("PV-165", "words of another number of members", where="successor")
        named, made = known.words[place]
        if not made or named != successor:
            return False
        word = NameTx(view.identity, named, made - 1, self._keys.member)
        signed = declaration.is_signed(word.member, word.digest, known.signatures[place])
        if declaration.id != view.identity or not signed:
            raise MemberRefused(
                "PV-165", "the node gives a word that this member never gave", where="successor",
                why="cells would go to a committee that somebody else chose",
                fix="ask a node that is this member's own",
            )  # fmt: skip
        return True

    # --- messages ----------------------------------------------------------------------------

    def _opening(self, view: View) -> Iterator[TransferTx]:
        """PV-166: of the oldest cells that this member can hand over, when a transfer is due."""
        known = view.succession(view.identity)
        if known is None or view.height + 1 <= known.opens(self._step):
            return
        named = known.named(view.identity, view.committee().declaration.quorum)
        if named is None or not self._wants(view, known, named):
            return
        for epoch in view.epochs_with_cells(self._keys.first()):
            if self._keys.of_epoch(view, epoch) is not None and not view.is_frozen(epoch):
                yield opening(view.identity, known.retry + (known.going is not None), epoch)
                return

    def _said(self, view: View, part: _Part) -> Iterator[TransferTx]:
        """PV-166, PV-167: masks of an old member, complaints of either side, each once, in time."""
        height, going, member = view.height + 1, part.going, part.secrets.member
        masks_due = part.side is Side.OLD and member not in going.dealt
        if masks_due and height <= going.last(Step.MASKS, self._step):
            entropy = self._keys.nonce(part.secrets, part.transfer.digest)
            dealing = reshare.deal(part.transfer, member, self._signer, entropy)
            yield self._message(part, Step.MASKS, dealing.to_bytes())
        if height > going.last(Step.OLD_COMPLAINT, self._step):
            return
        for dealer in going.dealt:
            place = bytes([part.side, member, dealer])
            if dealer in going.guilty or place in going.heard:
                continue
            if self._masks(view, part, dealer) is None:
                dealing = succession.dealing_of(view.reader, part.committee, dealer)
                _check(dealing, dealer, part.transfer)  # a node may give another each time
                nonce = self._keys.nonce(part.secrets, dealing.about(part.transfer, part.side))
                said = reshare.accuse(
                    dealing, part.transfer, part.side, part.secrets, self._signer, nonce
                )
                yield self._message(part, _COMPLAINTS[part.side], said.to_bytes())

    def _message(self, part: _Part, step: Step, message: bytes) -> TransferTx:
        return TransferTx(part.committee, part.known.retry, step, message)

    def _masks(self, view: View, part: _Part, dealer: int) -> Masks:
        """What a dealer sealed to this member; None: nothing that is right.

        Raises:
            MemberRefused: PV-168.
        """
        key = part.transfer.digest, part.side, dealer
        if key not in self._opened:
            dealing = succession.dealing_of(view.reader, part.committee, dealer)
            _check(dealing, dealer, part.transfer)
            self._opened[key] = reshare.open_masks(dealing, part.transfer, part.side, part.secrets)
        return self._opened[key]

    # --- sessions ----------------------------------------------------------------------------

    def _session(self, view: View, part: _Part) -> Iterator[Job]:
        """PV-166, PV-167: behind the complaints, under the masks of all who dealt rightly.

        Whose masks these are is recorded (PV-151): what a member opens under the masks of one
        dealer, of another, and of both, shows its share of r.
        """
        going, transfer = part.going, part.transfer
        if view.height < going.last(Step.OLD_COMPLAINT, self._step):
            return
        if part.side is (Side.OLD if going.handed else Side.NEW):
            return
        try:
            counting = reshare.qualified(transfer, going.dealt, set(going.guilty))
        except CeremonyRefused:
            return
        masks = [self._masks(view, part, dealer) for dealer in counting]
        right = [each for each in masks if each is not None]
        if len(right) != len(masks):
            return
        session, keys = together.transfer_session(transfer, part.side), part.secrets.prss
        decision = (
            tagged_hash("private/member/masks-of", transfer.digest, bytes([part.side])),
            bytes(counting),
        )
        count = f"{len(transfer.cells)} cells"
        if part.side is Side.OLD:
            about = f"{count} to committee {going.successor.hex()[:16]}"
            yield Job(session, keys, _handing(part, right), about, decision)
        elif (left := succession.handed_of(view.reader, part.committee)) is not None:
            about = f"{count} from committee {part.committee.hex()[:16]}"
            yield Job(session, keys, _taking(part, left, right), about, decision)


def _check(dealing: MaskDealing, dealer: int, transfer: Transfer) -> None:
    """PV-168: masks as a node gives them, if the chain can have them. Raises MemberRefused."""
    try:
        reshare.check(dealing, transfer)
    except CeremonyRefused as error:
        raise _impossible(error.message, f"masks of member {dealer}") from None
    if dealing.dealer != dealer:
        raise _impossible("they are another member's", f"masks of member {dealer}")


def _impossible(message: str, where: str) -> MemberRefused:
    return MemberRefused(
        "PV-168", f"the node says of a hand-over what no chain has: {message}",
        where=where,
        why="what is said about it could open what was sealed to this member, or its own share",
        fix="ask a node that is this member's own",
    )  # fmt: skip


def _handing(part: _Part, masks: list[list[Opening]]) -> Callable[[Context], Rounds[TransferTx]]:
    transfer, declaration = part.transfer, part.transfer.old.declaration

    def protocol(context: Context) -> Rounds[TransferTx]:
        handed = yield from together.handing(context, transfer, masks)
        will = yield from together.certified(context, declaration, transfer.digest)
        message = Left(handed, will).to_bytes()
        return TransferTx(part.committee, part.known.retry, Step.HANDED, message)

    return protocol


def _taking(
    part: _Part, left: Left, masks: list[list[Opening]]
) -> Callable[[Context], Rounds[HandoverTx]]:
    going, transfer = part.going, part.transfer

    def protocol(context: Context) -> Rounds[HandoverTx]:
        made = yield from together.taking(context, transfer, masks, left.handed, going.cells)
        return HandoverTx(
            part.committee, going.epoch, going.successor, going.serving, part.known.retry,
            left.will, made.to_bytes(),
        )  # fmt: skip

    return protocol
