"""Facts of a page: a name, a value, where it leads; and what is hidden."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

from node.core.ids import NATIVE
from node.explorer import text
from node.rpc import views
from node.rpc.schema import KindView


@dataclass(frozen=True, slots=True)
class Fact:
    """One line in the light.

    Attributes:
        name: what it is.
        value: how it is written; escaped already.
        href: page of it below the explorer's root, or empty.
        mono: whether it is digits that nobody reads as a word.
        note: what it means, for people.
    """

    name: str
    value: Markup
    href: str = ""
    mono: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hidden:
    """One thing in the dark."""

    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A transaction, or anything else, as light and shadow.

    Attributes:
        title: what it is.
        tone: class of its colour: an environment's label, or `malformed`.
        light, shadow: what everybody sees, and what nobody does.
        note: a sentence about the shadow: until when.
    """

    title: str
    tone: str
    light: tuple[Fact, ...]
    shadow: tuple[Hidden, ...]
    note: str = ""


@dataclass(slots=True)
class Facts:
    """Gathers facts, in order."""

    _items: list[Fact] = field(default_factory=list)

    def done(self) -> tuple[Fact, ...]:
        return tuple(self._items)

    def add(
        self, name: str, value: str, *, href: str = "", mono: bool = False, note: str = ""
    ) -> Facts:
        """A value of our own making."""
        self._items.append(Fact(name, Markup.escape(value), href, mono, note))
        return self

    def text(self, name: str, value: str, note: str = "") -> Facts:
        """What somebody else wrote (RPC-58)."""
        self._items.append(Fact(name, text.said(value), note=note))
        return self

    def number(self, name: str, value: int, note: str = "") -> Facts:
        return self.add(name, text.number(value), note=note)

    def block(self, name: str, height: int, note: str = "") -> Facts:
        """A height, with the way to its block."""
        return self.add(name, text.number(height), href=f"/blocks/{height}", note=note)

    def code(self, name: str, value: str, note: str = "") -> Facts:
        """Digits; `value` in hexadecimal."""
        return self.add(name, text.short(value, 12), mono=True, note=note)

    def account(self, name: str, value: bytes) -> Facts:
        digits = value.hex()
        return self.add(name, text.short(digits, 10), href=f"/account/{digits}", mono=True)

    def amount(self, name: str, value: int, kind: KindView, note: str = "") -> Facts:
        """Base units of a kind."""
        written = Markup("{} {}").format(text.amount(value), text.kind(kind))
        self._items.append(Fact(name, written, note=note))
        return self

    def native(self, name: str, value: int, note: str = "") -> Facts:
        return self.amount(name, value, views.kind(NATIVE, {}), note)

    def batch(self, domain: int, number: int) -> Facts:
        """A batch of sealed intents."""
        where = f"{number} of domain {domain}"
        return self.add("batch", where, href=f"/batches/{domain}/{number}")
