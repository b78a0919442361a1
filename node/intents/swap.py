"""Schema `swap`: an exact swap, an unbalanced party of a shielded transaction.  Rules IN-7, IN-8.

    nets     1, then per kind 64 + 16    sorted; positive: gives, negative: wants
    part     the rest                    signed actions and Σ rcv (`shielded.compose.PartyPart`)

Whoever holds a part could find its nets by trial (SH-60). They are stated instead, and stating is
not believed: Σ Δ must be Σ [net]K + [Σ rcv]R.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import nullifier_key
from node.core.errors import InvalidTransaction
from node.core.ids import NATIVE, AccountId, ChainId, EnvironmentId, Kind
from node.core.intent import Intent
from node.core.interfaces import ProofClaim
from node.intents.errors import IntentRefused
from node.intents.schema import Description, Evidence
from node.intents.view import View
from shielded import checks, digests, schnorr, spec
from shielded.compose import PartyPart
from shielded.env import nullifier_bytes
from shielded.schnorr import SignatureRefused, SignedMessage
from shielded.transaction import Mode, ShieldedTx
from zk.curve import babyjub
from zk.curve.babyjub import IDENTITY, RCV_BASE
from zk.errors import DecodeError

MAX_KINDS: Final = 16
_MOST_NET: Final = 2**72
"""Above the net of 64 actions of two slots each; far below l, so that nets open one way only."""


@dataclass(frozen=True, slots=True, repr=False)
class SwapTerms:
    """A decoded swap.

    Attributes:
        nets: per kind, base units, never 0; positive: consumed more than created.
        part: signed actions and Σ rcv.
    """

    nets: tuple[tuple[Kind, int], ...]
    part: PartyPart

    def __repr__(self) -> str:
        return "<SwapTerms: hidden>"

    @property
    def frame(self) -> ShieldedTx:
        """The party alone in a transaction, for rules that are stated of transactions."""
        return ShieldedTx(self.part.chain_id, (self.part.party,))

    @property
    def uses(self) -> tuple[bytes, ...]:
        return tuple(
            nullifier_key(EnvironmentId.SHIELDED, nullifier_bytes(nf))
            for nf in self.frame.nullifiers
        )

    def remaining(self, fee: int) -> dict[Kind, int]:
        """Nets without the fee: what counterparts must bring to zero."""
        sums = Counter(dict(self.nets))
        sums[NATIVE] -= fee
        return {kind: amount for kind, amount in sums.items() if amount}

    def to_bytes(self) -> bytes:
        writer = Writer().u8(len(self.nets))
        for kind, amount in self.nets:
            writer.raw(kind.to_bytes(), 64).i128(amount)
        return writer.done() + self.part.to_bytes()


def swap_terms(part: PartyPart, nets: dict[Kind, int]) -> SwapTerms:
    """Terms of a part whose maker knows its nets (`Plan.imbalance` of a plan without a fee)."""
    return SwapTerms(tuple(sorted((k, n) for k, n in nets.items() if n)), part)


class SwapSchema:
    """Implements `node.intents.schema.Schema` for SwapTerms."""

    name = "swap"

    def parse(self, intent: Intent, chain_id: ChainId) -> SwapTerms:
        """Form only: strict decoding, IN-7 of the amounts, IN-8.

        Raises:
            InvalidTransaction: names the rule.
            DecodeError: not an encoding.
        """
        reader = Reader(intent.payload, "swap")
        count = reader.count(1, MAX_KINDS, "kinds")
        nets = tuple((Kind.read(reader), reader.i128()) for _ in range(count))
        if any(not a[0] < b[0] for a, b in itertools.pairwise(nets)):
            raise IntentRefused("IN-5", "kinds are not sorted, or one is there twice", where="nets")
        if not nets or any(not 0 < abs(amount) < _MOST_NET for _, amount in nets):
            raise IntentRefused("IN-7", "no net, a net of zero, or one too large", where="nets")
        part = PartyPart.from_bytes(intent.payload[1 + 80 * count :])
        terms = SwapTerms(nets, part)
        checks.check_chain(part.chain_id, chain_id)
        party = part.party
        if party.mode is not Mode.PARTY:
            raise IntentRefused("IN-8", "signed for one whole transaction only", where="mode")
        if party.expiry != intent.expiry:
            raise IntentRefused("IN-8", "intent and party expire differently", where="expiry")
        return terms

    def decode(self, intent: Intent, chain_id: ChainId) -> SwapTerms:
        """IN-5, IN-7, IN-8, and the rules SH-n that need no state.

        Raises:
            InvalidTransaction: names the rule.
            DecodeError: not an encoding.
        """
        terms = self.parse(intent, chain_id)
        checks.check_logic(terms.frame)
        checks.check_nullifiers(terms.frame)
        checks.check_points(terms.frame)
        _check_opening(terms)
        _check_signatures(terms)
        return terms

    def claims(self, terms: SwapTerms, view: View) -> tuple[ProofClaim, ...]:
        return view.shielded.claims(terms.frame)

    def covers(
        self,
        intent: Intent,  # noqa: ARG002
        terms: SwapTerms,  # noqa: ARG002
        view: View,  # noqa: ARG002
    ) -> Mapping[tuple[AccountId, Kind], int]:
        """Nothing: it spends notes, which are reserved."""
        return {}

    def validate(self, intent: Intent, terms: SwapTerms, view: View) -> None:  # noqa: ARG002
        """IN-9, SH-12, the nullifiers unspent (IN-10), every proof (SH-6).

        Raises:
            ChiaroError: names the rule.
        """
        scope = terms.part.party.scope
        if scope is not None and scope != view.scope:
            raise IntentRefused("IN-9", "scoped to another batch", where="scope")
        frame = terms.frame
        view.shielded.check_historical(frame, view.state, view.context)
        if any(view.state.get(key) is not None for key in terms.uses):
            raise IntentRefused("IN-10", "one of its notes is spent", where="nullifiers")
        for error in view.verifier.verify(self.claims(terms, view)):
            if error is not None:
                raise error

    def describe(self, intent: Intent, terms: SwapTerms) -> Description:
        nets = terms.remaining(intent.fee)
        return Description(
            gives={kind: amount for kind, amount in nets.items() if amount > 0},
            wants={kind: -amount for kind, amount in nets.items() if amount < 0},
            fee=intent.fee,
            lines=("exactly these amounts, all or nothing",),
        )

    def check_satisfied(
        self,
        intent: Intent,  # noqa: ARG002
        terms: SwapTerms,
        evidence: Evidence,
        view: View,
    ) -> None:
        """IN-15: its notes are spent now and were not before, and *all* its outputs were created.

        Raises:
            IntentRefused: IN-15.
        """
        height = view.context.height.to_bytes(8, "little")
        for key in terms.uses:
            if evidence.prior.get(key) is not None or evidence.posterior.get(key) != height:
                raise IntentRefused("IN-15", "a note of it is not spent here", where="nullifiers")
        created = set[str]()
        if evidence.receipt is not None:
            for event in evidence.receipt.events:
                if event.name == "action":
                    created.update(dict(event.data).get("commitments", "").split(","))
        wanted = {nullifier_bytes(cm).hex() for cm in terms.frame.commitments}
        if not wanted <= created:
            raise IntentRefused("IN-15", "an output of it was not created", where="commitments")


def _check_opening(terms: SwapTerms) -> None:
    """IN-7: the stated nets are those of the actions, and there are no others."""
    total = IDENTITY
    for action in terms.part.party.actions:
        total = babyjub.add(total, action.delta)
    stated = babyjub.multiply(terms.part.rcv_sum, RCV_BASE)
    for kind, amount in terms.nets:
        point = babyjub.multiply(amount, spec.kind_point(kind).point)
        stated = babyjub.add(stated, point)
    if total != stated:
        raise IntentRefused("IN-7", "the nets stated are not those of the actions", where="nets")


def _check_signatures(terms: SwapTerms) -> None:
    """SH-15: each action is signed under its rk over all actions of the party."""
    party = terms.part.party
    message = digests.party_digest(terms.part.chain_id, party)
    try:
        schnorr.verify_batch(
            [SignedMessage(action.rk, message, action.auth) for action in party.actions]
        )
    except (SignatureRefused, DecodeError) as error:
        raise InvalidTransaction(
            "SH-15", "not signed by this key over what the party agreed to", where="auth"
        ) from error
