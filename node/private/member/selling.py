"""What the chain has a member do about sales.  Rules PV-186, PV-187, PV-188.

a bid, order, or reserve that waits   complaints and acceptances, as of rounds (`due`)
an attempt that is due                a call, which anybody may send
an attempt that is under way          its session, to a result, or to the blame of a batch
one that does not get on              a word that says whom this member does not hear
a result that is on the chain         a session that opens its declared outputs
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from node.core.interfaces import StateReader
from node.private import calls, freezing, markets, results
from node.private import sale_state as entries
from node.private.errors import PrivateOutdated
from node.private.gifts import LinkedProof
from node.private.member.due import Duties, Job
from node.private.member.keys import Keys
from node.private.member.view import View
from node.private.messages import ComplaintTx, OpenTx
from node.private.sale_payload import (
    BlameTx,
    CallTx,
    ResultTx,
    SilenceTx,
    mask_of,
    members_of,
)
from node.private.sale_program import SaleProgram
from node.private.sale_state import Sale
from node.private.sale_terms import SalePhase
from node.private.state import Status
from private_exec.committee.participant import EpochSecrets
from private_exec.mpc.context import Context
from private_exec.mpc.errors import BatchBlamed
from private_exec.mpc.rounds import Rounds
from private_exec.provable import session as sessions
from private_exec.provable.session import Read
from private_exec.provable.transition import Provable
from private_exec.roster import Signer
from zk.curve.encoding import g1_to_bytes

SaleMessage = ComplaintTx | CallTx | SilenceTx
Unheard = Mapping[bytes, frozenset[int]]
"""By session: members whose message of the present round is not here."""
NOBODY: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True, slots=True)
class _Waits:
    """An input of a sale; a reserve counts as of the last block for bids."""

    height: int


class SaleDuties:
    """Of one member.

    Args:
        keys: its keys.
        signer: its signing key.
        step_heights: of the chain.
        provable: a program with its proving key; None: it has none.
    """

    def __init__(
        self,
        keys: Keys,
        signer: Signer,
        step_heights: int,
        provable: Callable[[SaleProgram], Provable | None],
    ) -> None:
        self._keys = keys
        self._signer = signer
        self._duties = Duties(keys, signer, step_heights)
        self._step = step_heights
        self._provable = provable

    def look(self, view: View, unheard: Unheard) -> tuple[list[SaleMessage], list[Job]]:
        """What is due behind this view: to be sent as it is, and to be made with others.

        Raises:
            ChiaroError: the node does not answer, or a secret is lost.
        """
        messages: list[SaleMessage] = []
        jobs: list[Job] = []
        known: set[bytes] = set()
        for identity, of in view.sales().items():
            secrets = self._keys.of_epoch(view, of.terms.epoch)
            if secrets is None:
                continue
            phase = of.terms.phase(view.height + 1)
            if phase in (SalePhase.BIDDING, SalePhase.ACCEPTING):
                waiting = list(_waiting(view.reader, identity, of))
                known.update(key for key, _ in waiting)
                messages += self._duties.complaints(view, [key for key, _ in waiting], secrets)
                jobs += self._duties.accepting(identity, waiting, view, secrets, of.terms.close)
            elif of.outcome is not None or _is_closed(view, of):
                continue
            elif of.proved:
                jobs.append(_opening(view.reader, identity, of, secrets))
            elif phase is SalePhase.COMPUTING:
                messages += self._calling(view, identity, of, unheard)
                jobs += self._computing(view, identity, of, secrets)
        self._duties.keep(known)
        return messages, jobs

    # --- calls -------------------------------------------------------------------------------

    def _calling(
        self, view: View, identity: bytes, of: Sale, unheard: Unheard
    ) -> Iterator[CallTx | SilenceTx]:
        """PV-186, PV-187: a call that is due, or a word about the attempt under way."""
        due = CallTx(identity, of.attempt.number)
        try:
            calls.check_due_in(due, of, view.height + 1, self._step)
        except PrivateOutdated:
            yield from self._word(view, identity, of, unheard)
            return
        with contextlib.suppress(PrivateOutdated):
            markets.of(of).check_ready(view.reader, identity, of)
            yield due

    def _word(self, view: View, identity: bytes, of: Sale, unheard: Unheard) -> Iterator[SilenceTx]:
        """PV-187: where others ask, or where somebody is missed; an attempt has a step for itself.

        Who asks at once would else have everybody name those who are a moment behind.
        """
        attempt, member = of.attempt, self._keys.member
        early = view.height + 1 < attempt.called + self._step
        if not attempt.called or attempt.spoiled or early:
            return
        missed = unheard.get(attempt.session, NOBODY) - {member}
        said = view.reader.get(entries.unheard_key(attempt.session, member)) is not None
        if said or not (attempt.asked or missed):
            return
        bare = SilenceTx(identity, attempt.session, member, mask_of(missed))
        yield replace(bare, signature=self._signer.sign(bare.digest))

    # --- sessions ----------------------------------------------------------------------------

    def _computing(
        self, view: View, identity: bytes, of: Sale, secrets: EpochSecrets
    ) -> Iterator[Job]:
        """PV-186: the attempt under way, unless this member is absent from it, or has no key."""
        attempt, provable = of.attempt, self._provable(of.terms.program)
        absent = frozenset(members_of(attempt.absent))
        running = attempt.called and not attempt.spoiled
        if not running or provable is None or secrets.member in absent:
            return
        record, sid = secrets.record, attempt.session
        reads = markets.of(of).reads(view.reader, identity, of)

        def protocol(context: Context) -> Rounds[ResultTx | BlameTx]:
            try:
                landing = yield from sessions.proving(context, record, provable, reads)
            except BatchBlamed as error:
                certificate = yield from sessions.blaming(context, record, error)
                blamed, liars = error.certificate.to_bytes(), mask_of(error.liars)
                return BlameTx(identity, sid, blamed, liars, certificate)
            return result_of(identity, of, reads, landing)

        about = f"attempt {attempt.number - 1} of sale {identity.hex()[:16]}"
        session = sessions.session_of(record, sid)
        yield Job(session, secrets.prss, protocol, about, absent=absent)


def result_of(sale: bytes, of: Sale, reads: list[Read], landing: sessions.Landing) -> ResultTx:
    """What a session came to, as any of its members sends it."""
    hidden, link = landing.linked.hidden, landing.linked.link
    proof = LinkedProof(hidden.proof.to_bytes(), g1_to_bytes(hidden.d), link.to_bytes())
    points, program, sid = tuple(one.com for one in reads), of.terms.program, of.attempt.session
    digest, signed = program.traced.digest, landing.certificate
    return ResultTx(sale, sid, program, digest, points, landing.made, proof, signed)


def _waiting(state: StateReader, identity: bytes, of: Sale) -> Iterator[tuple[bytes, _Waits]]:
    """Inputs of a sale that members have not decided on."""
    for key, entry in entries.entries_of(state, identity, of):
        if entry.status is Status.PENDING:
            yield key, _Waits(entry.height)
    if of.reserve is not None and of.reserve.status is Status.PENDING:
        yield of.reserve.input, _Waits(of.terms.close)


def _is_closed(view: View, of: Sale) -> bool:
    """PV-183, PV-234: what entered goes back, and nothing is opened any more.

    Where some have left, a session would read others' cells than its id was made of, and fills
    would be opened under the pads of others.
    """
    frozen = freezing.find(view.reader, of.terms.committee, of.terms.epoch) is not None
    return frozen or results.is_broken(view.reader, of)


def _opening(state: StateReader, identity: bytes, of: Sale, secrets: EpochSecrets) -> Job:
    """PV-188: the declared outputs, of a result that a block has."""
    record, sid = secrets.record, of.attempt.session
    held = results.due_outputs(state, identity, of)

    def protocol(context: Context) -> Rounds[OpenTx]:
        return OpenTx((yield from sessions.opening(context, sid, held)))

    session = sessions.opening_session(record, sid)
    return Job(session, secrets.prss, protocol, f"outputs of session {sid.hex()[:16]}")
