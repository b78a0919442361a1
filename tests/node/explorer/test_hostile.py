"""What others wrote on a page: it is text, and steers nothing."""

from __future__ import annotations

import html
import re
import unicodedata

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from node.core.errors import NotFound
from node.explorer import describe
from node.explorer.explorer import HEADERS
from node.explorer.facts import Facts
from node.explorer.render import Static, Templates
from node.explorer.text import MOST_SHOWN, kind, said, when
from node.rpc.errors import problem
from node.rpc.schema import EventView, KindView, ReceiptView, TransactionView

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% include 'base.html' %}",
    "javascript:alert(1)",
    "\u202egnp.exe\u202c",
    "\u2066\u2067\u2068",
    "a\x00b\x1b[31mc\r\nd\u2028e\ufeff",
    "\ud800 lone",
    "e" + "\u0301" * 400,
    "x" * 100_000,
    "שלום עולם",
    "]]><!--",
]
SITE = {
    "chain": "<b>chain</b>", "profile": "dev", "chain_id": "00" * 32, "engine": "none",
    "has_lane": True, "version": "0",
}  # fmt: skip
ID = "0x" + "ab" * 32


def page_of(text: str) -> str:
    """A transaction's page on which every field that another wrote says `text`."""
    receipt = ReceiptView(
        tx_id=ID, wire_id=ID, height=1, index=0, environment="chain", code=text[:40],
        message=text, fee="1", events=[EventView(name=text, data={text: text, "part": text})],
    )  # fmt: skip
    tx = TransactionView(tx_id=ID, status="rejected", tip=1, environment="chain", receipt=receipt)
    picture = describe.picture(b"\x01\x04\x00\x00\x00\x00", receipt, {})
    context = {
        "tx": tx, "picture": picture, "bytes": 1, "proofs": 0, "events": receipt.events,
        "more_events": 0, "carried": [], "parts": [{"name": text, "code": text[:40]}],
        "title": text, "here": "",
    }  # fmt: skip
    return Templates(Static(), SITE).render("tx", context).decode()


@pytest.mark.parametrize("text", HOSTILE)
def test_rpc58_foreign_text_neither_marks_up_nor_runs(text) -> None:
    harmless, page = page_of("harmless"), page_of(text)
    tags = re.compile(r"<(/?[a-z0-9]+)")
    assert tags.findall(page).count("script") == tags.findall(harmless).count("script") == 1
    assert set(tags.findall(page)) <= {*tags.findall(harmless), "span", "/span"}
    assert not re.search(r"<[^>]*\son\w+=", page)
    assert not re.search(r'(?:href|src|action)="(?!/explorer|#main)', page)
    assert html.unescape(page).count("49") == html.unescape(harmless).count("49")  # no 7 * 7


def test_rpc58_the_pages_policy_lets_nothing_foreign_load_or_run(http) -> None:
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not {"http:", "https:", "*", "data:"} & set(policy.replace(";", " ").split())
    page = http.get("/explorer").text
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*src=)|<iframe|<link[^>]*http", page)


@given(st.text())
@example("\u0300\u0300\u034f")  # a mark that combines with nothing
def test_rpc58_said_is_isolated_printable_and_bounded(text: str) -> None:
    shown = said(text)
    assert shown.startswith('<bdi class="said">')
    inner = html.unescape(re.sub(r"<[^>]*>", "", str(shown)))
    assert all(char.isprintable() for char in inner)
    assert not {"RLO", "LRO", "RLE", "LRE", "PDF", "LRI", "RLI", "FSI", "PDI"} & {
        unicodedata.bidirectional(char) for char in inner
    }
    assert len(inner) <= 6 * MOST_SHOWN + 40
    assert not re.search(r"[\u0300-\u036f]{3}", inner)


def test_rpc58_texts_that_differ_look_different() -> None:
    assert said("rent\u200b") != said("rent")
    assert "\\u202e" in said("\u202e")
    assert "99720 more" in said("x" * 100_000).replace(",", "")


def test_names_of_kinds_and_times_are_foreign_too() -> None:
    shown = kind(KindView(logic="0", label="1", name="<b>gold</b>"))
    assert "<b>" not in shown
    assert when(2**64 - 1) == f"{2**64 - 1} ms after 1970"
    assert "1970" in when(0)


def test_facts_escape_what_they_are_given() -> None:
    (text, code) = Facts().text("a", "<i>").code("b", "<i>").done()
    assert "<i>" not in text.value
    assert "<i>" not in code.value


def test_what_does_not_decode_is_a_picture_of_that() -> None:
    found = describe.picture(b"\xff" * 9, None, {})
    assert found.tone == "malformed"
    assert "ENC-" in str(found.light[0].value)


def test_an_error_page_says_what_failed_as_text() -> None:
    refused = problem(NotFound("<script>x</script>", fix="<b>"))
    context = {"problem": refused, "status": 404, "title": "x", "here": ""}
    page = Templates(Static(), SITE).render("error", context).decode()
    assert "<script>x" not in page
    assert "<b>" not in page


def test_documents_with_unknown_environments_have_a_page() -> None:
    """A later version's receipts are shown by what they say."""
    found = TransactionView(tx_id=ID, status="included", tip=1, environment="later")
    assert describe.nothing(found).tone == "later"
    assert msgspec.json.encode(found)
