"""A collaborative proof as members run it: three rounds among the others of their session."""

from __future__ import annotations

from private_exec.collaborative.errors import CollaborationRefused
from private_exec.collaborative.member import Concluded, Fixed, Member
from private_exec.collaborative.task import Holding, Task
from private_exec.linking import Linked
from private_exec.mpc.context import Context
from private_exec.mpc.message import Kind
from private_exec.mpc.opening import open_shares
from private_exec.mpc.rounds import WAIT, Form, Inbox, Round, Rounds
from zk.field.arrays import BYTES


def prove(context: Context, task: Task, holding: Holding) -> Rounds[Linked]:
    """The proof, the same for every honest member; liars that are known are noted.

    Args:
        context: of the member, in the task's session.
        task: what is proved.
        holding: the member's shares.

    Raises:
        CollaborationRefused: PV-70, PV-72 or PV-74, nobody else is waited for and too few agree.
        ProofImpossible: PV-74, PV-77, more than t members are at fault.
        MaterialRefused: PV-19, this session has proved at this gate before.
        CertificateRefused: PV-16, this member answered another challenge, perhaps before a restart.
        OpeningFailed: PV-13, too few responses agree.
    """
    if task.session != context.session.sid or task.size != context.session.size:
        raise CollaborationRefused("PV-70", "a task of another session", where="task")
    draw, zero = context.once(task.draw()), context.once(task.zero())
    member = Member(task, holding, context.keys)

    inbox = yield Round(Kind.POINT, member.first(), Form.BYTES)
    while (fixed := _fixed(member, inbox)) is None:
        inbox = yield WAIT
    context.accuse(fixed.liars, "PV-72", "a point that does not fit the others'")

    inbox = yield Round(Kind.POINT, member.second(fixed), Form.BYTES)
    while (concluded := _concluded(member, fixed, inbox)) is None:
        inbox = yield WAIT
    context.accuse(concluded.liars, "PV-75", "a share of C that is none")

    challenge = member.challenge(fixed, concluded).to_bytes(BYTES, "little")
    context.decide_once(draw.digest + zero.digest, challenge)
    responses = yield from open_shares(context, member.third(fixed, concluded))
    return member.finish(fixed, concluded, responses)


def _fixed(member: Member, inbox: Inbox) -> Fixed | None:
    """PV-72, as long as somebody may still speak."""
    try:
        return member.fix(inbox.bodies)
    except CollaborationRefused:
        if inbox.closed:
            raise
        return None


def _concluded(member: Member, fixed: Fixed, inbox: Inbox) -> Concluded | None:
    """PV-74, as long as somebody may still speak."""
    try:
        return member.conclude(fixed, inbox.bodies)
    except CollaborationRefused:
        if inbox.closed:
            raise
        return None
