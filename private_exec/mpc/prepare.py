"""Preparing triples and random bits, so that cheating is noticed, and named.  PV-15, PV-16, PV-18.

    triple    a, b, ρ of degree t from common keys; d = a·b + ρ is published, ab = d − ρ
    bit       x of degree t;  s = x² is published;  (x/√s + 1)/2 is 0 or 1

What is published has degree 2t and is hidden by a fresh sharing of zero (P2-6). Then:

    1  everybody's d and s are fixed (`agree`)
    2  they must lie on polynomials of degree 2t: t liars are noticed if all members are there
    3  a coin opens, and the products are checked (`check`): nobody's absence weakens that
    4  2t + 1 members sign that the batch is accepted, or blamed (`certificate`)
    5  what is accepted is used; of what is blamed the randomness is revealed, and the liar is named

Everything is a function of labels, so of the session; nothing private has been touched yet.
"""

from __future__ import annotations

from typing import Final

from private_exec.mpc import check, prss, vectors
from private_exec.mpc.agree import ENTRY_BYTES, agree
from private_exec.mpc.batch import Batch, Drawn, Said, consistent
from private_exec.mpc.blame import blame
from private_exec.mpc.certificate import VOTE_BYTES, Verdict, certify
from private_exec.mpc.context import Context, Tally
from private_exec.mpc.errors import Inconsistent, MaterialRefused
from private_exec.mpc.labels import Draw, SessionLabel, ZeroLabel
from private_exec.mpc.material import Material, Request, Triples, joined
from private_exec.mpc.message import DIGEST_BYTES, OVERHEAD
from private_exec.mpc.opening import open_shares
from private_exec.mpc.roots import roots
from private_exec.mpc.rounds import Rounds
from private_exec.mpc.shamir import Size
from private_exec.mpc.vectors import R
from zk.field.arrays import BYTES, U64Array

MAX_BATCH: Final = 1 << 15
"""Products of one batch: a message of 1 MiB."""
ROUNDS: Final = 10
"""Of a batch: two broadcasts that are fixed, three openings, one vote."""


def prepare(context: Context, gate: int, request: Request) -> Rounds[Material]:
    """One batch, accepted.

    Args:
        context: of the member.
        gate: number of the batch: one for each in a session.
        request: 1 to MAX_BATCH products.

    Raises:
        BatchBlamed: PV-17, somebody cheated and is named; the batch is gone.
        Undecided: PV-14, PV-16, the members did not come to a verdict; the batch is gone.
        OpeningFailed: PV-13.
    """
    if not 1 <= request.triples + request.bits <= MAX_BATCH:
        raise MaterialRefused("PV-19", f"a batch has 1 to {MAX_BATCH} products", where="request")
    batch = Batch(context.session.sid, gate, request)
    while True:
        material = yield from _attempt(context, batch)
        if material is not None:
            return material
        batch = Batch(batch.session, gate, request, batch.retry + 1)


def _attempt(context: Context, batch: Batch) -> Rounds[Material | None]:
    """The material; None where a square is 0, which a fresh draw repairs."""
    drawn = Drawn.of(batch, lambda label, count: _own(context, label, count))
    said = yield from _say(context, batch, drawn)
    verdict = Verdict.ACCEPTED if said.right else Verdict.BLAMED
    certificate = yield from certify(context, batch.name, said.root, verdict)
    if said.opened is None or not said.right:
        raise (yield from blame(context, batch, said, certificate))
    triples = batch.request.triples
    squares = said.opened[triples:]
    if not squares.any(axis=1).all():
        return None
    made = Triples(
        drawn.left[:triples], drawn.right[:triples], drawn.claimed(said.opened)[:triples]
    )
    return Material(made, _bits(drawn.left[triples:], squares), (certificate,))


def _own(context: Context, label: SessionLabel, count: int) -> U64Array:
    """Shares from the member's own keys."""
    context.once(label)
    if isinstance(label, ZeroLabel):
        return prss.zeros(context.keys, label, count)
    return prss.shares(context.keys, label, count)


def _bits(hidden: U64Array, squares: U64Array) -> U64Array:
    """PV-18: shares of (x/√s + 1)/2, from shares of x and s = x², which is not 0."""
    if not len(hidden):
        return hidden
    found, are_squares = roots(squares)
    if not are_squares.all():
        raise Inconsistent("PV-18", "what should be the square of a shared value is none")
    signs = vectors.mul(hidden, vectors.inverse(found))
    return vectors.scale(vectors.add(signs, 1), pow(2, -1, R))


def _say(context: Context, batch: Batch, drawn: Drawn) -> Rounds[Said]:
    """Steps 1 to 3."""
    size = context.session.size
    coins = prss.shares(context.keys, context.once(batch.value(Draw.COIN)), 2)
    products = yield from agree(context, drawn.products)
    opened = consistent(size, products.words)
    if opened is None:
        return Said(products)
    rho = vectors.ints((yield from open_shares(context, coins[:1])))[0]
    folded = drawn.folded(opened, rho)
    checks = yield from agree(context, drawn.hidden(folded))
    sums = consistent(size, checks.words)
    if sums is None:
        return Said(products, opened, rho, checks)
    zeta = check.coin(vectors.ints((yield from open_shares(context, coins[1:])))[0])
    final = yield from open_shares(context, folded.at(zeta, drawn.uncovered(sums)))
    return Said(products, opened, rho, checks, check.holds(final))


def prepare_all(context: Context, request: Request) -> Rounds[Material]:
    """What a session takes, in as many batches as it needs."""
    parts = []
    for gate, part in enumerate(batches(request)):
        parts.append((yield from prepare(context, gate, part)))
    return joined(parts)


def batches(request: Request) -> list[Request]:
    """A request cut into batches of at most MAX_BATCH products, triples first."""
    parts, triples, bits = [], request.triples, request.bits
    while triples or bits:
        first = min(triples, MAX_BATCH)
        second = min(bits, MAX_BATCH - first)
        parts.append(Request(first, second))
        triples, bits = triples - first, bits - second
    return parts


def cost(size: Size, request: Request) -> Tally:
    """What preparing it costs a member, if no square is 0: ten rounds a batch, and their bytes."""
    tally = Tally(triples=request.triples, bits=request.bits)
    for part in batches(request):
        count = part.triples + part.bits
        vectors_sent = (count, check.ROWS + 1, 1, 1, 2 * check.width(count) + 1)
        fixing = 2 * size.n * (ENTRY_BYTES + DIGEST_BYTES)
        tally.rounds += ROUNDS
        tally.bytes += BYTES * sum(vectors_sent) + fixing + VOTE_BYTES + ROUNDS * OVERHEAD
    return tally
