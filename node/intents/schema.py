"""Schemas: plug-ins that read an intent's payload. Nothing else in the node does.

A schema decodes strictly, checks against a state, describes for people, and says whether an intent
was satisfied by looking at the state before and after, whoever claims to have satisfied it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from node.core.block import Receipt
from node.core.errors import InvalidTransaction, NodeError
from node.core.ids import AccountId, ChainId, Kind
from node.core.intent import Intent
from node.core.interfaces import ProofClaim, StateReader
from node.intents.errors import IntentRefused
from node.intents.view import View
from zk.errors import BackendError, ChiaroError, DecodeError


@dataclass(frozen=True, slots=True)
class Description:
    """An intent for people. Amounts in base units.

    Attributes:
        gives: per kind, at most.
        wants: per kind, at least, for all that is given.
        fee: of the native kind, beside what is given.
        lines: one sentence each: terms that two sums do not say.
    """

    gives: Mapping[Kind, int]
    wants: Mapping[Kind, int]
    fee: int
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fill:
    """How much of a limit order a settlement says that it executes.

    Attributes:
        intent_id: 32 bytes.
        sold, bought: base units, positive.
    """

    intent_id: bytes
    sold: int
    bought: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What satisfies an intent, or does not.

    Attributes:
        prior, posterior: states before and after the component that the intent is in.
        receipt: of the component's transaction, where it is one.
        fill: of the order, where it is one; a claim, compared with the two states.
    """

    prior: StateReader
    posterior: StateReader
    receipt: Receipt | None = None
    fill: Fill | None = None


class Terms(Protocol):
    """A decoded payload."""

    @property
    def uses(self) -> tuple[bytes, ...]:
        """Keys that one settled intent each may use: nullifiers, orders, sequence numbers (S-9)."""
        ...


T = TypeVar("T")


class Schema(Protocol[T]):
    """A plug-in for one kind of intent."""

    @property
    def name(self) -> str: ...

    def decode(self, intent: Intent, chain_id: ChainId) -> T:
        """Strict. Needs no state; checks what is wrong in any state.

        Raises:
            ChiaroError: names the rule.
        """
        ...

    def claims(self, terms: T, view: View) -> tuple[ProofClaim, ...]:
        """Proofs that it rests on: what checking it costs."""
        ...

    def covers(self, intent: Intent, terms: T, view: View) -> Mapping[tuple[AccountId, Kind], int]:
        """What it may take of transparent accounts that agreed to it, per account and kind."""
        ...

    def validate(self, intent: Intent, terms: T, view: View) -> None:
        """Whether it could settle on this state, given a counterpart.

        Raises:
            ChiaroError: names the rule.
        """
        ...

    def describe(self, intent: Intent, terms: T) -> Description: ...

    def check_satisfied(self, intent: Intent, terms: T, evidence: Evidence, view: View) -> None:
        """IN-15: the intent's own terms hold on (prior, posterior).

        Raises:
            IntentRefused: IN-15.
        """
        ...


@dataclass(frozen=True, slots=True)
class Decoded:
    """An intent with its terms."""

    intent: Intent
    schema: Schema[Any]
    terms: Any

    @property
    def uses(self) -> tuple[bytes, ...]:
        uses: tuple[bytes, ...] = self.terms.uses
        return uses

    def claims(self, view: View) -> tuple[ProofClaim, ...]:
        """Proofs that it rests on, not yet verified."""
        return guarded(lambda: self.schema.claims(self.terms, view))

    def covers(self, view: View) -> Mapping[tuple[AccountId, Kind], int]:
        """What it may take of accounts."""
        return guarded(lambda: self.schema.covers(self.intent, self.terms, view))

    def validate(self, view: View) -> None:
        """IN-6, then what the schema demands of the state.

        Raises:
            ChiaroError: names the rule.
        """
        if self.intent.expiry < view.context.height:
            raise IntentRefused(
                "IN-6",
                f"expired at {self.intent.expiry}, block {view.context.height}",
                where="expiry",
            )
        guarded(lambda: self.schema.validate(self.intent, self.terms, view))

    def describe(self) -> Description:
        return self.schema.describe(self.intent, self.terms)

    def check_satisfied(self, evidence: Evidence, view: View) -> None:
        guarded(lambda: self.schema.check_satisfied(self.intent, self.terms, evidence, view))


@dataclass(frozen=True, slots=True)
class Registry:
    """The schemas that this chain knows.

    Raises:
        ValueError: two of one name, a bug of whoever composes the node.
    """

    schemas: Iterable[Schema[Any]]
    _by_name: dict[str, Schema[Any]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found = tuple(self.schemas)
        by_name = {schema.name: schema for schema in found}
        if len(by_name) != len(found):
            raise ValueError("two schemas of one name")
        object.__setattr__(self, "schemas", found)
        object.__setattr__(self, "_by_name", by_name)

    def decode(self, intent: Intent, chain_id: ChainId) -> Decoded:
        """Read a payload.

        Raises:
            IntentRefused: IN-4, no such schema; IN-5, the payload is none of this schema's.
            ChiaroError: another rule that the payload breaks.
        """
        schema = self._by_name.get(intent.schema)
        if schema is None:
            known = ", ".join(sorted(self._by_name))
            raise IntentRefused(
                "IN-4", f"no schema {intent.schema!r}; there are {known}", where="schema"
            )
        return Decoded(intent, schema, guarded(lambda: schema.decode(intent, chain_id)))


R = TypeVar("R")
MACHINE_FAULTS: Final = (NodeError, BackendError)
"""IN-32: errors that say nothing of an intent or a settlement; never a reason to refuse one."""
_CRASHES: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


def guarded(call: Callable[[], R]) -> R:
    """IN-5: what does not decode, or makes a schema crash, is an intent refused.

    Raises:
        IntentRefused: IN-5.
        ChiaroError: as raised, where a rule refused.
    """
    try:
        return call()
    except InvalidTransaction:
        raise
    except DecodeError as error:
        where = error.where or "payload"
        raise IntentRefused("IN-5", f"{error.id}: {error.message}", where=where) from error
    except ChiaroError:
        raise
    except _CRASHES as error:
        raise IntentRefused(
            "IN-5", f"its schema failed: {type(error).__name__}", where="payload"
        ) from error
