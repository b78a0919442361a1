"""`chiaro light`, `balance --light`: over a node whose blocks a validator signed, and that lies."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from node.app import development
from node.app.options import Options
from node.cli import connection, light_session, wallet_light
from node.cli.session import open_session
from node.core.errors import NotFound
from node.core.genesis import DEV_FAUCET_SEED
from node.core.genesis_file import save_genesis
from node.core.ids import NATIVE
from node.core.stake import GenesisBond, StakeParameters
from node.intents.limit import LimitOrder, sign_order
from node.lane.blobs import blob as blobs
from node.lane.payload import SealTx, wire
from node.light.fork import Fork
from node.rpc import schema
from node.rpc.light import LightViews
from node.rpc.text import bytes_of, hex_of
from node.stake import rosters
from node.testing.light import ChainQuery, NodeQuery, SignedChain, sign
from node.testing.nodes import VALIDATOR, memory_node, serving
from private_exec.envelope import Terms, seal_intent, size_class_of
from transparent.accounts import balance_key
from transparent.signature import SigningKey

PERSON = SigningKey(b"\x09" * 32)
FAUCET = SigningKey(DEV_FAUCET_SEED)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def node(parts):
    genesis = development.genesis(now_ms() - 30_000, validators=(VALIDATOR.public,))
    options = Options(port=0, delay_ms=1, lane_tick_ms=3_600_000)
    return memory_node(genesis, verifier=parts.Believes(), options=options, clock=now_ms)


@pytest.fixture
def query(node) -> NodeQuery:
    return NodeQuery(node)


@pytest.fixture
def served(node, query):
    node.service.light = LightViews(node.chain, query)
    with serving(node) as client:
        client.faucet(PERSON.account, 5)
        yield client


@pytest.fixture
def cli(parts, tmp_path, capsys, served, stub_prover, assembled):
    return parts.Cli(tmp_path / "home", capsys, served.url)


@pytest.fixture
def genesis_file(node, tmp_path) -> Path:
    path = tmp_path / "genesis.toml"
    save_genesis(node.genesis, path)
    return path


@pytest.fixture
def light(cli, genesis_file):
    assert cli.json("light", "init", "--genesis", str(genesis_file)).data["height"] == 0
    return cli


def test_an_address_with_a_password_is_not_kept(cli, genesis_file) -> None:
    address = "http://me:secret@127.0.0.1:1"
    for words in (("--primary", address), ("--witness", address)):
        refused = cli.json("light", "init", "--genesis", str(genesis_file), *words)
        assert refused.code == 6
        assert "a name or a password" in refused.error["message"]
        assert "secret" not in refused.out
    assert cli.json("light", "status").code == 2
    assert cli.json("light", "init", "--genesis", str(genesis_file)).code == 0
    before = cli.json("light", "status").data
    for option in ("--primary", "--witness"):
        refused = cli.json("light", "sync", option, address)
        assert (refused.code, refused.error["where"]) == (6, option)
        assert "secret" not in refused.out
    assert cli.json("light", "status").data == before


def test_it_begins_with_a_genesis_and_goes_on(cli, node, genesis_file) -> None:
    begun = cli.json("light", "init", "--genesis", str(genesis_file), "--witness", cli.url).data
    assert (begun["anchor"], begun["height"], begun["hash"]) == ("genesis", 0, None)
    synced = cli.json("light", "sync").data
    assert synced["ledger_height"] == node.chain.height == synced["height"] - 1
    assert synced["state_root"] == hex_of(node.chain.root_after(node.chain.height))
    assert synced["verified"] == [synced["height"]]
    assert [item["agrees"] for item in synced["opinions"]] == [True]
    assert cli.json("light", "sync").data["verified"] == []
    status = cli.json("light", "status").data
    assert (status["height"], status["validators"]) == (synced["height"], 1)
    for words in (("status",), ("sync",)):
        assert "block" in cli("light", *words).out
    node.produce_block()
    assert cli.json("light", "sync", "--sequential").data["height"] == synced["height"] + 1


def test_without_a_light_client_each_command_says_so(cli) -> None:
    for words in ("sync", "status", "verify account " + "00" * 32):
        result = cli.json("light", *words.split())
        assert (result.code, result.error["code"]) == (2, "USE-001")
    cli.wallet("alice")
    assert cli.json("balance", "--light").error["code"] == "USE-001"


def test_it_is_not_begun_twice_by_accident(light, genesis_file) -> None:
    assert light.json("light", "init", "--genesis", str(genesis_file)).code == 2
    assert light.json("light", "init", "--genesis", str(genesis_file), "--reset").code == 0


def test_lc12_whose_genesis_it_is(cli, node) -> None:
    wanted = node.genesis.chain_id.hex()
    refused = cli.json("light", "init", "--chain-id", "00" * 32)
    assert (refused.code, refused.error["code"]) == (5, "LC-12")
    begun = cli.json("light", "init", "--chain-id", wanted).document
    assert begun["warnings"] == []
    unsure = cli.json("light", "init", "--reset").document
    assert wanted in unsure["warnings"][0]


def test_lc12_a_block_that_somebody_vouched_for(cli, query, genesis_file) -> None:
    query.ask("commit")
    block = query.chain.blocks[-1]
    words = ("light", "init", "--genesis", str(genesis_file), "--trust")
    good = cli.json(*words, f"{block.height}:{block.hash.hex()}")
    assert good.data["height"] == block.height
    bad = cli.json(*words, f"{block.height}:{'00' * 32}", "--reset")
    assert bad.error["code"] == "LC-12"
    for text in ("7", "x:" + "00" * 32, "7:00"):
        assert cli.json(*words, text, "--reset").code == 2


def test_lc20_an_embedded_engine_is_said_to_sign_nothing(light, node) -> None:
    node.service.light = LightViews(node.chain, None)
    result = light.json("light", "sync")
    assert (result.code, "LC-20" in result.error["message"]) == (1, True)


def test_lc14_a_fork_is_kept_as_evidence(light, query, served, node, parts, genesis_file) -> None:
    """A second node of the same key, that shows another block of the same height."""
    genesis = node.genesis
    twin = memory_node(genesis, verifier=parts.Believes(), options=node.options, clock=now_ms)
    other = NodeQuery(twin)
    twin.service.light = LightViews(twin.chain, other)
    with serving(twin) as client:
        client.faucet(FAUCET.account, 7)
        query.ask("commit")
        other.ask("commit")
        assert query.chain.height == other.chain.height
        result = light.json("light", "sync", "--witness", client.url)
    assert (result.code, result.error["code"]) == (5, "LC-14")
    path = Path(result.error["where"].partition("evidence: ")[2])
    fork = Fork.from_bytes(path.read_bytes())
    assert [vote.key for vote in fork.double_votes()] == [VALIDATOR.public]
    refused = light.json("light", "report", str(path))
    assert (refused.code, refused.error["code"]) == (5, "EX-2"), "this chain has no stake"
    path.write_bytes(Fork(0, fork.ours, fork.ours).to_bytes())
    nobody = light.json("light", "report", str(path))
    assert (nobody.code, nobody.data["tx_ids"]) == (1, [])
    assert light.json("light", "status").data["height"] == 0


def test_a_transaction_is_proved_with_its_fate(light, served, node) -> None:
    receipt = served.faucet(PERSON.account, 6)
    data = light.json("light", "verify", "tx", receipt.tx_id).data
    assert data["in_block"] is True
    assert data["took_effect"] is True
    assert data["height"] == receipt.height
    assert data["proved_at"] >= receipt.height
    unknown = light.json("light", "verify", "tx", "00" * 32)
    assert (unknown.code, unknown.error["code"]) == (1, "NOD-003")
    assert light.json("light", "verify", "tx", "zz").code == 2


def test_lc17_a_transaction_that_is_not_where_the_node_says(
    light, served, node, monkeypatch
) -> None:
    receipt = served.faucet(PERSON.account, 6)
    true = node.service.transaction

    def lie(tx_id: bytes) -> schema.TransactionView:
        view = true(tx_id)
        return replace_receipt(view, height=1)

    monkeypatch.setattr(node.service, "transaction", lie)
    assert light.json("light", "verify", "tx", receipt.tx_id).error["code"] == "LC-17"


def test_that_another_one_carried_it_is_the_nodes_word(light, served, node, monkeypatch) -> None:
    """The carrier is proved; a node could name any that there is."""
    receipt = served.faucet(PERSON.account, 6)
    true = node.service.transaction

    def lie(tx_id: bytes) -> schema.TransactionView:
        view = true(bytes_of(receipt.tx_id))
        return msgspec.structs.replace(view, tx_id=hex_of(tx_id), carrier=receipt.tx_id)

    monkeypatch.setattr(node.service, "transaction", lie)
    data = light.json("light", "verify", "tx", "77" * 32).data
    assert (data["carrier"], data["height"]) == (receipt.tx_id, receipt.height)
    assert (data["in_block"], data["took_effect"]) == (None, None)
    monkeypatch.setattr(
        node.service,
        "transaction",
        lambda tx_id: msgspec.structs.replace(lie(tx_id), carrier="0x" + "78" * 32),
    )
    assert light.json("light", "verify", "tx", "77" * 32).error["code"] == "LC-17"


def replace_receipt(view, **changes):
    receipt = msgspec.structs.replace(view.receipt, **changes)
    return msgspec.structs.replace(view, receipt=receipt)


def test_an_account_is_proved(light, served) -> None:
    data = light.json("light", "verify", "account", PERSON.account.hex()).data
    assert data["sequence"] == 0
    assert data["balances"] == [{"amount": "0.000005", "unit": "native"}]
    told = light("light", "verify", "account", PERSON.account.hex()).out
    assert "balances       0.000005 native" in told
    assert light.json("light", "verify", "account", "11" * 32).data["balances"] == []


def sealed(client, number: int, data: bytes):
    """An intent of PERSON, sealed under the first domain's key, and its id."""
    key = client.lane.key(client.genesis(), 0, 0)
    expiry = client.status().height + 30
    terms = Terms(PERSON.account, number, 10_000, 0, expiry, size_class_of(len(data)))
    found = seal_intent(key, terms, data, PERSON, bytes([number]) * 32)
    return found, found.id(key)


@pytest.fixture
def ready(served):
    """The node, with the key of its first domain."""
    served.faucet(PERSON.account, 10**9)
    served.lane.want_key(0)
    while served.lane.key_state(0).state != "made":
        served.make_block()
    return served


def put(client, tx: bytes) -> None:
    sent = client.submit(tx)
    assert client.wait_for_tx(bytes_of(sent.tx_id), timeout=20).status == "included"


def test_a_batch_is_proved_to_be_whole(light, ready, node, monkeypatch) -> None:
    app = b"app".ljust(29, b".")
    kinds = {view.name: view.kind for view in ready.status().assets}
    order = LimitOrder(PERSON.account, kinds["gold"], 100, kinds["silver"], 1, 1, partial=True)
    expiry = ready.status().height + 60
    chain_id = node.genesis.chain_id
    intent = sign_order(PERSON, chain_id, app, order, expiry=expiry, fee=0, nonce=bytes(32))
    envelope, intent_id = sealed(ready, 1, intent.to_bytes())
    put(ready, wire(SealTx(0, envelope)))
    number = ready.lane.seal(intent_id).number
    words = ("light", "verify", "batch", "main", str(number), "--app")
    early = light.json(*words, app.hex())
    assert (early.code, early.error["code"]) == (1, "NOD-003")
    while ready.lane.batch(0, number).stage in {"open", "closed"}:
        ready.make_block()
    data = light.json(*words, app.hex()).data
    assert (data["domain"], data["batch"], data["complete"]) == (0, number, True)
    assert data["intents"] == [hex_of(intent.id)]
    assert light.json(*words, b"other".ljust(29, b".").hex()).data["intents"] == []
    assert light.json(*words, "00").code == 2
    true = node.service.lane.completeness

    def lie(*asked):
        return msgspec.structs.replace(true(*asked), data=[])

    monkeypatch.setattr(node.service.lane, "completeness", lie)
    error = light.json(*words, app.hex()).error
    assert error["code"] == "DA-18"


def test_a_blob_is_proved_and_sampled(light, ready, node, monkeypatch) -> None:
    entries = [sealed(ready, number, b"x")[0] for number in range(1, 7)]
    kept = ready.da.put(0, blobs.encode(entries))
    words = ("light", "verify", "blob", kept.root, "--samples", "5")
    assert light.json(*words).error["code"] == "NOD-003"
    put(ready, bytes_of(kept.tx))
    data = light.json(*words).data
    assert (data["root"], data["domain"], data["rows"]) == (kept.root, 0, 256)
    assert (len(data["asked"]), data["missing"]) == (5, [])
    assert 0 < Fraction(data["risk"]) < 1
    assert light.json(*words, "--missing", "5").error["code"] == "DA-20"

    def nothing(*_):
        raise NotFound("no row")

    monkeypatch.setattr(node.service.da, "row", nothing)
    assert light.json(*words).error["code"] == "DA-20"


def test_lc18_old_state_is_refused(light, served, node, monkeypatch) -> None:
    """The proof of a key under the state before it was written."""
    served.faucet(PERSON.account, 6)
    true = node.service.state
    key = balance_key(PERSON.account, NATIVE)

    def lie(asked: bytes, height: int | None) -> schema.StateView:
        return true(asked, 0) if asked == key else true(asked, height)

    monkeypatch.setattr(node.service, "state", lie)
    error = light.json("light", "verify", "account", PERSON.account.hex()).error
    assert error["code"] == "LC-18"


def test_lc19_a_wallet_believes_the_state_and_not_the_node(
    light, served, node, monkeypatch
) -> None:
    wallet = light.wallet("alice")
    account = bytes.fromhex(wallet["account"].removeprefix("0x"))
    served.faucet(account, 12_000_000)
    paid = light.pay("shield", "4").data["operation"]["tx_id"]
    proved = light.json("light", "verify", "tx", paid).data
    assert (proved["in_block"], proved["took_effect"]) == (True, True)
    true = node.service.account

    def lie(asked: bytes) -> schema.AccountView:
        view = true(asked)
        kind = view.balances[0].kind
        rich = [schema.BalanceView(kind=kind, amount="999000000")]
        return schema.AccountView(
            account=view.account, height=view.height, sequence=view.sequence, balances=rich
        )

    monkeypatch.setattr(node.service, "account", lie)
    (plain,) = light.json("balance").data["assets"]
    assert plain["transparent"]["amount"] == "999"
    believed = light.json("balance", "--light").data
    assert believed["proved"] is True
    (native,) = (item for item in believed["assets"] if item["asset"] == "native")
    assert float(native["transparent"]["amount"]) < 12
    assert native["spendable"]["amount"] == "4"


def test_lc19_notes_that_were_left_out_are_missed(light, served, node, monkeypatch) -> None:
    wallet = light.wallet("alice")
    served.faucet(bytes.fromhex(wallet["account"].removeprefix("0x")), 12_000_000)
    assert light.pay("shield", "4").code == 0
    true = node.service.actions.page

    def lie(first: int, limit: int) -> schema.ActionPage:
        page = true(first, limit)
        return schema.ActionPage(first=page.first, next=page.next, tip=page.tip, blocks=[])

    monkeypatch.setattr(node.service.actions, "page", lie)
    assert light.json("sync", "--rescan").code == 0
    error = light.json("balance", "--light").error
    assert error["code"] == "LC-19"


def test_lc19_an_old_block_is_no_news(light, node, monkeypatch) -> None:
    light.wallet("alice")
    monkeypatch.setattr(light_session, "MOST_AGE_S", -1)
    error = light.json("balance", "--light").error
    assert error["code"] == "LC-19"


def test_lc19_a_wallet_above_the_signed_blocks_waits_in_vain(
    light, query, node, monkeypatch
) -> None:
    light.wallet("alice")
    query.ask("commit")
    frozen = SignedChain(query.chain.chain_id, query.chain.time_ms, query.chain.powers, [])
    frozen.blocks.extend(query.chain.blocks)
    node.service.light = LightViews(node.chain, ChainQuery(frozen))
    node.produce_block()
    monkeypatch.setattr(wallet_light, "TRIES", 1)
    monkeypatch.setattr(wallet_light, "_WAIT_S", 0.0)
    assert light.json("balance", "--light").error["code"] == "LC-19"


def test_ln49_a_home_with_a_light_client_proves_rosters(cli, node, light, tmp_path) -> None:
    session = open_session({"home": str(tmp_path / "home"), "node": cli.url}, {})
    with connection.connected(session) as client:
        assert client.trust.proven(0) == rosters.genesis_roster(node.genesis)
    other = open_session({"home": str(tmp_path / "other"), "node": cli.url}, {})
    with connection.connected(other) as client:
        assert client.trust is None


def test_ln49_of_an_epoch_that_is_not_fixed_nothing_is_said(
    parts, tmp_path, capsys, assembled
) -> None:
    bond = GenesisBond(VALIDATOR.public, PERSON.account, 5_000_000)
    plain = development.genesis(now_ms() - 30_000, validators=(VALIDATOR.public,))
    stake = StakeParameters((bond,), epoch_heights=plain.lane.epoch_heights)
    genesis = replace(plain, stake=stake)
    node = memory_node(genesis, verifier=parts.Believes(), clock=now_ms)
    node.service.light = LightViews(node.chain, NodeQuery(node))
    save_genesis(genesis, tmp_path / "staked.toml")
    with serving(node) as client:
        cli = parts.Cli(tmp_path / "home", capsys, client.url)
        assert cli.json("light", "init", "--genesis", str(tmp_path / "staked.toml")).code == 0
        session = open_session({"home": str(tmp_path / "home"), "node": client.url}, {})
        client.make_block()
        found = light_session.roster(session, 1)
        assert [member.weight for member in found.members] == [5]
        assert light_session.roster(session, 7) is None
        (warning, *_) = cli.json("light", "sync").document["warnings"]
        assert f"after {3 * stake.epoch_heights} blocks" in warning  # LC-7


def test_lc7_a_period_that_stake_outlasts_is_none_to_warn_of() -> None:
    bond = GenesisBond(VALIDATOR.public, PERSON.account, 5_000_000)
    plain = development.genesis(0, validators=(VALIDATOR.public,))
    plain = replace(plain, parameters=replace(plain.parameters, block_time_ms=1000))
    assert light_session.unlocked(plain, None) == ""
    stake = StakeParameters((bond,), epoch_heights=3600, unbonding_epochs=33)
    staked = replace(plain, lane=None, stake=stake)
    assert light_session.unlocked(staked, None) == ""
    assert light_session.unlocked(staked, 32) == ""
    assert "stake" in light_session.unlocked(staked, 33)


def test_lc13_the_file_is_what_is_trusted(light, tmp_path) -> None:
    light.json("light", "sync")
    path = tmp_path / "home" / "light" / "light.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "anchor": 1}))
    assert light.json("light", "status").error["code"] == "LC-13"


def test_lc10_a_node_that_signs_for_others(light, query, node) -> None:
    """A newest block of which the signature is another key's."""
    query.ask("commit")
    block = query.chain.blocks[-1]
    forged = sign(block.header, block.validators, [])
    query.chain.blocks[-1] = replace(forged, validators=block.validators)
    result = light.json("light", "sync")
    assert (result.code, result.error["code"]) == (5, "LC-10")
