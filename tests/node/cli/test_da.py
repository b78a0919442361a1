"""`chiaro da`: a blob from sealed intents to a sample, at the command line."""

from __future__ import annotations

from fractions import Fraction

import pytest

from node.app.options import Options
from node.core.ids import tagged_hash
from node.da import blob
from node.da.blob import Evidence
from node.da.certificate import Certificate
from node.da.codec import DEFAULT_CODING
from node.da.sampling import risk, samples_for
from node.lane import domains, payload
from node.lane.blobs import blob as blobs
from node.lane.blobs import dispersal
from node.lane.payload import SealTx
from node.testing.nodes import VALIDATOR, memory_node, serving
from private_exec.envelope import Terms, seal_intent
from transparent.signature import SigningKey

PAYER = SigningKey(tagged_hash("da", b"payer"))


@pytest.fixture
def node(parts):
    """It counts heights only when told."""
    options = Options(port=0, delay_ms=1, lane_tick_ms=3_600_000)
    return memory_node(verifier=parts.Believes(), options=options)


@pytest.fixture
def still(node):
    with serving(node) as client:
        client.faucet(PAYER.account, 10**9)
        client.lane.want_key(0)
        while client.lane.key_state(0).state != "made":
            client.make_block()
        yield client


@pytest.fixture
def cli(parts, tmp_path, capsys, still, assembled):
    return parts.Cli(tmp_path / "home", capsys, still.url)


@pytest.fixture
def sealed(still, tmp_path):
    """Files of six sealed intents, half of them as transactions."""
    genesis, lane = still.genesis(), still.lane.state()
    key = still.lane.key(genesis, 0, lane.epoch)
    fee, last = domains.least_fee(genesis, 0, 1024, 1), genesis.lane.last_height(lane.epoch)
    files = []
    for number in range(6):
        terms = Terms(PAYER.account, number, fee, 1, last, 0)
        item = seal_intent(key, terms, b"x", PAYER, tagged_hash("da/cli", bytes([number])))
        data = item.to_bytes() if number % 2 else payload.wire(SealTx(0, item))
        files.append(tmp_path / f"{number}.seal")
        files[-1].write_bytes(data)
    return files


def test_from_sealed_intents_to_a_sample(cli, still, sealed, tmp_path) -> None:
    path = tmp_path / "six.blob"
    packed = cli.json("da", "pack", *map(str, sealed), "-o", str(path))
    assert packed.data["entries"] == len(blobs.decode(path.read_bytes())) == 6
    put = cli.json("da", "put", str(path), "--order")
    assert (put.code, put.data["ordered"], put.data["refused"]) == (0, 6, [])
    root = put.data["root"]
    got = cli.json("da", "get", root, "-o", str(tmp_path / "again"))
    assert got.data["decoded"] == 6
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    sample = cli.json("da", "sample", root)
    assert sample.data["risk"] == str(risk(DEFAULT_CODING, 20))
    assert 2 ** -sample.data["risk_bits"] >= Fraction(sample.data["risk"])
    assert Fraction(sample.data["risk"]) > Fraction(1, 2 ** (sample.data["risk_bits"] + 1))
    few = cli.json("da", "sample", root, "--risk", "1e-6", "--missing", "1")
    assert len(few.data["asked"]) == samples_for(DEFAULT_CODING, Fraction("1e-6"), 1)
    told = cli("da", "sample", root, "--samples", "3")
    assert told.code == 0 and str(risk(DEFAULT_CODING, 3)) in told.out
    shown = cli.json("chain", "tx", put.data["tx_id"]).data
    assert (shown["kind"], shown["blob"]) == ("disperse", root)
    again = cli.json("da", "put", str(path), "--order")
    assert again.error["code"] in ("DA-9", "LN-34")


def test_a_blob_that_is_empty_for_everybody_leaves_its_evidence(
    cli, still, node, sealed, tmp_path
) -> None:
    cli.json("da", "pack", *map(str, sealed), "-o", str(tmp_path / "blob"))
    genesis = still.genesis()
    domain = domains.domain_of(genesis, 0)
    good = blob.encode((tmp_path / "blob").read_bytes(), domain.coding)
    rows = (bytes([good.data[0][0] ^ 1]) + good.data[0][1:], *good.data[1:])
    torn = blob.disperse(domain.coding, good.commitment.size, rows)
    said = dispersal.statement(genesis, domain, torn.commitment, still.status().height + 1)
    node.availability._store.put(said, [torn.row(i) for i in range(256)], keep_until=2**32)
    signed = Certificate(said, 1, (0,), (VALIDATOR.sign(said.digest(domain.committee)),))
    tx_id = node.executor.intake.decode(dispersal.wire(0, signed)).tx_id
    still.submit(dispersal.wire(0, signed))
    still.wait_for_tx(tx_id, timeout=20)
    root, kept = torn.commitment.root.hex(), tmp_path / "evidence"
    got = cli.json("da", "get", root, "--evidence", str(kept))
    assert (got.code, got.error["code"]) == (1, "DA-5")
    Evidence.from_bytes(kept.read_bytes()).check()
    assert cli.json("da", "get", root, "--evidence", str(kept)).code == 2
    assert cli.json("da", "sample", root).code == 0  # rows are there; what they say is not asked


def test_what_is_no_blob_is_refused(cli, sealed, tmp_path) -> None:
    assert cli.json("da", "put", str(sealed[0])).error["code"] == "LN-38"
    assert cli.json("da", "put", str(tmp_path / "nowhere")).code == 3
    small = tmp_path / "small"
    assert cli.json("da", "pack", str(sealed[0]), "-o", str(small)).code == 0
    assert cli.json("da", "pack", str(sealed[0]), "-o", str(small)).code == 2
    assert cli.json("da", "put", str(small)).error["code"] == "DA-11"


def test_of_a_blob_that_no_block_ordered_nothing_is_said(cli) -> None:
    for words in (("get",), ("sample",)):
        assert cli.json("da", *words, "07" * 32).code == 1
        assert cli.json("da", *words, "blob").code == 2
    both = ("da", "sample", "07" * 32, "--samples", "3", "--risk", "1e-3")
    assert cli.json(*both).code == 2
    assert cli.json("da", "sample", "07" * 32, "--risk", "much").code in (1, 2)


def test_an_entry_is_found_by_its_own_id(cli, still, sealed, tmp_path) -> None:
    path = tmp_path / "six.blob"
    cli.json("da", "pack", *map(str, sealed), "-o", str(path))
    put = cli.json("da", "put", str(path), "--order").data
    shown = cli.json("chain", "tx", put["tx_id"]).data
    assert [part["code"] for part in shown["parts"]] == ["ok"] * 6
    inner = shown["carried"][0]
    assert inner["environment"] == "intents"
    found = cli.json("chain", "tx", inner["tx_id"]).data
    assert (found["state"], found["carrier"]) == ("included", put["tx_id"])
    assert cli("chain", "tx", put["tx_id"]).code == cli("chain", "tx", inner["tx_id"]).code == 0


def test_tx_show_says_what_a_transaction_of_the_lane_is(cli, sealed, tmp_path) -> None:
    path = tmp_path / "six.blob"
    cli.json("da", "pack", *map(str, sealed), "-o", str(path))
    put = cli.json("da", "put", str(path), "--order").data
    shown = cli.json("tx", "show", put["tx_id"].removeprefix("0x")).data
    assert (shown["environment"], shown["lane"]["kind"]) == ("intents", "disperse")
    assert "disperse, domain 0" in cli("tx", "show", put["tx_id"].removeprefix("0x")).out
