"""The report of a demonstration, from made-up facts: complete, self-contained, well-formed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from node.cli import svg
from node.cli.demo_facts import (
    Checked,
    Clause,
    Crossing,
    DemoFacts,
    Disclosed,
    Phase,
    Statement,
    Step,
    Supply,
    SupplyPoint,
    Transfer,
    document,
    duration,
    units,
)
from node.cli.demo_report import render
from node.cli.demo_roles import ROLES, rows

UNIT = 10**6
NEXT = (
    ("a user", "chiaro up && chiaro init"),
    ("an auditor", "chiaro verify proof.json"),
    ("a researcher", "chiaro circuit profile action"),
)
MEMO = "thanks for the <figs> & wine"


def facts() -> DemoFacts:
    checks = tuple(
        Checked(name, True, "", detail)
        for name, detail in (
            ("format", "snarkjs JSON, bn128 (BN254), groth16"),
            ("count", "13 public inputs, as many as the key has"),
            ("canonical", "8 coordinates < q, 13 public inputs < r"),
            ("curve", "A and C on the curve, B on the twist"),
            ("subgroup", "B has order r"),
            ("identity", "no point at infinity"),
            ("key", f"key {'5d0e' * 16} passes S-11"),
            ("registry", "the key of action/1"),
            ("pairing", "the equation holds"),
        )
    )
    address = "chidev1" + "q9x7c2v5" * 14
    return DemoFacts(
        chain_id="c0ffee" + "0" * 58,
        started_ms=1_780_000_000_000,
        seconds=14.2,
        key_built=False,
        backend="portable",
        steps=(
            Step("node", "Start a node", "", 1.6),
            Step("wallets", "Make two wallets", "", 0.9),
            Step("faucet", "Fund Alice in the open", "", 0.3, 1),
            Step("shield", "Shield 10", "", 1.9, 2),
            Step("send", "Send 4.25 privately", "", 1.8, 3),
            Step("find", "Bob finds the payment", "", 0.05),
            Step("unshield", "Bob unshields 2", "", 1.7, 4),
            Step("verify", "Verify the proof", "", 2.0),
            Step("supply", "Audit the supply", "", 0.02),
            Step("disclose", "Open one output", "", 0.02),
        ),
        transfer=Transfer(
            tx_id="7f3a" * 16,
            block_hash="b10c" * 16,
            height=3,
            time_ms=1_780_000_005_000,
            size=2358,
            actions=1,
            fee=4000,
            expiry=66,
            anchor=17 * 10**75,
            nullifiers=(12 * 10**75, 11 * 10**75),
            commitments=(13 * 10**75, 14 * 10**75),
            asset="native",
            amount=4_250_000,
            memo=MEMO,
            change=5_746_000,
            sender=address,
            recipient=address[::-1],
            spent_position=0,
            spent_amount=10 * UNIT,
            received_position=2,
            set_size=2,
        ),
        crossings=(
            Crossing("Alice shields", "aa" * 32, 10 * UNIT, 2, "11" * 32),
            Crossing("Bob unshields", "bb" * 32, 2 * UNIT, 4, "22" * 32),
        ),
        statement=Statement(
            id="action/1",
            rows=13_792,
            domain=16_384,
            publics=13,
            digest="32" * 32,
            verifying_key="5d0e" * 16,
            unsafe="UNSAFE: made from a published seed",
            proof_bytes=128,
            clauses=tuple(
                Clause(f"A{i + 1}", title, rows)
                for i, (title, rows) in enumerate(
                    (
                        ("what is consumed exists", 7785),
                        ("nullifiers and ownership", 1975),
                        ("commitments", 710),
                        ("quantities are u64", 256),
                        ("kinds", 588),
                        ("nonces of created resources", 518),
                        ("the spending key", 604),
                        ("balance", 1356),
                    )
                )
            ),
        ),
        phases=tuple(
            Phase(name, seconds)
            for name, seconds in (
                ("witness", 0.11),
                ("ntt", 0.06),
                ("msm_a", 0.08),
                ("msm_b1", 0.07),
                ("msm_b2", 0.21),
                ("msm_c", 0.1),
                ("msm_h", 0.14),
                ("verify", 0.012),
            )
        ),
        checks=checks,
        reference_checks=checks,
        verify_seconds=0.0123,
        checks_seconds=0.055,
        reference_seconds=0.712,
        tampered_refused_by="PRF-001",
        supply=Supply(
            issued=10**15,
            transparent=10**15 - 8 * UNIT + 12_000,
            fees=12_000,
            shielded=8 * UNIT - 12_000,
            private=0,
            balanced=True,
            history=(
                SupplyPoint(0, 0, 0),
                SupplyPoint(1, 20 * UNIT, 0),
                SupplyPoint(2, 10 * UNIT, 10 * UNIT),
                SupplyPoint(3, 10_004_000, 9_996_000),
                SupplyPoint(4, 12_008_000, 7_992_000),
            ),
        ),
        disclosure=Disclosed(
            0, 0, "native", 4_250_000, address[::-1], MEMO, 13 * 10**75, 0.004, "SH-57"
        ),
        versions=(("chiaroscuro", "0.1.0"), ("Python", "3.11.2"), ("Numba", "0.62")),
    )


VOID = {"meta", "rect", "line", "br", "hr", "img", "input", "link", "stop", "circle", "path"}


class Balanced(HTMLParser):
    """Refuses a page whose elements do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.ids: list[str] = []
        self.data: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in {"meta"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.data.append(data)


def parsed(page: str) -> Balanced:
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def test_the_page_is_well_formed_and_says_what_was_found() -> None:
    page = render(facts(), NEXT)
    parser = parsed(page)
    words = " ".join(parser.data)
    for expected in ("4.25 native", "13,792", "SH-57", "It adds up", "Not for value", "chiaro up"):
        assert expected in words, expected
    assert f"“{MEMO}”" in words


def test_the_page_refers_to_nothing_outside_itself() -> None:
    page = render(facts(), NEXT)
    parser = parsed(page)
    names = {name for name, _ in parser.attributes}
    assert not names & {"src", "href", "srcset", "action", "data", "poster", "xlink:href"}
    assert not any(name.startswith("on") for name in names)
    assert "<script" not in page
    assert not re.search(r"https?://|@import|@font-face|url\((?!#)", page)


def test_drawings_refer_to_definitions_that_exist() -> None:
    page = render(facts(), NEXT)
    ids = parsed(page).ids
    assert sorted(ids) == sorted(set(ids))
    assert set(re.findall(r"url\(#(\w+)\)", page)) <= set(ids)


def test_what_people_wrote_is_escaped() -> None:
    page = render(facts(), NEXT)
    assert "<figs>" not in page
    hostile = replace(facts().transfer, memo="</td><script>alert(1)</script>")
    assert "<script" not in render(replace(facts(), transfer=hostile), NEXT)


def test_roles_see_no_more_than_the_readme_promises() -> None:
    table = {
        what: dict(zip((name for name, _ in ROLES), cells, strict=True))
        for what, cells in rows(facts())
    }
    secret = ("Amount and asset", "Sender", "Recipient", "Memo", "Which note was spent", "Change")
    for what in secret:
        assert table[what]["Everyone"] is None
        assert table[what]["Validator"] is None
        assert table[what]["Alice’s full viewing key"]
    assert table["Sender"]["Bob"] is None
    assert table["Which note was spent"]["Auditor"] is None
    for what in ("Fee", "When", "Shape and size"):
        assert all(table[what].values())


def test_a_check_that_fails_is_seen_at_the_top_and_in_its_place() -> None:
    good = facts()
    bad = (*good.checks[:-1], Checked("pairing", False, "PRF-001", "the equation does not hold"))
    page = render(replace(good, checks=bad), NEXT)
    assert "Something does not hold" in page
    assert "[PRF-001] the equation does not hold" in page
    assert document(replace(good, checks=bad))["valid"] is False
    wrong = replace(good.supply, balanced=False)
    assert "It does not add up" in render(replace(good, supply=wrong), NEXT)


def test_the_document_is_json_with_text_for_numbers_beyond_53_bits() -> None:
    made = json.loads(json.dumps(document(facts())))
    assert made["valid"] is True
    assert made["transfer"]["amount"] == "4250000"
    assert made["transfer"]["nullifiers"] == [str(12 * 10**75), str(11 * 10**75)]
    assert made["supply"]["history"][2] == {
        "height": 2,
        "public": "10000000",
        "shielded": "10000000",
    }
    assert [check["id"] for check in made["proof"]["checks"]][-1] == "pairing"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0012, "1.2 ms"), (0.0423, "42 ms"), (0.96, "960 ms"), (1.26, "1.3 s"), (14.2, "14 s")],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_units_are_grouped_and_exact() -> None:
    assert units(10**15 - 1, "native") == "999,999,999.999999 native"
    assert units(4_250_000) == "4.25"


def test_the_longest_bar_fills_its_track_and_labels_are_escaped() -> None:
    drawn = svg.bars([svg.Bar("a<b", 2.0, "2"), svg.Bar("c", 1.0, "1")], "two & two", labels=100)
    assert "a&lt;b" in drawn
    assert "a<b" not in drawn
    assert 'aria-label="two &amp; two"' in drawn
    widths = [
        float(w) for w in re.findall(r'width="([\d.]+)" height="16.0" rx="2" class="bar-l', drawn)
    ]
    assert widths[:2] == [542.0, 271.0]


def test_steps_hold_until_the_next_block() -> None:
    band = svg.Band("x", [0.0, 8.0], "area-x")
    drawn = svg.stacked_steps([0, 3], [band], "steps", lambda value: f"{value:g}")
    points = re.search(r'<polygon points="([^"]+)"', drawn)
    assert points is not None
    first = [tuple(map(float, pair.split(","))) for pair in points[1].split()][:4]
    assert first[0][1] == first[1][1] > first[2][1] == first[3][1]
    assert first[1][0] == first[2][0]
