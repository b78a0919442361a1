"""Who spoiled a batch: everybody reveals what its keys gave, and recomputes.  Rule PV-17 (P2-10).

After a certificate that blames, and only then, each member reveals for each of its sets and each
label of the batch the key of that stream. All 2t + 1 members of a set should reveal the same; what
t + 1 of them say is right, as one of those is honest. From the streams follow all members' shares,
and what each should have said. The liar is who said something else.

Nothing private is touched: the labels are of this batch, which nobody uses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from private_exec.mpc import prf, prss, vectors
from private_exec.mpc.batch import Batch, Drawn, Said
from private_exec.mpc.certificate import Certificate, Verdict
from private_exec.mpc.context import Context
from private_exec.mpc.errors import BatchBlamed, CertificateRefused, Undecided
from private_exec.mpc.labels import SessionLabel
from private_exec.mpc.message import Kind
from private_exec.mpc.prss import Subset
from private_exec.mpc.rounds import WAIT, Form, Round, Rounds
from private_exec.mpc.shamir import Size
from zk.field.arrays import U64Array

Streams = Mapping[tuple[Subset, SessionLabel], bytes]
"""The key of each stream of a batch: of one set, for one label."""
_KEY: Final = prf.KEY_BYTES


def blame(
    context: Context, batch: Batch, said: Said, certificate: Certificate
) -> Rounds[BatchBlamed]:
    """Reveal the batch, and name who spoiled it. One round.

    It waits for nobody in particular: the honest members of each set are t + 1. So not everybody
    sees who reveals something false, and the error does not name them: all that sign it agree.

    Args:
        context: of the member.
        batch: which.
        said: what was fixed about it.
        certificate: 2t + 1 members' word that it is blamed.

    Returns:
        The error that names the liars.

    Raises:
        CertificateRefused: PV-16, the certificate does not blame this batch; nothing is revealed.
        Undecided: PV-17, no t + 1 members reveal the same for some set.
    """
    session = context.session
    certificate.check(session)
    about = certificate.batch, certificate.root, certificate.verdict
    if about != (batch.name, said.root, Verdict.BLAMED):
        raise CertificateRefused("PV-16", "it does not blame this batch", where="certificate")
    labels = tuple(batch.draws)
    body = b"".join(
        prf.stream_key(context.keys.keys[subset], label)
        for subset in prss.subsets_of(session.size, context.member)
        for label in labels
    )
    inbox = yield Round(Kind.REVEAL, body, Form.BYTES)
    found: tuple[Streams, tuple[int, ...]] | None = None
    while found is None:
        try:
            found = attested(session.size, labels, inbox.bodies)
        except Undecided:
            if inbox.closed:
                raise
            inbox = yield WAIT
    streams, false = found
    context.accuse(false, "PV-17", "revealed a stream that others of the set do not have")
    liars = liars_of(session.size, batch, said, streams)
    context.accuse(liars, "PV-17", "said products that its keys do not give")
    return BatchBlamed(liars, certificate)


def attested(
    size: Size, labels: tuple[SessionLabel, ...], bodies: Mapping[int, bytes]
) -> tuple[Streams, tuple[int, ...]]:
    """What t + 1 members of each set reveal, and who revealed something else.

    Raises:
        Undecided: PV-17, for some set and label no t + 1 members say the same.
    """
    revealed: dict[tuple[Subset, SessionLabel], dict[int, bytes]] = {}
    for member, body in bodies.items():
        places = [(a, label) for a in prss.subsets_of(size, member) for label in labels]
        for k, place in enumerate(places):
            revealed.setdefault(place, {})[member] = body[k * _KEY : (k + 1) * _KEY]
    streams, false = {}, set()
    for subset in prss.subsets(size):
        for label in labels:
            by = revealed.get((subset, label), {})
            key, count = Counter(by.values()).most_common(1)[0] if by else (b"", 0)
            if count <= size.t:
                raise Undecided("PV-17", "no t + 1 members of a set reveal the same", where="blame")
            streams[subset, label] = key
            false |= {member for member, said in by.items() if said != key}
    return streams, tuple(sorted(false))


def liars_of(size: Size, batch: Batch, said: Said, streams: Streams) -> tuple[int, ...]:
    """PV-17: members whose words are not what the streams give."""
    given = {
        label: {
            subset: vectors.reduced(
                prf.stream(streams[subset, label], count * prss.outputs(size, label))
            )
            for subset in prss.subsets(size)
        }
        for label, count in batch.draws.items()
    }
    liars = []
    for member in size.members:

        def source(label: SessionLabel, count: int, member: int = member) -> U64Array:  # noqa: ARG001
            return prss.share_of(size, member, label, given[label])

        drawn = Drawn.of(batch, source)
        words = [(said.products.words.get(member), drawn.products)]
        if said.opened is not None and said.checks is not None:
            right = drawn.hidden(drawn.folded(said.opened, said.rho))
            words.append((said.checks.words.get(member), right))
        if any(word is not None and not vectors.same(word, right) for word, right in words):
            liars.append(member)
    return tuple(liars)
