"""`chiaro demo intents`: the report from made-up facts, and (slow) the whole story."""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from node.cli import demo as command
from node.cli import main as entry
from node.cli.demo_facts import Checked, Step
from node.cli.demo_intents_facts import (
    AuditFacts,
    FaultFacts,
    IntentsFacts,
    KilledFacts,
    Moment,
    PartyFacts,
    SettledFacts,
    document,
)
from node.cli.demo_intents_people import GIVEN, METAL, METALS, NAMES, ring
from node.cli.demo_intents_report import render
from node.cli.demo_intents_roles import ROLES, rows

NEXT = command.intents_commands(None, "chain.bundle")


def party(index: int) -> PartyFacts:
    gives, wants = METALS[index], METALS[(index + 1) % 3]
    return PartyFacts(
        name=NAMES[index],
        gives=gives,
        give=GIVEN,
        wants=wants,
        want=GIVEN,
        public=f"{index}a" * 32,
        one_time=f"{index}b" * 32,
        fee=3000,
        shielded=2,
        funded=10,
        ordered=11,
        size=2869,
        spent=(f"{index}c" * 32, f"{index}d" * 32),
        before=((gives, METAL),),
        after=((gives, METAL - GIVEN), (wants, GIVEN)),
    )


def facts(**changes) -> IntentsFacts:
    made = IntentsFacts(
        chain_id="c0ffee" + "0" * 58,
        started_ms=1_780_000_000_000,
        seconds=12.5,
        validators=4,
        needed=3,
        epoch=0,
        domain="ring",
        number=0,
        steps=(Step("chain", "A chain begins", "", 0.5), Step("order", "<b>", "", 1.0, 11)),
        parties=tuple(map(party, range(3))),
        moments=(
            Moment("ordered", "ordered", 11, 1367),
            Moment("closed", "closed and final", 12, 1425),
            Moment("opened", "opened", 14, 1552),
            Moment("solved", "solved", 15, 1852),
            Moment("settled", "settled", 21, 2468),
        ),
        fault=FaultFacts("validator 4", 1, 5, ("LN-10",)),
        settled=SettledFacts("5e" * 32, "7f" * 32, 3, 6382, "3", 0.6, ("aa" * 32,), ("bb" * 32,)),
        audit=AuditFacts(21, 90_000, True, 0.6),
        checks=(Checked("sealed", True, "", "no block holds <an intent> in the clear"),),
        versions=(("Chiaroscuro", "0.1"),),
    )
    return replace(made, **changes)


class Balance(HTMLParser):
    """Whether every element that is opened is closed, in order."""

    VOID = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs) -> None:
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_loads_nothing() -> None:
    page = render(facts(), NEXT)
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert "script" not in parser.seen
    assert not re.search(r"(src|href)=|https?://", page)
    assert "<an intent>" not in page


def test_the_page_has_heights_times_and_values() -> None:
    page = render(facts(), NEXT)
    for value in (
        "block 14 · 1.55 s",
        "block 21 · 2.47 s",
        "7f" * 32,
        "40 gold, 60 silver",
        "LN-10",
    ):
        assert value in page
    for words in (*NAMES, *(name for name, _ in ROLES), "chiaro solver run --help"):
        assert words in page


def test_a_failed_check_is_said_at_the_top() -> None:
    bad = facts(checks=(Checked("sealed", False, "", "it was in block 3"),))
    assert not bad.valid
    page = render(bad, NEXT)
    assert "Something does not hold" in page
    assert '<li class="bad">' in page


def test_the_page_tells_of_the_one_that_was_killed() -> None:
    killed = KilledFacts("validator 2", killed=12, without=9, stood=21, back=23)
    page = render(facts(killed=killed), NEXT)
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    for words in ("stood at block 21", "9 more blocks", "block 23", "time from genesis"):
        assert words in page
    assert "simulated" not in page
    made = document(facts(killed=killed))
    assert made["killed_validator"]["without"] == 9
    assert made["batch"]["moments"][0]["ms"] == 1367
    assert document(facts())["killed_validator"] is None


def test_only_the_owner_knows_whose_intent_it_was() -> None:
    table = dict(rows(facts()))
    assert all(len(cells) == len(ROLES) for cells in table.values())
    for what in ("Whose intent it was", "Which notes these were", "What is left to her"):
        assert table[what][0] is not None
        assert table[what][1:] == (None,) * 4
    assert table["What it says, up to block 12"][1:] == (None,) * 4
    assert [cell is None for cell in table["What it says, then up to block 14"]] == [
        False,
        True,
        False,
        True,
        True,
    ]
    assert set(table["What it says, from block 14"]) == {"60 gold for 60 silver"}


def test_the_document_is_json_and_has_text_for_amounts() -> None:
    made = json.loads(json.dumps(document(facts())))
    assert made["valid"] is True
    assert made["parties"][0]["gives"] == {"asset": "gold", "amount": str(GIVEN)}
    assert [moment["height"] for moment in made["batch"]["moments"]] == [11, 12, 14, 15, 21]


def test_a_ring_goes_round_and_shows_no_secret() -> None:
    people = ring()
    assert [p.wants for p in people] == [people[(i + 1) % 3].gives for i in range(3)]
    assert all(repr(p) == f"<Party {p.name}: hidden>" for p in people)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """`chiaro demo intents --json --out …`, and every secret that it drew."""
    scratch = tmp_path_factory.mktemp("intents")
    temporary = scratch / "tmp"
    temporary.mkdir()
    drawn: list[bytes] = []
    tokens = secrets.token_bytes

    def recording(count=None) -> bytes:
        drawn.append(tokens(count))
        return drawn[-1]

    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("CHIARO_HOME", str(scratch / "home"))
        patch.setattr(tempfile, "tempdir", str(temporary))
        patch.setattr(secrets, "token_bytes", recording)
        with pytest.raises(SystemExit) as stopped:
            entry.main(["demo", "intents", "--out", str(scratch / "out"), "--json"])
    assert not stopped.value.code, out.getvalue()
    return json.loads(out.getvalue())["data"], out.getvalue() + err.getvalue(), drawn, scratch


@pytest.mark.slow
def test_everyone_has_what_they_wanted_and_everything_holds(story) -> None:
    data, _, _, _ = story
    assert data["valid"] is True
    assert [check["id"] for check in data["checks"] if not check["ok"]] == []
    assert data["audit"]["clean"] is True
    for one in data["parties"]:
        assert one["before"] == {one["gives"]["asset"]: str(METAL)}
        kept = {one["gives"]["asset"]: str(METAL - GIVEN), one["wants"]["asset"]: str(GIVEN)}
        assert one["after"] == kept
    assert data["faulty_validator"]["wrong_shares"] > 0
    assert data["faulty_validator"]["proposals_refused"] > 0
    spent = {value for one in data["parties"] for value in one["nullifiers"]}
    assert spent == set(data["settlement"]["nullifiers"])
    heights = [moment["height"] for moment in data["batch"]["moments"]]
    assert heights == sorted(heights)


@pytest.mark.slow
def test_what_stays_is_asked_for_and_the_bundle_verifies(story) -> None:
    data, _, _, scratch = story
    assert {Path(name).name for name in data["files"]} == {"report.html", "chain.bundle"}
    assert {path.name for path in (scratch / "out").iterdir()} == {"report.html", "chain.bundle"}
    assert list((scratch / "tmp").iterdir()) == []
    assert data["kept"] is None
    out = io.StringIO()
    bundle = str(scratch / "out" / "chain.bundle")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        patch.setenv("CHIARO_HOME", str(scratch / "home"))
        with pytest.raises(SystemExit) as stopped:
            entry.main(["--json", "audit", "verify", bundle])
    assert not stopped.value.code, out.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing(number, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    home = {"TMPDIR": str(temporary), "CHIARO_HOME": str(tmp_path / "home")}
    child = subprocess.Popen(
        [sys.executable, "-m", "node.cli", "demo", "intents"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **home},
    )
    try:
        for line in child.stderr:
            if "Three parties shield" in line:
                break
        assert len(list(temporary.iterdir())) == 1
        child.send_signal(number)
        said = child.communicate(timeout=60)[1]
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 130, said
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_no_secret_is_printed_or_in_the_report(story) -> None:
    """Seeds of wallets and accounts, of plans, of sealed intents; `entropy` of validators aside."""
    _, printed, drawn, scratch = story
    assert len(drawn) >= 3 * 3 + 3 * 3
    everything = printed + (scratch / "out" / "report.html").read_text()
    for secret in drawn:
        assert secret.hex() not in everything
