"""What a node says of the private environment: one committed state.  Rules PV-140, PV-141."""

from __future__ import annotations

import itertools
from typing import Final

from node.core.interfaces import StateReader
from node.private import claims, committees, deposits, freezing, held, succession
from node.private import state as entries
from node.private.committees import Committee, Epoch, Word
from node.private.deposits import Deposit
from node.private.errors import PrivateRefused
from node.private.state import Donation, Round
from node.private.succession import Succession
from node.private.succession_payload import Step
from node.rpc import private_schema as schema
from node.rpc import views
from node.rpc.committed import CommittedViews, missing, page_of, parameters_of
from node.rpc.text import hex_of
from node.store.versioned import VersionedReader
from private_exec.committee.cells import cell_id
from zk.curve.encoding import g1_to_bytes

MOST_DEPOSITS: Final = 256
"""In one answer."""


class PrivateViews(CommittedViews):
    """Of one node."""

    def committees(self, after: bytes = b"", limit: int = 64) -> schema.CommitteesView:
        """PV-141: those behind an id."""
        state = self._state()
        page, more = page_of(committees.committees(state), after, limit)
        found = [_committee(identity, committee, state) for identity, committee in page]
        return schema.CommitteesView(height=state.height, committees=found, more=more)

    def committee(self, identity: bytes) -> schema.CommitteeView:
        """One. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        return _committee(identity, _found_committee(state, identity), state)

    def ceremony(self, identity: bytes) -> schema.CeremonyView:
        """Where its next keys stand. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        found = _found_committee(state, identity)
        said = committees.words(state, identity, found.made, found.attempt)
        return schema.CeremonyView(
            height=state.height,
            epoch=found.made,
            attempt=found.attempt,
            step_heights=parameters_of(self._genesis).step_heights,
            opened=found.opened,
            words=[_word(Word.from_bytes(data)) for data in said],
        )

    def rounds(self, after: bytes = b"", limit: int = 64) -> schema.RoundsView:
        """PV-141: those behind an id."""
        state = self._state()
        page, more = page_of(entries.rounds(state), after, limit)
        found = [self._round(identity, item, state.height) for identity, item in page]
        return schema.RoundsView(height=state.height, rounds=found, more=more)

    def round(self, identity: bytes) -> schema.RoundView:
        """One. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        return self._round(identity, _found_round(state, identity), state.height)

    def inputs(self, identity: bytes, first: int, limit: int) -> schema.InputsView:
        """Of a round. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        of = _found_round(state, identity)
        found = [
            self._input(state, key, donation, of)
            for key, donation in entries.inputs_of(state, identity, first, limit)
        ]
        return schema.InputsView(height=state.height, inputs=found)

    def input(self, identity: bytes) -> schema.InputView:
        """One. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        try:
            found = entries.donation_of(state, identity)
        except PrivateRefused as error:
            raise missing("input") from error
        return self._input(state, identity, found, _found_round(state, found.round))

    def deposits(self, committee: bytes) -> schema.DepositsView:
        """That wait for a committee; not all, if many do. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        _found_committee(state, committee)
        first = itertools.islice(deposits.waiting(state, committee), MOST_DEPOSITS)
        found = [self._deposit(state, identity, item) for identity, item in first]
        return schema.DepositsView(height=state.height, deposits=found)

    def held(self, committee: bytes, first: int) -> schema.HeldCellsView:
        """Cells of deposits under a committee's keys, from an epoch on; not all, if they are many.

        Raises:
            NotFound: PV-140, PV-141.
        """
        state = self._state()
        _found_committee(state, committee)
        every = held.cells(state, committee, first)
        listed = list(itertools.islice(every, MOST_DEPOSITS + 1))
        found = [
            schema.HeldView(cell=hex_of(cell), epoch=epoch)
            for epoch, cell in listed[:MOST_DEPOSITS]
        ]
        more = len(listed) > MOST_DEPOSITS
        return schema.HeldCellsView(height=state.height, cells=found, more=more)

    def succession(self, committee: bytes) -> schema.SuccessionView:
        """Who follows a committee. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        quorum = _found_committee(state, committee).declaration.quorum
        found = succession.succession_of(state, committee)
        named = found.named(committee, quorum)
        return schema.SuccessionView(
            height=state.height,
            words=[
                schema.NamedView(member=member, successor=hex_of(successor), made=made - 1)
                for member, (successor, made) in enumerate(found.words, 1)
                if made
            ],
            retry=found.retry,
            coming=[hex_of(one) for one in succession.coming(state, committee)],
            successor=None if named is None else hex_of(named),
            transfer=_transfer(found, parameters_of(self._genesis).step_heights),
        )

    def owned(self, owner: bytes) -> schema.DepositsView:
        """Deposits of an owner's key, those that left among them; the first of many."""
        state = self._state()
        first = itertools.islice(held.owned(state, owner), MOST_DEPOSITS)
        found = [self._deposit(state, i, deposits.deposit_of(state, i)) for i in first]
        return schema.DepositsView(height=state.height, deposits=found)

    def deposit(self, identity: bytes) -> schema.DepositView:
        """One. Raises NotFound: PV-140, PV-141."""
        state = self._state()
        found = deposits.find(state, identity)
        if found is None:
            raise missing("deposit")
        return self._deposit(state, identity, found)

    def _deposit(self, state: StateReader, identity: bytes, found: Deposit) -> schema.DepositView:
        message = state.get(entries.input_key(identity))
        cell = cell_id(identity, 0)
        made = state.get(entries.cell_key(cell)) is not None
        epoch = entries.cell_of(state, cell).epoch if made else found.epoch
        frozen = freezing.find(state, found.committee, epoch)
        return schema.DepositView(
            id=hex_of(identity),
            committee=hex_of(found.committee),
            epoch=epoch,
            kind=views.kind(found.kind, self._names),
            owner=hex_of(found.owner),
            status=found.status.label,
            amount=hex_of(g1_to_bytes(found.amount)),
            cell=hex_of(cell),
            height=found.height,
            frozen=None if frozen is None else frozen.height,
            message=None if message is None else hex_of(message),
        )

    def cell(self, identity: bytes) -> schema.CellView:
        """One. Raises NotFound: PV-140, PV-141."""
        try:
            cell = entries.cell_of(self._state(), identity)
        except PrivateRefused as error:
            raise missing("cell") from error
        return schema.CellView(
            id=hex_of(cell.id),
            epoch=cell.epoch,
            c=str(cell.c),
            com=hex_of(g1_to_bytes(cell.com)),
            blind=str(cell.blind),
        )

    def _round(self, identity: bytes, found: Round, height: int) -> schema.RoundView:
        terms = found.terms
        return schema.RoundView(
            height=height,
            id=hex_of(identity),
            phase=terms.phase(height + 1).label,
            status=found.status(height + 1),
            committee=hex_of(terms.committee),
            epoch=terms.epoch,
            provider=hex_of(found.provider),
            kind=views.kind(terms.kind, self._names),
            pool=str(terms.pool),
            members=str(terms.members),
            least=terms.least,
            close=terms.close,
            accept=terms.accept,
            open=terms.open,
            inputs=found.donations,
            projects=[_project(found, index) for index in range(len(terms.projects))],
        )

    def _input(
        self, state: VersionedReader, identity: bytes, found: Donation, of: Round
    ) -> schema.InputView:
        message = state.get(entries.input_key(identity))
        return schema.InputView(
            id=hex_of(identity),
            round=hex_of(found.round),
            project=found.project,
            owner=hex_of(found.owner),
            status=found.status.label,
            claimable=claims.is_claimable(found, of, state.height + 1),
            weight=hex_of(g1_to_bytes(found.weight)),
            amount=hex_of(g1_to_bytes(found.amount)),
            height=found.height,
            message=None if message is None else hex_of(message),
        )


def _found_committee(state: StateReader, identity: bytes) -> Committee:
    try:
        return committees.committee_of(state, identity)
    except PrivateRefused as error:
        raise missing("committee") from error


def _found_round(state: StateReader, identity: bytes) -> Round:
    try:
        return entries.round_of(state, identity)
    except PrivateRefused as error:
        raise missing("round") from error


def _committee(identity: bytes, found: Committee, state: StateReader) -> schema.CommitteeView:
    declaration = found.declaration
    latest = committees.epoch_of(state, identity, found.made - 1) if found.made else None
    return schema.CommitteeView(
        id=hex_of(identity),
        purpose=hex_of(declaration.purpose),
        epoch_blocks=declaration.epoch_blocks,
        members=[
            schema.SeatView(key=hex_of(seat.key), endpoint=seat.endpoint)
            for seat in declaration.seats
        ],
        threshold=declaration.size.t,
        made=found.made,
        opens=found.opens(),
        latest=None if latest is None else _epoch(found.made - 1, latest),
    )


def _epoch(number: int, found: Epoch) -> schema.EpochView:
    return schema.EpochView(
        epoch=number,
        since=found.since,
        until=found.until,
        record=hex_of(found.record.to_bytes()),
        qualified=list(found.record.qualified),
        faults=[
            schema.FaultView(member=fault.member, reason=fault.kind.value) for fault in found.faults
        ],
    )


def _transfer(found: Succession, step_heights: int) -> schema.TransferView | None:
    if (going := found.going) is None:
        return None
    return schema.TransferView(
        successor=hex_of(going.successor),
        serving=going.serving,
        epoch=going.epoch,
        opened=going.opened,
        until=going.last(Step.HANDED, step_heights),
        cells=[hex_of(cell.id) for cell in going.cells],
        dealt=list(going.dealt),
        guilty=list(going.guilty),
        handed=going.handed,
    )


def _word(word: Word) -> schema.WordView:
    return schema.WordView(height=word.height, step=word.step.label, message=hex_of(word.message))


def _project(found: Round, index: int) -> schema.ProjectView:
    project, tally = found.terms.projects[index], found.tallies[index]
    opened = found.sums[index] if found.is_opened(index) else None
    payout = found.payouts[index] if found.payouts else None
    return schema.ProjectView(
        recipient=hex_of(project.recipient),
        minimum=str(project.minimum),
        donations=tally.count,
        weights=hex_of(g1_to_bytes(tally.weights)),
        amounts=hex_of(g1_to_bytes(tally.amounts)),
        roots=None if opened is None else str(opened.weights),
        total=None if opened is None else str(opened.amounts),
        funded=payout is not None if found.settled else None,
        payout=None if payout is None else str(payout),
    )
