"""Calls: a committee is to compute, under an id that no other call has; attempts that end early.

    call      an attempt: session, what it reads, whose word does not count
    silence   a member is there, and says whom it did not hear; the first such word asks all others
    blame     2t + 1 members say that a batch was spoiled, and who did it

An attempt is over when it was blamed, or when it took too long, and who was asked had its time to
answer; then anybody calls again. The id of its session hashes everything that it depends on (PV-3),
the number of the attempt included, so nothing is drawn twice; and a result of an attempt that is
over is none (PV-178). Where a result landed nobody calls again.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import Effects
from node.core.ids import ChainId, Height, tagged_hash
from node.core.interfaces import StateReader
from node.core.private import PrivateParameters
from node.private import committees, markets
from node.private import sale_state as entries
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.sale_payload import BlameTx, CallTx, SilenceTx, mask_of, members_of
from node.private.sale_state import Attempt, Sale
from node.private.sale_terms import SalePhase
from node.private.sales import event
from private_exec.committee import certificate as certificates
from private_exec.committee.declaration import Declaration
from private_exec.mpc import labels
from private_exec.mpc.certificate import Certificate, Verdict
from private_exec.mpc.labels import SessionId
from private_exec.provable.session import blame_statement, session_of, touched

PATIENCE_STEPS: Final = 2
"""Steps that an attempt has before anybody may call again, if nobody says that it is over."""


# --- calls --------------------------------------------------------------------------------------


def check_due(tx: CallTx, state: StateReader, height: int, parameters: PrivateParameters) -> Sale:
    """PV-175: of a sale of which enough is accepted, and that awaits this attempt.

    Raises:
        PrivateRefused: PV-170; PrivateOutdated: PV-175, PV-204.
    """
    found = entries.sale_of(state, tx.sale)
    check_due_in(tx, found, height, parameters.step_heights)
    markets.of(found).check_ready(state, tx.sale, found)
    return found


def check_due_in(tx: CallTx, found: Sale, height: int, step: int) -> None:
    """PV-175: the sale awaits this attempt.

    Raises:
        PrivateOutdated: PV-175.
    """
    terms, attempt = found.terms, found.attempt
    if found.proved or terms.phase(height) is not SalePhase.COMPUTING:
        raise PrivateOutdated(
            "PV-175",
            f"called from {terms.accept + 1} to {terms.prove}, until there is a result",
            where="sale",
        )
    if tx.attempt != attempt.number:
        raise PrivateOutdated("PV-175", f"attempt {attempt.number} is next", where="attempt")
    if attempt.called and height < (due := over_at(attempt, step)):
        raise PrivateOutdated("PV-175", f"the attempt has until {due}", where="attempt")


def over_at(attempt: Attempt, step: int) -> int:
    """PV-175: first height at which an attempt is over without a result.

    Who was asked has a step to answer; asking makes no attempt shorter.
    """
    if attempt.spoiled:
        return attempt.called
    answers = attempt.asked + step if attempt.asked else 0
    return max(attempt.called + PATIENCE_STEPS * step, answers) + 1


def call(
    tx: CallTx,
    state: StateReader,
    height: int,
    parameters: PrivateParameters,
    chain_id: ChainId,
) -> Effects:
    """PV-175, PV-176: the session's id, and who counts as absent in it.

    Raises:
        PrivateRefused: PV-106, PV-170; PrivateOutdated: PV-175.
    """
    found = check_due(tx, state, height, parameters)
    market, terms = markets.of(found), found.terms
    record = committees.epoch_of(state, terms.committee, terms.epoch).record
    absent = absent_next(state, found, record.declaration)
    number = _number(state, height)
    session = labels.session(
        labels.Call(
            chain=chain_id,
            block=_past(tx.sale, found, absent),
            height=Height(height),
            index=number,
            epoch=terms.epoch,
            committee=terms.committee,
            program=terms.program.traced.digest,
            cells=[touched(read) for read in market.reads(state, tx.sale, found)],
            retry=tx.attempt,
        )
    )
    attempt = Attempt(tx.attempt + 1, height, session, absent)
    after = replace(found, attempt=attempt)
    said = ",".join(map(str, members_of(absent)))
    fields = {"session": session.hex(), "attempt": str(tx.attempt), "absent": said}
    return Effects(
        writes=(
            (entries.sale_key(tx.sale), after.to_bytes()),
            (entries.session_key(session), tx.sale),
            (entries.CALLS, Writer().u64(height).u32(number + 1).done()),
        ),
        events=(event("call", tx.sale, **fields),),
    )


def _past(sale: bytes, found: Sale, absent: int) -> bytes:
    """What stands in the session's id for the block: all that the sale was before this call."""
    return tagged_hash("private/call", sale, found.to_bytes(), Writer().u16(absent).done())


def _number(state: StateReader, height: int) -> int:
    """How many calls the block has already."""
    data = state.get(entries.CALLS)
    if data is None:
        return 0
    reader = Reader(data, "calls")
    last, count = reader.u64(), reader.u32()
    return count if last == height else 0


# --- who is there -------------------------------------------------------------------------------


def absent_next(state: StateReader, found: Sale, declaration: Declaration) -> int:
    """PV-185: whose word will not count in the next attempt, as a mask.

    Who spoiled a batch; whom t + 1 members of the attempt did not hear, so that an honest one is
    among those; and where members were asked, and had their time, who did not answer. More than t
    cannot all be at fault: a reason by which there would be more is left out. Last, as far as there
    is room, who was absent before: so who was named wrongly comes back when others fail.
    """
    attempt = found.attempt
    if not attempt.called:
        return 0
    answers = {
        member: int.from_bytes(data, "little")
        for member in declaration.members
        if (data := state.get(entries.unheard_key(attempt.session, member))) is not None
    }
    blamed = state.get(entries.blamed_key(attempt.session)) or bytes(2)
    most, before = declaration.size.t, set(members_of(attempt.absent))
    unheard = {
        member
        for member in declaration.members
        if sum(mask >> member & 1 for who, mask in answers.items() if who not in before) > most
    }
    asked = attempt.asked and not attempt.spoiled
    silent = set(declaration.members) - set(answers) if asked else set()
    spoilers = set(members_of(int.from_bytes(blamed[:2], "little")))
    absent: set[int] = set()
    for reason in (spoilers, unheard, silent, *({member} for member in sorted(before))):
        if len(absent | reason) <= most:
            absent |= reason
    return mask_of(absent)


def present(found: Sale, session: SessionId, height: int) -> Attempt:
    """PV-184, PV-185: the session is that of the attempt under way.

    Raises:
        PrivateOutdated: PV-185.
    """
    attempt = found.attempt
    running = not found.proved and found.terms.phase(height) is SalePhase.COMPUTING
    if not (running and attempt.called and attempt.session == session) or attempt.spoiled:
        raise PrivateOutdated("PV-185", "no such session is under way", where="session")
    return attempt


def check_silence(tx: SilenceTx, state: StateReader, height: int) -> Sale:
    """PV-185: a member of the committee says it, in the attempt that is under way, once.

    Raises:
        PrivateRefused: PV-106, PV-170, PV-185; PrivateOutdated: PV-185.
    """
    found = entries.sale_of(state, tx.sale)
    present(found, tx.session, height)
    record = committees.epoch_of(state, found.terms.committee, found.terms.epoch).record
    declaration = record.declaration
    others = mask_of(declaration.members) & ~(1 << tx.member)
    if tx.unheard & ~others:
        raise PrivateRefused("PV-185", "names no other members", where="unheard")
    if not declaration.is_signed(tx.member, tx.digest, tx.signature):
        raise PrivateRefused("PV-185", "not signed by this member", where="signature")
    if state.get(entries.unheard_key(tx.session, tx.member)) is not None:
        raise PrivateOutdated("PV-185", "this member answered before", where="member")
    return found


def hear(tx: SilenceTx, state: StateReader, height: int) -> Effects:
    """PV-185: the first such word asks everybody else, who answers with one of its own."""
    found = check_silence(tx, state, height)
    after = replace(found, attempt=replace(found.attempt, asked=found.attempt.asked or height))
    unheard = ",".join(map(str, members_of(tx.unheard)))
    return Effects(
        writes=(
            (entries.sale_key(tx.sale), after.to_bytes()),
            (entries.unheard_key(tx.session, tx.member), tx.unheard.to_bytes(2, "little")),
        ),
        events=(event("silence", tx.sale, member=str(tx.member), unheard=unheard),),
    )


# --- blame --------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def read_blamed(data: bytes) -> Certificate:
    """The certificate of a batch, strictly. Raises DecodeError."""
    return Certificate.from_bytes(data)


def check_blame(tx: BlameTx, state: StateReader, height: int) -> Sale:
    """PV-184: 2t + 1 members gave the batch up, and say who spoiled it.

    Raises:
        PrivateRefused: PV-106, PV-170, PV-184; PrivateOutdated: PV-185.
        CertificateRefused: PV-16, PV-43.
    """
    found = entries.sale_of(state, tx.sale)
    present(found, tx.session, height)
    record = committees.epoch_of(state, found.terms.committee, found.terms.epoch).record
    declaration, certificate = record.declaration, read_blamed(tx.blamed)
    liars = members_of(tx.liars)
    if not set(liars) <= set(declaration.members) or len(liars) > declaration.size.t:
        raise PrivateRefused("PV-184", "so many liars cannot be named", where="liars")
    if certificate.verdict is not Verdict.BLAMED:
        raise PrivateRefused("PV-184", "the batch was accepted", where="certificate")
    certificate.check(session_of(record, tx.session))
    digest = blame_statement(record, tx.session, certificate, liars)
    certificates.check(tx.certificate, declaration, digest)
    return found


def blame(tx: BlameTx, state: StateReader, height: int) -> Effects:
    """PV-184: the attempt is over; who spoiled it, and the certificate, stay on the chain."""
    found = check_blame(tx, state, height)
    after = replace(found, attempt=replace(found.attempt, spoiled=True))
    liars = ",".join(map(str, members_of(tx.liars)))
    return Effects(
        writes=(
            (entries.sale_key(tx.sale), after.to_bytes()),
            (entries.blamed_key(tx.session), tx.liars.to_bytes(2, "little") + tx.blamed),
        ),
        events=(event("blame", tx.sale, session=tx.session.hex(), liars=liars),),
    )
