"""A proof with hidden inputs, tied to Pedersen commitments.  Rules PV-61 to PV-66.

`zk.groth16.hidden` gives a point D in the place of hidden inputs x₁ … xₘ, ν. The link shows
knowledge of one x, ν, ρ with

    D = Σ xⱼ·ICⱼ + ν·IC_ν        Comⱼ = xⱼ·G + ρⱼ·H   for every j

by one Schnorr proof of all these equations, with the *same* response for xⱼ in both:

    T = Σ aⱼ·ICⱼ + b·IC_ν      Tⱼ = aⱼ·G + bⱼ·H      c = hash(everything)
    sⱼ = aⱼ + c·xⱼ     s_ν = b + c·ν     zⱼ = bⱼ + c·ρⱼ

docs/adr/0027 says why both together prove the statement of what the commitments hold, and what the
hash must cover. `verify_linked` and `judge_linked` check both; nothing else may be called a check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.errors import LinkRefused
from private_exec.pedersen import H, Opening, commit
from private_exec.transcript import coefficients, scalar_hash, secret_scalar
from zk.curve.bn254 import G1_GENERATOR, G1Affine, check_g1
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes
from zk.errors import ChiaroError, DecodeError
from zk.field.arrays import BYTES
from zk.groth16.hidden import HiddenProof, hidden_bases, judge_hidden, verify_hidden
from zk.groth16.keys import VerifyingKey
from zk.interfaces import Backend

TAG: Final = "private/link"
CONTEXT_BYTES: Final = 32
MAX_LINKED: Final = 255


def link_bytes(linked: int) -> int:
    """Size of a link of so many values."""
    return (1 + linked) * G1_BYTES + (2 * linked + 1) * BYTES


@dataclass(frozen=True, slots=True)
class Link:
    """Shows that D and commitments hold the same values.

    Attributes:
        shown: T, then T₁ … Tₘ.
        values: s₁ … sₘ.
        blindings: z₁ … zₘ.
        nu: s_ν.

    Raises:
        LinkRefused: PV-62, numbers that do not fit, a point or a scalar that is none.
    """

    shown: tuple[G1Affine, ...]
    values: tuple[int, ...]
    blindings: tuple[int, ...]
    nu: int

    def __post_init__(self) -> None:
        linked = len(self.values)
        if not 1 <= linked <= MAX_LINKED:
            raise LinkRefused("PV-62", f"a link of {linked} values", where="link")
        if len(self.blindings) != linked or len(self.shown) != linked + 1:
            raise LinkRefused("PV-62", "a link whose parts do not fit each other", where="link")
        if not all(0 <= s < group.R for s in (*self.values, *self.blindings, self.nu)):
            raise LinkRefused("PV-62", "a response is not below r", where="link")
        _check_points(self.shown, "link")

    def to_bytes(self) -> bytes:
        """T, T₁ … Tₘ, s₁ … sₘ, z₁ … zₘ, s_ν; 32 bytes each."""
        writer = Writer()
        for scalar in (*self.values, *self.blindings, self.nu):
            writer.fr(scalar)
        return b"".join(map(g1_to_bytes, self.shown)) + writer.done()

    @staticmethod
    def from_bytes(data: bytes, linked: int) -> Link:
        """The link of exactly these bytes, of as many values as the statement links.

        Raises:
            LinkRefused: PV-62.
        """
        if not 1 <= linked <= MAX_LINKED or len(data) != link_bytes(linked):
            raise LinkRefused(
                "PV-62", f"{len(data)} bytes are no link of {linked} values", where="link"
            )
        reader = Reader(data, "link")
        try:
            shown = tuple(
                g1_from_bytes(reader.take(G1_BYTES), what="link") for _ in range(linked + 1)
            )
            values, blindings = (tuple(reader.fr() for _ in range(linked)) for _ in range(2))
            return Link(shown, values, blindings, reader.fr())
        except DecodeError as error:
            raise LinkRefused("PV-62", error.message, where="link") from error


@dataclass(frozen=True, slots=True)
class Linked:
    """A statement about committed values, with all that proves it.

    Attributes:
        public: the visible inputs, in the statement's order.
        commitments: of the hidden values, in the statement's order.
        hidden: proof and D.
        link: ties D to the commitments.
        context: digest of the message that this belongs to.
    """

    public: tuple[int, ...]
    commitments: tuple[G1Affine, ...]
    hidden: HiddenProof
    link: Link
    context: bytes


@dataclass(frozen=True, slots=True)
class Nonces:
    """Randomness of one link, never of a second one; prints none.

    Attributes:
        values: a₁ … aₘ.
        blindings: b₁ … bₘ.
        nu: b.
    """

    values: tuple[int, ...] = field(repr=False)
    blindings: tuple[int, ...] = field(repr=False)
    nu: int = field(repr=False)


def prove_link(
    key: VerifyingKey,
    public: Sequence[int],
    hidden: HiddenProof,
    openings: Sequence[Opening],
    nu: int,
    context: bytes,
    entropy: bytes,
) -> Linked:
    """Tie a proof to commitments with these openings, for one message.

    Args:
        key: verifying key of the statement.
        public: the visible inputs.
        hidden: proof and D.
        openings: of the hidden values, in order.
        nu: ν.
        context: digest of everything that the proof is for; 32 bytes.
        entropy: 32 fresh bytes. Nonces hash them with secrets and statement, so that bytes used
            twice repeat a link and betray nothing.

    Raises:
        LinkRefused: what `verify_link` refuses; so where D is not of these values.
        ShapeMismatch: the key has fewer public inputs.
    """
    bases = hidden_bases(key, len(openings) + 1)
    commitments = commit(openings)
    statement = _statement(key, public, hidden, commitments, context)
    secret = b"".join((Writer().fr(nu).done(), *map(Opening.to_bytes, openings)))

    def draw(name: str) -> int:
        return secret_scalar(f"{TAG}/nonce", name.encode(), secret, entropy, *statement)

    nonces = Nonces(
        tuple(draw(f"value/{j}") for j in range(len(openings))),
        tuple(draw(f"blinding/{j}") for j in range(len(openings))),
        draw("nu"),
    )
    shown = commit_nonces(bases, nonces)
    challenge = challenge_of(key, public, hidden, commitments, context, shown)

    def response(nonce: int, value: int) -> int:
        return (nonce + challenge * value) % group.R

    link = Link(
        shown,
        tuple(response(a, o.value) for a, o in zip(nonces.values, openings, strict=True)),
        tuple(response(b, o.blinding) for b, o in zip(nonces.blindings, openings, strict=True)),
        response(nonces.nu, nu),
    )
    made = Linked(tuple(public), tuple(commitments), hidden, link, context)
    verify_link(key, made)
    return made


def commit_nonces(bases: Sequence[G1Affine], nonces: Nonces) -> tuple[G1Affine, ...]:
    """T, T₁ … Tₘ; `bases` are the hidden ICs, that of ν last."""
    pairs = zip(nonces.values, nonces.blindings, strict=True)
    openings = [Opening(value, blinding) for value, blinding in pairs]
    return (group.sum_g1([*nonces.values, nonces.nu], bases), *commit(openings))


def challenge_of(
    key: VerifyingKey,
    public: Sequence[int],
    hidden: HiddenProof,
    commitments: Sequence[G1Affine],
    context: bytes,
    shown: Sequence[G1Affine],
) -> int:
    """PV-65: c, a hash of all that the link is about and of T, T₁ … Tₘ."""
    statement = _statement(key, public, hidden, commitments, context)
    return scalar_hash(TAG, *statement, b"".join(map(g1_to_bytes, shown)))


def verify_link(key: VerifyingKey, linked: Linked) -> None:
    """The link alone. It says that D and commitments hold the same, and nothing of the proof.

    Raises:
        LinkRefused: PV-61, PV-62, PV-63, PV-64, PV-66.
    """
    challenge = _challenge(key, linked)
    if not _hold(key, [(linked, challenge)]):
        _name(key, linked, challenge)


def _challenge(key: VerifyingKey, linked: Linked) -> int:
    """Everything about a link but its equations, and c."""
    link, count = linked.link, len(linked.commitments)
    if count != len(link.values) or len(linked.public) + count + 1 != key.publics:
        raise LinkRefused(
            "PV-61",
            f"{len(linked.public)} inputs shown, {count} committed to and {len(link.values)} "
            f"linked, of {key.publics} with the one that blinds",
            where="link",
        )
    _check_points(linked.commitments, "commitment")
    return challenge_of(
        key, linked.public, linked.hidden, linked.commitments, linked.context, link.shown
    )


def _hold(key: VerifyingKey, links: Sequence[tuple[Linked, int]]) -> bool:
    """Whether all equations of these links hold, by one combination of them.

    Each equation has a coefficient of 128 bits, hashed from all links: c covers everything but the
    responses, which are hashed beside it. An equation that does not hold makes the sum differ from
    the identity for all but one of its coefficients.
    """
    count = len(links[0][0].commitments)
    writer = Writer()
    for linked, challenge in links:
        for scalar in (challenge, *linked.link.values, *linked.link.blindings, linked.link.nu):
            writer.fr(scalar)
    seed = tagged_hash(f"{TAG}/equations", writer.done())
    weights = iter(coefficients(seed, "link", len(links) * (count + 1)))
    bases = [0] * (count + 1)
    on_g, on_h = 0, 0
    scalars: list[int] = []
    points: list[G1Affine] = []
    for linked, challenge in links:
        link, weight = linked.link, next(weights)
        for j, response in enumerate((*link.values, link.nu)):
            bases[j] += weight * response
        scalars += [-weight * challenge, -weight]
        points += [linked.hidden.d, link.shown[0]]
        for j, commitment in enumerate(linked.commitments):
            weight = next(weights)
            on_g += weight * link.values[j]
            on_h += weight * link.blindings[j]
            scalars += [-weight * challenge, -weight]
            points += [commitment, link.shown[1 + j]]
    scalars += [*bases, on_g, on_h]
    points += [*hidden_bases(key, count + 1), G1_GENERATOR, H]
    return group.sum_g1(scalars, points) is None


def _name(key: VerifyingKey, linked: Linked, challenge: int) -> None:
    """The first equation of a link that does not hold.

    Raises:
        LinkRefused: PV-63, PV-64.
    """
    link = linked.link
    bases = hidden_bases(key, len(linked.commitments) + 1)
    scalars = [*link.values, link.nu, -challenge, -1]
    points = [*bases, linked.hidden.d, link.shown[0]]
    if group.sum_g1(scalars, points) is not None:
        raise LinkRefused("PV-63", "nobody showed to know what D holds", where="link")
    for j, (value, blinding) in enumerate(zip(link.values, link.blindings, strict=True)):
        scalars = [value, blinding, -challenge, -1]
        points = [G1_GENERATOR, H, linked.commitments[j], link.shown[1 + j]]
        if group.sum_g1(scalars, points) is not None:
            raise LinkRefused(
                "PV-64", f"commitment {j} does not hold the proof's value", where="link"
            )


def verify_linked(
    key: VerifyingKey, hidden_count: int, linked: Linked, backend: Backend | None = None
) -> None:
    """That the statement holds for what the commitments hold.

    Args:
        key: verifying key of the statement.
        hidden_count: how many inputs the statement hides (`Statement.hidden`).
        linked: what is claimed, with its proofs.
        backend: what computes the pairings.

    Raises:
        LinkRefused: PV-61 to PV-66.
        ShapeMismatch, NonCanonical, NotInSubgroup, InvalidProof: by `verify_hidden`.
    """
    _check_hidden(hidden_count, linked)
    verify_link(key, linked)
    verify_hidden(key, linked.public, hidden_count, linked.hidden, backend)


def judge_linked(
    key: VerifyingKey, hidden_count: int, items: Sequence[Linked], backend: Backend
) -> list[ChiaroError | None]:
    """For each what `verify_linked` would raise, or nothing; all equations in two batches."""
    verdicts: list[ChiaroError | None] = [None] * len(items)
    links: dict[int, tuple[Linked, int]] = {}
    for index, linked in enumerate(items):
        try:
            _check_hidden(hidden_count, linked)
            links[index] = (linked, _challenge(key, linked))
        except ChiaroError as error:
            verdicts[index] = error
    if links and not _hold(key, list(links.values())):
        for index, (linked, challenge) in links.items():
            try:
                _name(key, linked, challenge)
            except LinkRefused as error:
                verdicts[index] = error
    good = [index for index, verdict in enumerate(verdicts) if verdict is None]
    proofs = [(items[index].public, items[index].hidden) for index in good]
    for index, verdict in zip(good, judge_hidden(key, proofs, hidden_count, backend), strict=True):
        verdicts[index] = verdict
    return verdicts


def _check_hidden(hidden_count: int, linked: Linked) -> None:
    if len(linked.commitments) + 1 != hidden_count:
        raise LinkRefused(
            "PV-61",
            f"{len(linked.commitments)} commitments for a statement that hides {hidden_count}",
            where="link",
        )


def _check_points(points: Sequence[G1Affine], what: str) -> None:
    try:
        for point in points:
            check_g1(point, what=what)
    except DecodeError as error:
        raise LinkRefused("PV-62", error.message, where=what) from error


def _statement(
    key: VerifyingKey,
    public: Sequence[int],
    hidden: HiddenProof,
    commitments: Sequence[G1Affine],
    context: bytes,
) -> tuple[bytes, ...]:
    """What nonces and challenge cover; each part is length-prefixed where it is hashed."""
    if len(context) != CONTEXT_BYTES:
        raise LinkRefused("PV-66", f"a context of {len(context)} bytes", where="link")
    shown = Writer()
    for value in public:
        shown.fr(value)
    return (
        bytes.fromhex(key.id),
        context,
        shown.done(),
        hidden.to_bytes(),
        b"".join(map(g1_to_bytes, commitments)),
    )
