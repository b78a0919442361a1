"""`chiaro demo private`: the page from made-up facts, the checks, and (slow) the whole story."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from node.cli import demo as command
from node.cli import demo_private_roles as roles
from node.cli import main as entry
from node.cli.demo_facts import Checked, Step
from node.cli.demo_intents_facts import AuditFacts
from node.cli.demo_private_checks import checks
from node.cli.demo_private_document import document
from node.cli.demo_private_facts import (
    AuctionFacts,
    BackFacts,
    ClaimFacts,
    DonorFacts,
    KindFacts,
    LeakFacts,
    LiarFacts,
    LinkFacts,
    MemberFacts,
    OrderFacts,
    OutageFacts,
    PoolFacts,
    PrivateFacts,
    ProjectFacts,
    RoundFacts,
    SessionFacts,
    TakenFacts,
)
from node.cli.demo_private_report import render
from node.cli.demo_private_traces import Trace, liar, links
from node.cli.demo_run import DemoFailed
from node.testing.localnets import until

NEXT = command.private_commands(None, "auction.json")
GIFTS = (
    ("Ada", "the garden", 4_000_000),
    ("Ben", "the garden", 250_000),
    ("Cleo", "the garden", 1_000_000),
    ("Eve", "<the bell>", 2_250_000),
)


def donor(index: int) -> DonorFacts:
    name, project, amount = GIFTS[index]
    shares = tuple(f"{index}{member}ab" * 16 for member in range(1, 5))
    status = "claimed" if name == "Eve" else "accepted"
    return DonorFacts(
        name, project, amount, 39 + index, 3826, f"{index}c" * 32, shares, amount, status
    )


def session(*read: int) -> SessionFacts:
    return SessionFacts(
        liar=4,
        named=(4,),
        rules=("PV-13", "PV-69"),
        rounds=40,
        kinds=(KindFacts("open", 30, 125_700), KindFacts("point", 3, 800)),
        even=True,
        proof_bytes=896,
        seconds=1.5,
        verify_seconds=0.01,
        altered_refused_by="PV-63",
        share="5e" * 32,
        read=read,
    )


def facts(**changes) -> PrivateFacts:
    made = PrivateFacts(
        chain_id="c0ffee" + "0" * 58,
        started_ms=1_780_000_000_000,
        seconds=42.5,
        steps=(Step("chain", "A chain begins", "", 0.5), Step("open", "<b>", "", 1.0, 67)),
        members=tuple(
            MemberFacts(n, f"{n}a" * 32, 21, 5874, 19, 5534, 3, () if n == 4 else (4,))
            for n in range(1, 5)
        ),
        links=tuple(LinkFacts(a, b, 12, 3576) for a in (1, 2, 3) for b in range(a + 1, 5)),
        liar=LiarFacts(4, "PV-13", (1, 2, 3), 3),
        outage=OutageFacts(2, killed=38, stood=54, waiting=4, back=56),
        donors=tuple(map(donor, range(4))),
        round=RoundFacts(
            id="1d" * 32,
            pool=12_000_000,
            least=3,
            created=38,
            closed=50,
            accepted=66,
            opened=67,
            settled=68,
            rest=5_000_000,
            projects=(
                ProjectFacts("the garden", 3, 3_500, 5_250_000, 7_000_000),
                ProjectFacts("<the bell>", 1, None, None, None),
            ),
        ),
        claim=ClaimFacts("Eve", 2_250_000, 3000, 69),
        auction=AuctionFacts(
            id="5a" * 32,
            item="<a bell>",
            seller="Eve",
            bids=(("Ada", 900_000), ("Ben", 700_000)),
            reserve=200_000,
            winner="Ada",
            price=700_000,
            paid=700_000,
            offered=70,
            bid=74,
            proved=96,
            opened=97,
            settled=98,
            back=(BackFacts("Ada", 200_000, 3000, 99), BackFacts("Ben", 700_000, 3000, 100)),
            session=session(900_000, 700_000, 200_000),
        ),
        pool=PoolFacts(
            id="6a" * 32,
            base="<gold>",
            lot=10_000,
            orders=(
                OrderFacts("Ada", True, 2, 50, 30, 850_000),
                OrderFacts("Ben", False, 1, 30, 30, 300_000),
                OrderFacts("Dan", True, 0, 20, 0, 340_000),
            ),
            ticks=4,
            tick=2,
            price=12_000,
            collected=107,
            ordered=111,
            proved=133,
            opened=134,
            settled=135,
            taken=(
                TakenFacts("Ada", "left", "native", 490_000, 136),
                TakenFacts("Ada", "traded", "gold", 300_000, 137),
                TakenFacts("Ben", "traded", "native", 360_000, 138),
                TakenFacts("Dan", "left", "native", 340_000, 139),
            ),
            session=session(2, 1, 0, 50, 30, 20),
        ),
        leaks=(LeakFacts("auction", (("price", "everybody"),), ("The price <is> public.",)),),
        audit=AuditFacts(69, 90_000, True, 1.6),
        checks=(Checked("sums", True, "", "what <was> opened"),),
        versions=(("Chiaroscuro", "0.1"),),
    )  # fmt: skip
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


def test_the_page_is_well_formed_the_same_every_time_and_loads_nothing() -> None:
    page = render(facts(), NEXT)
    assert page == render(facts(), NEXT)
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert "script" not in parser.seen
    assert not re.search(r"(src|href)=|https?://", page)
    for foreign in ("<the bell>", "<a bell>", "<gold>", "<is>", "<was>", "<b></"):
        assert foreign not in page
    assert "&lt;the bell&gt;" in page


def test_the_page_has_what_the_run_recorded() -> None:
    page = render(facts(), NEXT)
    for value in (
        "said 21 messages, 5.9 kB",
        "12 messages, 3.6 kB",
        "lies; named by 1, 2, 3",
        "killed at 38, back by 56",
        "waited at block 54",
        "125.7 kB",
        "PV-63",
        "The price &lt;is&gt; public.",
        "chiaro private rehearse auction --liars 1",
    ):
        assert value in page, value


def test_a_failed_check_is_said_at_the_top() -> None:
    bad = facts(checks=(Checked("sums", False, "", "others"),))
    assert not bad.valid
    page = render(bad, NEXT)
    assert "Something does not hold" in page
    assert '<li class="bad">' in page


def test_amounts_are_veiled_for_all_but_their_giver_and_members_who_agree() -> None:
    table = dict(roles.of_donation(facts()))
    assert {len(cells) for cells in table.values()} == {len(roles.DONATION_ROLES)}
    assert table["The amount"] == (None, "4", None, None, "4", None)
    assert table["What the others gave"][:4] == (None,) * 4
    assert table["Who on the list gave"] == (None, "she herself", None, None, None, None)
    assert set(table["All of it together"]) == {"5.25, from block 67"}
    assert table["A share of the amount"][2] == "0x01ab01ab…"
    assert table["Who lied"] == (
        None, None, "member 4, by PV-13", "itself", "member 4, by PV-13", None,
    )  # fmt: skip


def test_bids_and_orders_are_veiled_alike() -> None:
    table = dict(roles.of_auction(facts()))
    assert {len(cells) for cells in table.values()} == {len(roles.AUCTION_ROLES)}
    assert table["Ben’s bid"] == (None, None, "0.7", None, None, None, "0.7", None)
    assert table["The reserve"] == (None, None, None, "0.2", None, None, "0.2", None)
    assert table["What Ada took back"] == (None, "0.2", *(None,) * 4, "follows", None)
    assert set(table["The price"]) == {"0.7"}
    setter = "Ben’s bid"
    assert table["What set the price"] == (None, None, setter, *(None,) * 3, setter, None)
    reserved = replace(facts().auction, price=200_000)
    assert dict(roles.of_auction(facts(auction=reserved)))["What set the price"][2] is None
    table = dict(roles.of_pool(facts()))
    assert {len(cells) for cells in table.values()} == {len(roles.POOL_ROLES)}
    order = "buys 20, tick 0"
    assert table["Dan’s order"] == (None, None, order, None, None, order, None)
    assert table["Dan’s fill"] == (None, None, "0 lots", None, None, "0 lots", None)
    assert table["How much was traded"] == (None, None, None, None, None, "30 lots", None)
    assert set(table["The price of a lot"]) == {"0.012"}


def test_the_document_is_json_and_has_text_for_amounts() -> None:
    made = json.loads(json.dumps(document(facts())))
    assert made["valid"] is True
    assert made["donors"][0]["amount"] == "4000000"
    assert made["round"]["projects"][1]["total"] is None
    assert made["committee"]["liar"]["named_by"] == [1, 2, 3]
    assert made["auction"]["back"][0]["amount"] == "200000"
    assert (made["darkpool"]["tick"], made["darkpool"]["price"]) == (2, "12000")


SAID = '{"what": "said", "to": 2, "session": "0xab", "round": 0, "kind": "open", "bytes": 170}'
HEARD = '{"what": "heard", "from": 2, "session": "0xab", "round": 0, "kind": "open", "bytes": 150}'
FAULT = '{"what": "fault", "member": 4, "rule": "PV-13", "round": 0, "about": "sums"}'


def test_traces_are_lines_among_lines_for_people() -> None:
    lines = ["member 1 at 127.0.0.1:1", SAID, "sent: AcceptTx at 5", HEARD, FAULT, SAID, HEARD[:20]]
    one = Trace.of("\n".join(lines))
    assert (len(one.said), len(one.heard), len(one.faults), one.sent) == (2, 1, 1, 1)
    traces = {1: one, 2: Trace.of(SAID.replace('"to": 2', '"to": 1') + "\n"), 4: Trace.of(FAULT)}
    assert links(traces) == (LinkFacts(1, 2, 3, 510),)
    assert liar(traces) == LiarFacts(4, "PV-13", (1,), 1)
    with pytest.raises(DemoFailed, match="nobody noticed"):
        liar({4: Trace.of(FAULT + "\n")})


def failed(made: PrivateFacts, *, blocks=(b"",), balanced=True) -> set[str]:
    found = checks(made, blocks, SimpleNamespace(balanced=balanced))
    return {check.id for check in found if not check.ok}


def test_the_checks_hold_of_a_run_that_went_well() -> None:
    assert failed(facts()) == set()


def test_each_check_can_fail() -> None:
    made = facts()
    assert failed(made, blocks=[b"x" + (250_000).to_bytes(8, "little")]) == {"no amount on chain"}
    assert failed(made, balanced=False) == {"supply"}
    garden, bell = made.round.projects
    for project in (replace(garden, total=1), replace(garden, roots=1)):
        assert failed(replace(made, round=replace(made.round, projects=(project, bell)))) == {
            "sums"
        }
    opened = replace(bell, roots=1500, total=2_250_000)
    assert "sums" in failed(replace(made, round=replace(made.round, projects=(garden, opened))))
    assert failed(replace(made, round=replace(made.round, rest=1))) == {"settlement"}
    eve = replace(made.donors[-1], status="accepted")
    assert failed(replace(made, donors=(*made.donors[:-1], eve))) == {"claim"}
    assert failed(replace(made, audit=replace(made.audit, clean=False))) == {"audit"}
    accused = replace(made.members[0], named=(3, 4))
    assert failed(replace(made, members=(accused, *made.members[1:]))) == {"liar named"}
    assert failed(replace(made, liar=replace(made.liar, named_by=(1, 3)))) == {"liar named"}
    assert failed(replace(made, outage=replace(made.outage, waiting=3))) == {"two are too few"}
    shown = replace(made.donors[0], shares=(f"{4_000_000:064x}",) * 4)
    assert failed(replace(made, donors=(shown, *made.donors[1:]))) == {"t members"}
    unread = replace(made.donors[0], read=5)
    assert failed(replace(made, donors=(unread, *made.donors[1:]))) == {"t + 1 members"}
    for change in ({"winner": "Ben"}, {"paid": 900_000}):
        assert failed(replace(made, auction=replace(made.auction, **change))) == {"auction"}
    less = (made.auction.back[0], replace(made.auction.back[1], amount=1))
    assert failed(replace(made, auction=replace(made.auction, back=less))) == {"bids back"}
    for hidden in (900_000, 200_000, 850_000):
        told = [hidden.to_bytes(8, "little")]
        assert failed(made, blocks=told) == {"no amount on chain"}
    assert failed(made, blocks=[made.auction.price.to_bytes(8, "little")]) == set()
    cut = (*made.pool.orders[:-1], replace(made.pool.orders[-1], fill=1))
    assert failed(replace(made, pool=replace(made.pool, orders=cut))) == {"dark pool", "fills"}
    assert failed(replace(made, pool=replace(made.pool, tick=1))) == {"dark pool"}
    assert failed(replace(made, pool=replace(made.pool, taken=made.pool.taken[1:]))) == {"fills"}
    for change, name in (
        ({"named": ()}, "liar"),
        ({"read": (2, 1, 0)}, "t + 1"),
        ({"even": False}, "sizes"),
        ({"altered_refused_by": ""}, "proof"),
    ):
        bad = replace(made.pool.session, **change)
        found = failed(replace(made, pool=replace(made.pool, session=bad)))
        assert found == {f"dark pool: {name}"}


# --- the story ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """`chiaro demo private --json --out … --keep`, and everything that was secret in it."""
    scratch = tmp_path_factory.mktemp("private")
    temporary = scratch / "tmp"
    temporary.mkdir()
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("CHIARO_HOME", str(scratch / "home"))
        patch.setattr(tempfile, "tempdir", str(temporary))
        with pytest.raises(SystemExit) as stopped:
            entry.main(["demo", "private", "--out", str(scratch / "out"), "--keep", "--json"])
    assert not stopped.value.code, out.getvalue()
    data = json.loads(out.getvalue())["data"]
    yield data, out.getvalue() + err.getvalue(), scratch
    shutil.rmtree(data["kept"])


@pytest.mark.slow
def test_all_came_out_as_in_the_clear_though_one_lied_and_one_was_killed(story) -> None:
    data, _, _ = story
    assert data["valid"] is True
    assert [check["id"] for check in data["checks"] if not check["ok"]] == []
    assert data["committee"]["liar"]["named_by"] == [1, 2, 3]
    assert data["committee"]["killed"]["waiting"] == len(data["donors"]) == 5
    garden, bell = data["round"]["projects"]
    assert (garden["roots"], garden["total"], bell["total"]) == ("3800", "5340000", None)
    auction = data["auction"]
    assert (auction["winner"], auction["price"], auction["paid"]) == ("Ada", "700000", "700000")
    assert auction["session"]["named"] == data["darkpool"]["session"]["named"] == [4]
    assert auction["bid"] < auction["proved"] < auction["opened"] < auction["settled"]
    assert [order["fill"] for order in data["darkpool"]["orders"]] == [50, 30, 20, 0]


@pytest.mark.slow
def test_what_stays_is_asked_for_and_verifies(story) -> None:
    _, _, scratch = story
    names = {"report.html", "chain.bundle", "auction.json"}
    assert {path.name for path in (scratch / "out").iterdir()} == names
    assert not running(scratch)
    for words in (("audit", "verify", "chain.bundle"), ("private", "verify", "auction.json")):
        out = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
            patch.setenv("CHIARO_HOME", str(scratch / "home"))
            with pytest.raises(SystemExit) as stopped:
                entry.main(["--json", *words[:-1], str(scratch / "out" / words[-1])])
        assert not stopped.value.code, out.getvalue()
        assert json.loads(out.getvalue())["data"]["valid"] is True


@pytest.mark.slow
def test_no_key_or_password_is_printed_or_in_the_report(story) -> None:
    data, printed, scratch = story
    kept = Path(data["kept"])
    secrets = [path.read_text().split()[-1] for path in kept.glob("member-*/member.key")]
    secrets += [path.read_text().strip() for path in kept.glob("*.password")]
    entropy = [path.read_bytes()[-64:-32].hex() for path in kept.glob("member-*/*/secrets/*")]
    assert (len(secrets), len(entropy)) == (9, 4)
    everything = printed + (scratch / "out" / "report.html").read_text()
    everything += "".join(path.read_text() for path in kept.glob("member-*.log"))
    assert not [secret for secret in (*secrets, *entropy) if secret in everything]


@pytest.mark.slow
def test_interrupted_it_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    home = {"TMPDIR": str(temporary), "CHIARO_HOME": str(tmp_path / "home")}
    child = subprocess.Popen(
        [sys.executable, "-m", "node.cli", "demo", "private"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **home},
    )
    try:
        for line in child.stderr:
            if "A committee is declared" in line:
                break
        until(lambda: len(running(temporary)) == 5 or None, "five processes")
        child.send_signal(signal.SIGTERM)
        said = child.communicate(timeout=60)[1]
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 130, said
    assert list(temporary.iterdir()) == []
    assert not running(temporary)


def running(folder: Path) -> list[bytes]:
    """Command lines of nodes and members of this story."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes()
            if b"--home\0" + os.fsencode(folder) in line:
                found.append(line)
    return found
