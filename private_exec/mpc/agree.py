"""A broadcast whose content is fixed before anything that depends on it is revealed.  Rule PV-14.

What members send each other directly is no broadcast: one may tell different stories. Three rounds:

    PRODUCT   everybody's vector
    ECHO      the hash and signature of each vector received
    FIX       what is taken for each member: the hash that 2t + 1 echoed, or nothing

It is fixed when 2t + 1 members sent the same FIX. Two sets of 2t + 1 share t + 1 members, so an
honest one, which sends one FIX only: nothing else is ever fixed, and a coin that is opened
afterwards was unknown when the content was chosen (P2-4). Two stories of one member meet in the
echoes, with both signatures: it is left out, and the pair is evidence (PV-12).

If no 2t + 1 agree, nothing is fixed and nothing was revealed: the batch is undecided, and given up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from node.core.ids import tagged_hash
from private_exec.mpc import vectors
from private_exec.mpc.context import Context
from private_exec.mpc.errors import MessageRefused, Undecided
from private_exec.mpc.message import DIGEST_BYTES, Header, Kind
from private_exec.mpc.rounds import Form, Inbox, Round, Rounds
from private_exec.roster import SIGNATURE_BYTES
from zk.field.arrays import U64Array

_NOTHING: Final = bytes(DIGEST_BYTES)
ENTRY_BYTES: Final = DIGEST_BYTES + SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class Agreed:
    """What is fixed.

    Attributes:
        words: the vectors, by member; who sent none, or two, is missing.
        root: the hash of it all: the same for two members only if the words are.
    """

    words: Mapping[int, U64Array]
    root: bytes


def agree(context: Context, vector: U64Array) -> Rounds[Agreed]:
    """Broadcast a vector; return what all are held to have sent. Three rounds.

    Raises:
        Undecided: PV-14, no 2t + 1 members saw the same, or a fixed vector is not here.
    """
    session = context.session
    inbox = yield Round(Kind.PRODUCT, vectors.to_bytes(vector), whole=True)
    place = context.round
    seen = {member: message.header for member, message in inbox.messages.items()}
    name = place.to_bytes(4, "little")
    echo = b"".join(_entry(seen.get(member)) for member in session.members)
    body = context.recorded(b"echo" + name, echo)
    echoes = yield Round(Kind.ECHO, body, Form.BYTES, whole=True)
    length = len(vectors.to_bytes(vector))
    taken = b"".join(
        _taken(context, member, seen.get(member), echoes.bodies, place, length)
        for member in session.members
    )
    choice = context.recorded(b"fix" + name, taken)
    fixes = yield Round(Kind.FIX, choice, Form.BYTES, whole=True)
    if sum(body == choice for body in fixes.bodies.values()) < session.quorum:
        raise Undecided("PV-14", "no 2t + 1 members saw the same", where=f"round {place}")
    root = tagged_hash("private/mpc/fixed", session.digest, name, choice)
    return Agreed(_words(context, choice, inbox, place), root)


def _entry(header: Header | None) -> bytes:
    return bytes(ENTRY_BYTES) if header is None else header.digest + header.signature


def _taken(
    context: Context,
    member: int,
    own: Header | None,
    echoes: Mapping[int, bytes],
    place: int,
    length: int,
) -> bytes:
    """The hash that 2t + 1 members echo of this member's vector; nothing if it signed two."""
    session, counts = context.session, Counter[bytes]()
    known = {} if own is None else {own.digest: own}
    for body in echoes.values():
        entry = body[(member - 1) * ENTRY_BYTES : member * ENTRY_BYTES]
        digest, signature = entry[:DIGEST_BYTES], entry[DIGEST_BYTES:]
        if digest == _NOTHING:
            continue
        if digest not in known:
            header = Header(place, member, Kind.PRODUCT, length, digest, signature)
            try:
                header.check(session)
            except MessageRefused:
                continue
            known[digest] = header
        counts[digest] += 1
    if len(known) > 1:
        first, second, *_ = known.values()
        context.evidence.append((first, second))
        context.accuse((member,), "PV-12", "told two stories in one round")
        return _NOTHING
    digest, count = counts.most_common(1)[0] if counts else (_NOTHING, 0)
    return digest if count >= session.quorum else _NOTHING


def _words(context: Context, choice: bytes, inbox: Inbox, place: int) -> dict[int, U64Array]:
    received, words = inbox.vectors, {}
    for member in context.session.members:
        digest = choice[(member - 1) * DIGEST_BYTES : member * DIGEST_BYTES]
        if digest == _NOTHING:
            continue
        if member not in received or inbox.messages[member].header.digest != digest:
            raise Undecided(
                "PV-14", f"the vector of member {member} is not here", where=f"round {place}"
            )
        words[member] = received[member]
    return words
