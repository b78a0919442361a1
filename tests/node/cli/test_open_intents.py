"""Open intents: published, read by solvers, settled; and what a person is told before."""

from __future__ import annotations

import pytest

from node.app.options import Options
from node.cli import intent_files
from node.cli.session import Places
from node.core.ids import NATIVE
from node.testing.nodes import memory_node, serving

FOREVER = 3_600_000
CUT = 100_000
"""Base units that the node takes of a fee: 0.1 native."""


@pytest.fixture
def relay(parts):
    """A node that takes a cut, and makes blocks for transactions only."""
    options = Options(port=0, delay_ms=1, lane_tick_ms=FOREVER, gossip_cut=CUT)
    with serving(memory_node(verifier=parts.Believes(), options=options)) as client:
        yield client


@pytest.fixture
def people(parts, tmp_path, capsys, relay, stub_prover, assembled):
    """Alice has gold, Bob has silver: in accounts, and some of it in the pool; Carol solves."""
    cli = parts.Cli(tmp_path / "home", capsys, relay.url)
    for name, asset in (("alice", "gold"), ("bob", "silver")):
        cli.wallet(name)
        relay.faucet(account(cli, name), 10**7, asset)
        relay.faucet(account(cli, name), 10**7)
    cli.wallet("carol")
    return cli


def account(cli, who: str) -> bytes:
    return bytes.fromhex(cli.json("wallet", "show", who).data["account"][2:])


def make(cli, kind: str, who: str, give: str, want: str, *more: str):
    words = ("--give", *give.split(), "--want", *want.split(), "--wallet", who, *more)
    made = cli.pay("intent", "new", kind, *words)
    assert made.code == 0, made.out
    return made.data["intent"]


def publish(cli, who: str, *more: str):
    return cli.pay("intent", "submit", "1", "--wallet", who, *more)


def status(cli, who: str, *more: str):
    return cli.json("intent", "status", "1", "--wallet", who, *more)


def solve(cli):
    solved = cli.pay("solver", "run", "--open", "--once", "--wallet", "carol", "--timeout", "5")
    assert solved.code == 0, solved.out
    (result,) = solved.data["settlements"]
    assert result["error"] is None, result
    return result


def test_two_limit_orders_are_published_and_settled_and_the_relay_is_paid(people, relay) -> None:
    cli = people
    make(cli, "limit", "alice", "2 gold", "4 silver")
    make(cli, "limit", "bob", "4 silver", "2 gold")
    words = ("--open", "--fee", "1", "--reserved", "0.5", "--fee-model", "settlement")
    for who in ("alice", "bob"):
        sent = publish(cli, who, *words)
        assert sent.code == 0, sent.out
        found = sent.data["intent"]
        assert (found["stage"], found["waits_for"]) == ("published", "solvers")
        assert (found["fee_model"], found["to"]) == ("settlement", None)
        assert found["fee"] == {"amount": "1", "unit": "native"}
    listed = cli.json("intent", "list", "--wallet", "alice").data["intents"]
    assert [item["stage"] for item in listed] == ["published"]
    result = solve(cli)
    assert (result["intents"], result["directed"], len(result["settled"])) == (2, 0, 2)
    assert result["offered"] == {"amount": "1.8", "unit": "native"}
    page = relay.gossip.messages(relay.genesis(), solver=bytes(31) + b"\x01")
    node = next(page).hops[0].node
    assert relay.account(node).balance(NATIVE) == 2 * CUT
    for who, gold, silver in (("alice", 8, 4), ("bob", 2, 6)):
        done = status(cli, who, "--wait")
        assert (done.code, done.data["intent"]["stage"]) == (0, "settled"), done.out
        assert done.data["intent"]["height"] == result["height"]
        kinds = {view.name: view.kind for view in relay.status().assets}
        held = relay.account(account(cli, who))
        assert held.balance(kinds["gold"]) == gold * 10**6
        assert held.balance(kinds["silver"]) == silver * 10**6
    shown = cli.json("chain", "tx", result["tx_id"])
    assert shown.code == 0, shown.out
    for word in ('"direct"', node.hex(), '"0.1"'):
        assert word in shown.out, "a transaction says who carried what, and for how much"


def test_open_swaps_reach_the_wallets_of_both(people, relay) -> None:
    cli = people
    for who, asset in (("alice", "gold"), ("bob", "silver")):
        assert cli.pay("shield", "10", "--asset", asset, "--wallet", who).code == 0
    make(cli, "swap", "alice", "2 gold", "5 silver", "--open")
    make(cli, "swap", "bob", "5 silver", "2 gold", "--open")
    for who in ("alice", "bob"):
        found = publish(cli, who, "--open", "--fee-model", "none").data["intent"]
        assert (found["fee_model"], found["epoch"]) == ("none", None)
    assert len(solve(cli)["settled"]) == 2
    for who, gold, silver in (("alice", "8", "5"), ("bob", "2", "5")):
        done = status(cli, who, "--wait")
        assert (done.code, done.data["intent"]["stage"]) == (0, "settled"), done.out
        held = cli.json("balance", "--wallet", who).data["assets"]
        sums = {item["asset"]: item["spendable"]["amount"] for item in held}
        assert (sums["gold"], sums["silver"]) == (gold, silver)


def test_a_directed_intent_is_read_by_its_solver_alone(people, relay) -> None:
    cli = people
    cli.wallet("mallory")
    contact = cli.pay("solver", "contact", "--wallet", "carol").data["contact"]
    make(cli, "limit", "alice", "2 gold", "4 silver", "--fee", "1")
    make(cli, "limit", "bob", "4 silver", "2 gold")
    sent = publish(cli, "alice", "--to", contact)
    assert sent.code == 0, sent.out
    found = sent.data["intent"]
    assert found["to"] == "0x" + account(cli, "carol").hex()
    assert (found["stage"], found["waits_for"]) == ("published", "its solver")
    kept = intent_files.find(Places.of(str(cli.home)), "alice", "1")
    assert kept.intent not in kept.published.message
    assert account(cli, "alice") not in kept.published.message
    assert publish(cli, "bob", "--open").code == 0
    words = ("solver", "run", "--open", "--once", "--timeout", "0")
    other = cli.pay(*words, "--wallet", "mallory")
    assert other.error["code"] == "NET-004", "nothing fits together without Alice's"
    result = solve(cli)
    assert (result["directed"], len(result["settled"])) == (1, 2)
    assert result["offered"] == {"amount": "1", "unit": "native"}, "nobody carried it in the clear"
    for who in ("alice", "bob"):
        assert status(cli, who).data["intent"]["stage"] == "settled"


def test_what_nobody_settles_expires_and_says_so(people, relay) -> None:
    cli = people
    period = relay.genesis().lane.domains[1]
    make(cli, "limit", "alice", "2 gold", "4 silver", "--domain", period.name, "--expires", "4")
    assert publish(cli, "alice", "--open").code == 0
    late = cli.pay("solver", "run", "--open", "--once", "--timeout", "0", "--wallet", "carol")
    assert (late.code, late.error["code"]) == (7, "NET-004")
    for _ in range(5):
        relay.make_block()
    done = status(cli, "alice", "--wait")
    assert (done.code, done.data["intent"]["stage"]) == (1, "expired")
    assert "nobody settled it" in done.data["intent"]["why"]


def test_a_published_swap_is_ended_by_spending_its_notes_and_an_order_is_not(people, relay) -> None:
    cli = people
    assert cli.pay("shield", "10", "--asset", "gold", "--wallet", "alice").code == 0
    assert cli.pay("shield", "1", "--wallet", "alice").code == 0
    make(cli, "swap", "alice", "2 gold", "5 silver", "--open")
    make(cli, "limit", "bob", "4 silver", "2 gold")
    for who in ("alice", "bob"):
        assert publish(cli, who, "--open").code == 0
    refused = cli.pay("intent", "cancel", "1", "--wallet", "bob")
    assert (refused.code, refused.error["code"]) == (5, "WOP-026")
    done = cli.pay("intent", "cancel", "1", "--wallet", "alice")
    assert (done.code, done.data["intent"]["stage"]) == (0, "cancelled"), done.out


def test_a_person_is_told_before_and_the_table_says_who_reads_it(people) -> None:
    cli = people
    make(cli, "limit", "alice", "2 gold", "4 silver")
    words = ("intent", "submit", "1", "--wallet", "alice", "--open", "--yes")
    told = cli(*words)
    assert told.code == 0, told.err
    for text in ("everyone, at once; not sealed", "not ordered before it is read", "trade ahead"):
        assert text in " ".join(told.err.split())
    sees = cli.json("intent", "explain", "1", "--wallet", "alice").data["sees"]
    assert [s["who"] for s in sees if s["when"] == "published"][1:] == ["everyone"]


def test_words_that_contradict_each_other_are_refused(people) -> None:
    cli = people
    make(cli, "limit", "alice", "2 gold", "4 silver")
    for words in (
        ("--open", "--fee-model", "ordering"),
        ("--open", "--fee-model", "settlement"),
        ("--open", "--fee-model", "none", "--fee", "1"),
        ("--open", "--fee", "1", "--reserved", "2"),
        ("--fee-model", "none"),
        ("--fee-model", "tips"),
        ("--fee", "1"),
        ("--to", "somebody"),
    ):
        refused = publish(cli, "alice", *words)
        assert (refused.code, refused.error["code"]) == (2, "USE-001"), words
    wrong = publish(cli, "alice", "--to", "0x" + "11" * 128)
    assert wrong.error["code"] == "GO-24"
    assert status(cli, "alice").data["intent"]["stage"] == "kept"


def test_what_is_meant_for_sealed_batches_is_not_published(people) -> None:
    cli = people
    assert cli.pay("shield", "10", "--asset", "gold", "--wallet", "alice").code == 0
    make(cli, "swap", "alice", "2 gold", "5 silver")
    scoped = publish(cli, "alice", "--open")
    assert (scoped.code, scoped.error["code"]) == (5, "WOP-027")
    cli.pay("intent", "cancel", "1", "--wallet", "alice")
    made = cli.pay(
        "intent", "new", "swap", "--give", "2", "gold", "--want", "5", "silver",
        "--open", "--wallet", "alice",
    )  # fmt: skip
    number = made.data["intent"]["intent"]
    proved = cli.pay("intent", "submit", number, "--open", "--fee", "1", "--wallet", "alice")
    assert (proved.code, proved.error["code"]) == (5, "WOP-027")


def test_an_interrupted_publication_sends_the_same_bytes(people, relay, monkeypatch) -> None:
    from node.core.errors import Unreachable
    from node.rpc.gossip_client import GossipClient

    cli = people
    make(cli, "limit", "alice", "2 gold", "4 silver")
    with monkeypatch.context() as patched:

        def gone(self, message):
            raise Unreachable("no answer")

        patched.setattr(GossipClient, "publish", gone)
        assert publish(cli, "alice", "--open").code == 6
    places = Places.of(str(cli.home))
    before = intent_files.find(places, "alice", "1").published
    assert before.taken is False
    waits = status(cli, "alice").data["intent"]
    assert (waits["stage"], waits["waits_for"]) == ("published", "you")
    assert publish(cli, "alice").code == 0
    after = intent_files.find(places, "alice", "1").published
    assert (after.message, after.taken) == (before.message, True)
    assert [m.id for m in relay.gossip.messages(relay.genesis())] == [before.id]
