"""Following the chain: resuming, other chains, liars."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from node.cli import wallet_sync, wallets
from node.cli.keystore import from_words
from node.cli.session import Places
from node.core.genesis import Parameters
from node.rpc.client import NodeClient
from node.testing.nodes import development_genesis, memory_node, serving


@pytest.fixture
def chain(node):
    """A node with twenty blocks."""
    for _ in range(20):
        node.make_block()
    return node


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(wallet_sync, "BATCH", 4)


@pytest.fixture
def fetched(monkeypatch):
    """First heights of all batches that were asked for."""
    asked: list[int] = []
    ask = NodeClient.actions

    def actions(self, first, last=None, **options):
        asked.append(first)
        return ask(self, first, last, **options)

    monkeypatch.setattr(NodeClient, "actions", actions)
    return asked


def places(cli) -> Places:
    return Places.of(str(cli.home))


def old_wallet(cli, name="alice"):
    """A wallet that scans from genesis."""
    wallets.create(places(cli), name, "dev", bytes(32), "correct horse battery")


def test_a_new_wallet_starts_at_the_tip(cli, chain, fetched) -> None:
    assert cli.wallet("alice")["birthday"] == 20
    synced = cli.json("sync")
    assert (synced.data["from"], synced.data["blocks"], fetched) == (20, 0, [])
    assert synced.document["freshness"] == {"height": 20, "synced": 20}
    assert cli.pay("shield", "1").code == 0
    assert cli.json("balance").data["assets"][0]["spendable"]["amount"] == "1"


@pytest.mark.parametrize("kill", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_sync_resumes_where_it_stopped(
    cli, chain, small_batches, fetched, monkeypatch, kill
) -> None:
    old_wallet(cli)
    scan = wallet_sync.Wallet.save
    saved: list[int] = []

    def save(self):
        scan(self)
        saved.append(self.state.height)
        if self.state.height >= 10:
            raise kill

    with monkeypatch.context() as patched:
        patched.setattr(wallet_sync.Wallet, "save", save)
        assert cli("sync").code == (130 if kill is KeyboardInterrupt else 70)
    assert (fetched, saved) == ([1, 5, 9], [4, 8, 12])
    assert cli.json("wallet", "show").data["scanned"] == 12
    fetched.clear()
    done = cli.json("sync").data
    assert (done["from"], done["height"], fetched) == (12, 20, [13, 17])


def test_progress_names_its_three_phases(cli, chain, small_batches) -> None:
    old_wallet(cli)
    seen: dict[str, list[float]] = {}
    with wallets.opened(places(cli), "alice") as wallet:
        wallet_sync.sync(
            wallet, chain, lambda phase, share: seen.setdefault(phase, []).append(share)
        )
    assert list(seen) == ["fetched", "scanned", "applied"]
    assert all(shares == sorted(shares) and shares[-1] == 1.0 for shares in seen.values())


def test_balance_without_a_node_says_how_far_it_knows(cli, chain) -> None:
    old_wallet(cli)
    never = cli.json("balance", "--node", "http://127.0.0.1:9")
    assert never.code == 0
    assert never.data["scanned"] == 0
    assert "not scanned after height 0" in never.document["warnings"][0]
    assert never.data["assets"][0]["transparent"] is None
    cli.json("sync")
    assert cli.json("balance", "--node", "http://127.0.0.1:9").data["scanned"] == 20


def test_sync_without_a_node_is_exit_6(offline) -> None:
    offline.wallet("alice")
    assert offline.json("sync").code == 6
    assert offline.pay("shield", "1").code == 6


def test_another_chain_is_refused_until_a_rescan(cli, chain) -> None:
    cli.wallet("alice")
    cli.pay("shield", "5")
    other = replace(development_genesis(), time_ms=1)
    with serving(memory_node(other)) as second:
        for _ in range(3):
            second.make_block()
        refused = cli.json("balance", "--node", second.url)
        assert (refused.code, refused.error["code"]) == (5, "WOP-003")
        rescanned = cli.json("sync", "--rescan", "--node", second.url)
        assert rescanned.data["height"] == 3
        balance = cli.json("balance", "--node", second.url)
        assert balance.data["assets"][0]["spendable"]["amount"] == "0"


def test_a_node_that_is_behind_is_named(cli, chain) -> None:
    old_wallet(cli)
    cli.json("sync")
    with serving(memory_node()) as young:
        refused = cli.json("sync", "--node", young.url)
    assert (refused.code, refused.error["code"]) == (6, "WOP-004")
    assert cli.json("wallet", "show").data["scanned"] == 20


def test_a_node_that_leaves_a_note_out_is_noticed(cli, chain, monkeypatch) -> None:
    """The anchors no longer fit; the wallet goes back to where they did."""
    old_wallet(cli)
    cli.pay("shield", "1")
    ask = NodeClient.actions

    def lying(self, first, last=None, **options):
        for block in ask(self, first, last, **options):
            yield replace(block, transactions=())

    before = cli.json("wallet", "show").data["scanned"]
    cli.pay("unshield", "0.5", "--no-wait")
    with monkeypatch.context() as patched:
        patched.setattr(NodeClient, "actions", lying)
        chain.wait_for_tx(
            bytes.fromhex(cli.json("tx", "list").data["operations"][0]["tx_id"][2:]), 30
        )
        refused = cli.json("sync")
    assert (refused.code, refused.error["code"]) == (6, "WAL-003")
    assert cli.json("wallet", "show").data["scanned"] == before
    assert cli.json("balance").data["assets"][0]["spendable"]["amount"] == "0.499"


def test_restored_words_find_everything_again(cli, chain) -> None:
    words = cli.wallet("alice", "--show-words")["words"]
    cli.pay("shield", "7")
    cli.pay("unshield", "2")
    path = cli.home.parent / "words"
    path.write_text(" ".join(words))
    assert from_words(path.read_text())
    cli.pay("wallet", "restore", "again", "--from-words-file", str(path))
    first, second = (
        cli.json("balance", "--wallet", name).data["assets"] for name in ("alice", "again")
    )
    assert first == second
    assert first[0]["spendable"]["amount"] == "4.999"


def test_a_lesser_key_says_what_its_sums_mean(cli, chain) -> None:
    cli.wallet("alice")
    key = cli.home.parent / "key"
    cli.json("wallet", "viewkey", "export", "incoming", "--out", str(key))
    cli.json("wallet", "viewkey", "import", "watcher", str(key))
    cli.pay("shield", "3", "--wallet", "alice")
    seen = cli.json("balance", "--wallet", "watcher")
    assert seen.data["assets"][0]["received"]["amount"] == "3"
    assert seen.data["assets"][0]["spendable"] is None
    assert "cannot tell spent notes" in seen.document["warnings"][0]


def test_watching_prints_one_document_a_step(cli, chain, monkeypatch) -> None:
    cli.wallet("alice")
    steps = iter([chain.make_block, chain.make_block])

    def events(self, after, timeout=0.0):
        step = next(steps, None)
        if step is None:
            raise KeyboardInterrupt
        step()
        return ask(self, after, timeout)

    ask = NodeClient.events
    monkeypatch.setattr(NodeClient, "events", events)
    watched = cli.json("sync", "--watch")
    assert watched.code == 130
    lines = [json.loads(line) for line in watched.out.splitlines()]
    assert [line["data"]["height"] for line in lines] == [20, 21, 22]
    assert {line["schema"] for line in lines} == {"chiaro.sync.event/1"}


def test_a_proposal_is_renewed_when_its_time_runs_out(cli, chain, monkeypatch) -> None:
    """A person thought for half the life of the draft: what is sent expires later."""
    cli.wallet("alice")
    cli.pay("shield", "5")
    lifetime = Parameters().max_expiry

    def confirm(_session, _question):
        for _ in range(lifetime // 2):
            chain.make_block()
        return True

    monkeypatch.setattr("node.cli.prompts.confirm", confirm)
    shown = cli.json("unshield", "1", "--dry-run").data["expiry"]
    sent = cli.pay("unshield", "1").data["operation"]
    assert sent["state"] == "included"
    assert sent["expiry"] == shown + lifetime // 2
