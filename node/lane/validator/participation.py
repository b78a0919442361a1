"""A validator's part in making keys: what it owes to the next block.  Rules LN-25, LN-26.

Everything is read from the state: which attempt is open, what of this validator's is in it. A
message is said again with every block until it is there; the same one, since all of it follows from
the entropy that was kept before the first left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from node.core.genesis import Genesis
from node.core.interfaces import StateReader
from node.core.lane import LaneParameters
from node.lane import generation, holders, layout
from node.lane.payload import KeyMessage, KeyTx, wire
from node.lane.validator.identity import ValidatorKey
from node.lane.validator.secrets import ENTROPY_BYTES, AttemptId, SecretStore
from private_exec.errors import OwnShareWrong
from private_exec.keygen.participant import Participant
from private_exec.keygen.protocol import Keygen, KeygenSucceeded
from private_exec.keys import HeldShares


class Participation:
    """One validator, all its attempts.

    Args:
        genesis: of the chain; it has a lane.
        signer: the consensus key; which member it is follows from the roster of each epoch.
        store: of entropy.
        ahead: make keys before their epochs begin; else only those that `want` asks for.
        entropy: 32 fresh bytes.
        begin: told of a domain, and whether it has secrets, before the next one is kept.
        participant: the secret side of an attempt; tests give a liar's.
    """

    def __init__(
        self,
        genesis: Genesis,
        lane: LaneParameters,
        signer: ValidatorKey,
        store: SecretStore,
        *,
        ahead: bool,
        entropy: Callable[[], bytes],
        begin: Callable[[int, bool], None],
        participant: type[Participant] = Participant,
    ) -> None:
        self._genesis = genesis
        self._lane = lane
        self._signer = signer
        self._store = store
        self._ahead = ahead
        self._entropy = entropy
        self._begin = begin
        self._make = participant
        self._wanted: set[int] = set()
        self._participants: dict[AttemptId, Participant] = {}
        self._held: dict[AttemptId, HeldShares | None] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether a key is asked for that is not there."""
        return bool(self._wanted)

    def want(self, domain: int) -> None:
        """Open an attempt at the domain's key as soon as one may be opened, if there is none."""
        self._wanted.add(domain)

    # MESSAGES

    def due(self, state: StateReader, height: int) -> tuple[bytes, ...]:
        """Transactions for the block behind `height`, whose state this is."""
        following = height + 1
        now = self._lane.epoch_of(following)
        made: list[bytes] = []
        for domain in self._lane.domains:
            target = self._target(following)
            there = layout.key_of(state, domain.number, target) is not None
            if there or self._member(state, target) is None:  # who has no part makes none
                self._wanted.discard(domain.number)
            for epoch in (now, now + 1):
                made += self._owed(state, domain.number, epoch, following)
        return tuple(made)

    def _target(self, height: int) -> int:
        """The epoch whose key is wanted at a height: the next, where this one's would be late."""
        epoch = self._lane.epoch_of(height)
        return epoch if height <= generation.last_opening(self._genesis, epoch) else epoch + 1

    def _is_time(self, epoch: int, height: int) -> bool:
        """LN-6: whether an attempt may begin in a block of this height."""
        first = generation.first_opening(self._genesis, epoch)
        return first <= height <= generation.last_opening(self._genesis, epoch)

    def _owed(self, state: StateReader, domain: int, epoch: int, height: int) -> Iterator[bytes]:
        if self._member(state, epoch) is None:
            return
        attempt = layout.attempt(state, domain, epoch)
        if layout.key_of(state, domain, epoch) is not None:
            if attempt is not None:
                yield from self._late(state, AttemptId(domain, epoch, attempt.number))
            return
        if attempt is None or attempt.over:
            wanted = domain in self._wanted and epoch == self._target(height)
            if (self._ahead or wanted) and self._is_time(epoch, height):
                number = 0 if attempt is None else attempt.number + 1
                yield from self._notice(state, AttemptId(domain, epoch, number))
            return
        place = AttemptId(domain, epoch, attempt.number)
        keygen = generation.replay(state, self._genesis, domain, epoch, attempt.number)
        yield from self._round(state, place, keygen, height)

    def _member(self, state: StateReader, epoch: int) -> int | None:
        """LN-46: this validator's place in an epoch; None: it has no share of its keys."""
        return holders.member_in(state, self._genesis, epoch, self._signer.public)

    def _round(
        self, state: StateReader, place: AttemptId, keygen: Keygen, height: int
    ) -> Iterator[bytes]:
        member, schedule = self._member(state, place.epoch), keygen.schedule
        if height <= schedule.notices:
            if member not in keygen.keys:
                yield from self._notice(state, place)
            return
        participant = self._participant(state, place)
        if participant is None or not self._is_noticed(participant, keygen):
            return  # absent in this attempt: the secret is lost, or the notice came too late
        if height <= schedule.commits:
            if member not in keygen.commits:
                commit = participant.commit(keygen)
                yield self._tx(place, KeyMessage.COMMIT, commit.to_bytes())
        elif height <= schedule.dealings:
            if member in keygen.commits and member not in keygen.dealings:
                participant.commit(keygen)  # again after a restart, and with the same dealing
                yield self._tx(place, KeyMessage.DEALING, participant.dealing().to_bytes())
        elif height <= schedule.complaints:
            for complaint in participant.complaints(keygen):
                if complaint.dealer not in keygen.guilty:
                    yield self._tx(place, KeyMessage.COMPLAINT, complaint.to_bytes())

    def _notice(self, state: StateReader, place: AttemptId) -> Iterator[bytes]:
        """LN-25: the entropy is on the disk before the notice leaves."""
        if self._store.get(place) is None:
            entropy = self._entropy()
            if len(entropy) != ENTROPY_BYTES:
                raise ValueError("entropy is 32 bytes")
            known = any(kept.domain == place.domain for kept in self._store.kept())
            self._begin(place.domain, known)
            self._store.put(place, entropy)
        participant = self._participant(state, place)
        if participant is not None:
            yield self._tx(place, KeyMessage.NOTICE, participant.notice().to_bytes())

    def _late(self, state: StateReader, place: AttemptId) -> Iterator[bytes]:
        """PX-10: a dealer is blamed for a wrong share even behind the deadline."""
        if place in self._held or self._participant(state, place) is None:
            return
        if self.held(state, place.domain, place.epoch) is not None:
            return
        participant, keygen = self._participant(state, place), self._replay(state, place)
        if participant is not None and self._is_noticed(participant, keygen):
            for complaint in participant.complaints(keygen):
                if complaint.dealer not in keygen.guilty:
                    yield self._tx(place, KeyMessage.COMPLAINT, complaint.to_bytes())

    @staticmethod
    def _is_noticed(participant: Participant, keygen: Keygen) -> bool:
        """LN-25: whether the chain has the notice of this very secret, not of another copy's.

        With another secret every share looks wrong, and complaints would accuse honest dealers.
        """
        return keygen.keys.get(participant.member) == participant.notice().key

    @staticmethod
    def _tx(place: AttemptId, what: KeyMessage, message: bytes) -> bytes:
        return wire(KeyTx(place.domain, place.epoch, place.attempt, what, message))

    # SECRETS

    def held(self, state: StateReader, domain: int, epoch: int) -> HeldShares | None:
        """This validator's shares of an epoch's key; None: it has none, and counts as absent."""
        attempt = layout.attempt(state, domain, epoch)
        if attempt is None or layout.key_of(state, domain, epoch) is None:
            return None
        place = AttemptId(domain, epoch, attempt.number)
        if place not in self._held:
            self._held[place] = self._open(state, place)
        return self._held[place]

    def _open(self, state: StateReader, place: AttemptId) -> HeldShares | None:
        participant = self._participant(state, place)
        if participant is None or not any(
            generation.words(state, place.domain, place.epoch, place.attempt)
        ):
            return None  # never taken part, or over and forgotten
        keygen = self._replay(state, place)
        if participant.member not in keygen.keys:
            return None
        outcome = keygen.finish(keygen.schedule.complaints + 1)
        if not isinstance(outcome, KeygenSucceeded):
            return None
        try:
            return participant.held(keygen, outcome)
        except OwnShareWrong:
            return None  # PX-10

    def _replay(self, state: StateReader, place: AttemptId) -> Keygen:
        return generation.replay(state, self._genesis, place.domain, place.epoch, place.attempt)

    def _participant(self, state: StateReader, place: AttemptId) -> Participant | None:
        """None where nothing was kept: another secret would contradict what was said."""
        if (found := self._participants.get(place)) is not None:
            return found
        entropy = self._store.get(place)
        member = self._member(state, place.epoch)
        if entropy is None or member is None:
            return None
        context = generation.context_of(
            state, self._genesis, place.domain, place.epoch, place.attempt
        )
        found = self._make(context, member, self._signer, entropy)
        self._participants[place] = found
        return found

    def erase(self, state: StateReader, height: int) -> None:
        """LN-26: what no batch needs any more: failed attempts, and epochs that are over."""
        live = {(item.domain, item.epoch) for item in layout.live(state)}
        for place in self._store.kept():
            if (place.domain, place.epoch) in live:
                continue
            over = height > self._lane.last_height(place.epoch) + self._lane.grace
            if over or self._has_failed(state, place):
                self._store.erase(place)
                self._held.pop(place, None)
                if (participant := self._participants.pop(place, None)) is not None:
                    participant.forget()

    def _has_failed(self, state: StateReader, place: AttemptId) -> bool:
        attempt = layout.attempt(state, place.domain, place.epoch)
        if attempt is None or place.attempt > attempt.number:
            return False
        if place.attempt < attempt.number:
            return True
        return attempt.over and layout.key_of(state, place.domain, place.epoch) is None
