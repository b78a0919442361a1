"""How values look in pages. What others wrote is shown as text that steers nothing (RPC-58)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup, escape

from node.core.amounts import format_amount
from node.rpc.schema import KindView

MOST_SHOWN: Final = 280
"""Characters of a foreign text in a page; the RPC has all of it."""
_MOST_MARKS: Final = 2
"""Combining marks behind one character: more of them paint over the lines above and below."""
_PREFIX: Final = "0x"
_CODE: Final = re.compile(r"[A-Z]{2,3}-[0-9]{1,4}")


def said(text: str) -> Markup:
    """RPC-58: foreign text, isolated, without controls, of bounded length.

    Characters that are not printable (controls, directions, line ends, lone surrogates) appear as
    their numbers, so that two texts that differ look different.
    """
    cut = text[:MOST_SHOWN]
    parts: list[str] = []
    marks = 0
    for char in cut:
        marks = marks + 1 if unicodedata.category(char).startswith("M") else 0
        if marks > _MOST_MARKS or not (char.isprintable() or char == " "):
            parts.append(f"\\u{ord(char):04x}" if marks <= _MOST_MARKS else "")
        else:
            parts.append(char)
    more = len(text) - len(cut)
    tail = Markup(' <span class="cut">… {} more characters</span>').format(more) if more else ""
    return Markup('<bdi class="said">{}</bdi>{}').format("".join(parts), tail)


def is_code(text: str) -> bool:
    """Whether it can be the id of a rule or error, which has a page."""
    return _CODE.fullmatch(text) is not None


def short(text: str, ends: int = 8) -> str:
    """Both ends of a long id, without its prefix."""
    digits = text.removeprefix(_PREFIX)
    if len(digits) <= 2 * ends + 1:
        return digits
    return f"{digits[:ends]}…{digits[-ends // 2 :]}"


def bare(text: str) -> str:
    """Hexadecimal digits without their prefix, as addresses of pages have them."""
    return text.removeprefix(_PREFIX)


def amount(base: str | int) -> str:
    """Base units for people: digits in groups of three."""
    whole, point, fraction = format_amount(int(base)).partition(".")
    return f"{int(whole):,}{point}{fraction}" if whole not in {"-0"} else f"-0{point}{fraction}"


def number(value: int) -> str:
    """An integer in groups of three digits."""
    return f"{value:,}"


def size(count: int) -> str:
    """Bytes for people."""
    for unit, width in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= width:
            return f"{count / width:.1f} {unit}"
    return f"{count} bytes" if count != 1 else "1 byte"


def kind(view: KindView) -> Markup:
    """The name of a kind; of one that the node has no name for, its label."""
    if view.name is not None:
        return said(view.name)
    shown = short(view.label, 6)
    if view.logic != "0":
        shown = f"{short(view.logic, 4)}:{shown}"
    return Markup('<span class="mono" title="{}">{}</span>').format(f"kind {view.label}", shown)


def when(milliseconds: int) -> Markup:
    """A time: UTC to the second, and how long ago; a script may keep the latter current.

    Whoever makes a block writes its time: one beyond the calendar is shown as its number.
    """
    try:
        found = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return escape(f"{milliseconds} ms after 1970")
    return Markup('<time datetime="{}" title="{} UTC" data-ms="{}">{}</time>').format(
        found.strftime("%Y-%m-%dT%H:%M:%SZ"),
        found.strftime("%-d %B %Y, %H:%M:%S"),
        milliseconds,
        found.strftime("%-d %b %Y, %H:%M:%S"),
    )


def span(milliseconds: float) -> str:
    """A duration."""
    if milliseconds < 1:
        return f"{milliseconds * 1000:.0f} µs"
    if milliseconds < 1000:
        return f"{milliseconds:.3g} ms"
    seconds = milliseconds / 1000
    for unit, width in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= width:
            return f"{seconds / width:.3g} {unit}"
    return f"{seconds:.3g} s"


def score(units: str) -> str:
    """Of a settlement, from units of 2⁻⁶⁴."""
    return f"{int(units) / 2**64:,.6g}"


def plural(count: int, word: str, more: str = "") -> str:
    """A count with its noun."""
    return f"{count:,} {word if count == 1 else more or word + 's'}"


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "said": said,
    "is_code": is_code,
    "short": short,
    "bare": bare,
    "amount": amount,
    "number": number,
    "size": size,
    "kind": kind,
    "when": when,
    "span": span,
    "plural": plural,
    "score": score,
}
