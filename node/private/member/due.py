"""What the chain has a member do about inputs and rounds.  Rules PV-157 … PV-159, PV-230.

    an input that gave no right share      a complaint, at once
    a batch of inputs that wait            a session of `accepting`
    a round behind its last acceptance     a session that opens the sums of its projects

A batch is the inputs of one round, or deposits of one epoch, whose blocks lie in one stretch of
heights. So members who look at different times make the same sessions, unless an input of it was
refused or accepted in between; then they meet in the next one. Nothing different can come out: what
is opened of an input depends on that input and on keys, not on the session (P2-3).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from node.core.ids import tagged_hash
from node.private.deposits import Deposit
from node.private.member.errors import MemberRefused
from node.private.member.keys import Keys
from node.private.member.view import View
from node.private.messages import AcceptTx, ComplaintTx, HandoverTx, OpenTx, RemaskTx
from node.private.rounds import read_input
from node.private.sale_payload import BlameTx, ResultTx
from node.private.state import CELLS_OF_DONATION, Donation, Round, Status
from node.private.succession_payload import TransferTx
from node.private.terms import Phase
from private_exec.committee import cells, inputs, opening, together
from private_exec.committee.cells import Cell, cell_id
from private_exec.committee.errors import CommitteeRefused
from private_exec.committee.inputs import Input
from private_exec.committee.opening import OpenStatement
from private_exec.committee.participant import EpochSecrets
from private_exec.committee.together import Awaiting
from private_exec.mpc import vectors
from private_exec.mpc.context import Context
from private_exec.mpc.labels import CellId
from private_exec.mpc.message import Session
from private_exec.mpc.opening import open_shares
from private_exec.mpc.prss import PrssKeys
from private_exec.mpc.rounds import Rounds
from private_exec.pedersen import Opening
from private_exec.roster import Signer
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import g1_to_bytes
from zk.errors import DecodeError

MOST_INPUTS: Final = 128
"""Of one batch."""
MessageTx = AcceptTx | OpenTx | ResultTx | BlameTx | RemaskTx | TransferTx | HandoverTx
Pairs = list[Opening] | None


class Entered(Protocol):
    """An input, as far as its batch follows from it."""

    @property
    def height(self) -> int:
        """Of its block."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A session that is due.

    Attributes:
        session: where.
        keys: the member's, of the epoch.
        protocol: started with a context of them; comes to a transaction that anybody may send.
        about: for people.
        decision: under what it is recorded, and as what, before anything leaves; None: whatever
            is asked again comes to the same.
        absent: members who are not heard in it (PV-23).
    """

    session: Session
    keys: PrssKeys = field(repr=False)
    protocol: Callable[[Context], Rounds[MessageTx]] = field(repr=False)
    about: str
    decision: tuple[bytes, bytes] | None = None
    absent: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Batch:
    """Inputs that become cells together, in an order that all members share."""

    target: bytes
    number: int
    items: tuple[bytes, ...]


class Duties:
    """Of one member.

    Args:
        keys: its keys.
        signer: its signing key.
        step_heights: of the chain.
    """

    def __init__(self, keys: Keys, signer: Signer, step_heights: int) -> None:
        self._keys = keys
        self._signer = signer
        self._stretch = max(1, step_heights // 2)
        self._wait = step_heights // 2
        self._opened: dict[bytes, tuple[Input, Pairs]] = {}

    def look(self, view: View) -> tuple[list[ComplaintTx | OpenTx], list[Job]]:
        """What is due behind this view: to be sent as it is, and to be made with others.

        Raises:
            ChiaroError: the node does not answer, or a secret is lost.
        """
        messages: list[ComplaintTx | OpenTx] = []
        jobs: list[Job] = []
        known: set[bytes] = set()
        for identity, of in view.rounds().items():
            secrets = self._keys.of_epoch(view, of.terms.epoch)
            if secrets is None:
                continue
            given = view.donations(identity, of)
            phase = of.terms.phase(view.height + 1)
            if phase in (Phase.DONATING, Phase.ACCEPTING):
                waiting = [(key, d) for key, d in given if d.status is Status.PENDING]
                known.update(key for key, _ in waiting)
                messages += self.complaints(view, [key for key, _ in waiting], secrets)
                jobs += self.accepting(identity, waiting, view, secrets, of.terms.close)
            elif phase is Phase.OPENING and not of.sums:
                found = self._summing(identity, of, given, view, secrets)
                if isinstance(found, OpenTx):
                    messages.append(found)
                else:
                    jobs.append(found)
        by_epoch: dict[int, list[tuple[bytes, Deposit]]] = {}
        for key, deposit in view.deposits():
            by_epoch.setdefault(deposit.epoch, []).append((key, deposit))
        for epoch, waits in by_epoch.items():
            secrets = self._keys.of_epoch(view, epoch)
            if secrets is None:
                continue
            known.update(key for key, _ in waits)
            messages += self.complaints(view, [key for key, _ in waits], secrets)
            target = secrets.record.declaration.id
            jobs += self.accepting(target, waits, view, secrets, None)
        self.keep(known)
        return messages, jobs

    def keep(self, known: Collection[bytes]) -> None:
        """Forget what was looked into of inputs that do not wait any more."""
        self._opened = {key: found for key, found in self._opened.items() if key in known}

    # --- inputs ------------------------------------------------------------------------------

    def complaints(
        self, view: View, waiting: Sequence[bytes], secrets: EpochSecrets
    ) -> list[ComplaintTx]:
        """PV-157: of every input that gave this member no right share, once."""
        self._open(view, waiting, secrets)
        found = []
        for key in waiting:
            if key not in self._opened or self._opened[key][1] is not None:
                continue
            if not view.has_heard(key, secrets.member):
                nonce = self._keys.nonce(secrets, key)
                said = inputs.accuse(self._opened[key][0], secrets, self._signer, nonce)
                found.append(ComplaintTx(key, said.to_bytes()))
        return found

    def _open(self, view: View, waiting: Sequence[bytes], secrets: EpochSecrets) -> None:
        """Look what new inputs hold for this member.

        Raises:
            MemberRefused: PV-230.
        """
        fresh: dict[bytes, Input] = {}
        for key in waiting:
            if key not in self._opened and (data := view.input(key)) is not None:
                fresh[key] = _checked(key, data, secrets)
        if fresh:
            rows = inputs.open_all(list(fresh.values()), secrets)
            for (key, given), row in zip(fresh.items(), rows, strict=True):
                self._opened[key] = given, row

    # --- acceptances -------------------------------------------------------------------------

    def _batches(
        self,
        target: bytes,
        waiting: Sequence[tuple[bytes, Entered]],
        height: int,
        close: int | None,
    ) -> Iterator[_Batch]:
        """PV-158: by stretches of heights, those that are long enough ago for complaints."""
        stretches: dict[int, list[bytes]] = {}
        for key, item in waiting:
            stretches.setdefault(item.height // self._stretch, []).append(key)
        for number, found in sorted(stretches.items()):
            last = (number + 1) * self._stretch - 1
            if close is not None:
                last = min(last, close)
            if height >= last + self._wait:
                for at in range(0, len(found), MOST_INPUTS):
                    yield _Batch(target, number, tuple(found[at : at + MOST_INPUTS]))

    def accepting(
        self,
        target: bytes,
        waiting: Sequence[tuple[bytes, Entered]],
        view: View,
        secrets: EpochSecrets,
        close: int | None,
    ) -> Iterator[Job]:
        record = secrets.record
        for batch in self._batches(target, waiting, view.height, close):
            rows: list[Awaiting] = []
            for key in batch.items:
                given, pairs = self._opened.get(key, (None, None))
                if given is None or pairs is None:
                    break
                rows += [
                    Awaiting(cell_id(key, index), com, pair)
                    for index, (com, pair) in enumerate(zip(given.commitments, pairs, strict=True))
                ]
            else:
                session = together.acceptance_session(record, [row.id for row in rows])

                def protocol(context: Context, rows: list[Awaiting] = rows) -> Rounds[MessageTx]:
                    made = yield from together.accepting(context, record, rows)
                    return AcceptTx(target, made.to_bytes())

                about = f"{len(batch.items)} inputs for {target.hex()[:16]}"
                yield Job(session, secrets.prss, protocol, about)

    # --- sums --------------------------------------------------------------------------------

    def _summing(
        self,
        identity: bytes,
        of: Round,
        given: Sequence[tuple[bytes, Donation]],
        view: View,
        secrets: EpochSecrets,
    ) -> Job | OpenTx:
        """PV-159: of each project with enough donations; without one, there is nothing to open."""
        commitments: list[G1Affine] = []
        groups: list[list[bytes]] = []
        for project, tally in enumerate(of.tallies):
            if tally.count >= of.terms.least:
                accepted = [
                    key
                    for key, item in given
                    if item.project == project and item.status is Status.ACCEPTED
                ]
                commitments += [tally.weights, tally.amounts]
                groups += [
                    [cell_id(key, index) for key in accepted] for index in range(CELLS_OF_DONATION)
                ]
        if not groups:
            return OpenTx(OpenStatement(identity, ()))
        record = secrets.record
        names = [tagged_hash("private/member/sum", *group) for group in groups]
        points = [g1_to_bytes(commitment) for commitment in commitments]
        session = together.session(
            record.declaration, "sums", record.digest, identity, *names, *points
        )
        held = [[view.cell(CellId(key)) for key in group] for group in groups]

        def protocol(context: Context) -> Rounds[MessageTx]:
            return (yield from summing(context, identity, held, commitments))

        decision = tagged_hash("private/member/sums-of", identity), session.sid
        return Job(
            session, secrets.prss, protocol, f"sums of round {identity.hex()[:16]}", decision
        )


def _checked(key: bytes, data: bytes, secrets: EpochSecrets) -> Input:
    """PV-230: an input as a node gives it, if the chain can have it.

    Raises:
        MemberRefused: PV-230.
    """
    try:
        given = read_input(data)
        inputs.check(given, secrets.record)
    except (DecodeError, CommitteeRefused) as error:
        raise _impossible(key, error.message) from error
    if given.id != key:
        raise _impossible(key, "it has another id")
    return given


def _impossible(key: bytes, message: str) -> MemberRefused:
    return MemberRefused(
        "PV-230",
        f"no chain has the input that the node gives: {message}",
        where=f"input {key.hex()[:16]}",
        why="a complaint about it could open what somebody else sealed to this member",
        fix="ask a node that is this member's own",
    )


def summing(
    context: Context,
    identity: bytes,
    held: Sequence[Sequence[Cell]],
    commitments: Sequence[G1Affine],
) -> Rounds[OpenTx]:
    """Open sums of cells, and nothing else of them. One round.

    Args:
        context: of the member; its keys are those of the cells.
        identity: of the round.
        held: cells of each sum.
        commitments: of each sum, as the chain has it.

    Raises:
        OpeningFailed: PV-13; OpeningRefused: PV-45.
    """
    own = [cells.combined([1] * len(group), cells.shares(context.keys, group)) for group in held]
    row = vectors.vec([*(o.value for o in own), *(o.blinding for o in own)])
    found = vectors.ints((yield from open_shares(context, row)))
    outputs = tuple(map(Opening, found[: len(own)], found[len(own) :]))
    stated = OpenStatement(identity, outputs)
    opening.check(stated, identity, commitments)
    return OpenTx(stated)
