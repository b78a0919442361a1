"""A node in the background, real proofs, two people and an auditor: everything as typed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from node.app import process
from node.cli.session import Places

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"
SNARKJS = Path(__file__).parents[3] / ".cache/js/node_modules/snarkjs/cli.js"


def chiaro(home: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "node.cli", "--home", str(home), "--json", *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, (words, done.stdout, done.stderr)
    document = json.loads(done.stdout)
    assert document["ok"] is True
    return document["data"]


@dataclass
class Story:
    """What the commands answered, and the folder with the exported proof of the transfer."""

    home: Path
    to: tuple[str, str]
    sent: dict[str, Any]
    left: dict[str, Any]
    balances: dict[str, dict[str, Any]]
    proof: Path


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    home, secret, proof = folder / "home", folder / "password", folder / "proof"
    places = Places.of(str(home))
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    node = process.spawn(places.node, places.state, port=0)
    try:
        to = ("--node", node.url)
        yes = (*to, "--yes", "--password-file", str(secret))
        alice, bob = ("--wallet", "alice"), ("--wallet", "bob")
        chiaro(home, "init", "--name", "alice", *yes)
        address = chiaro(home, "wallet", "new", "bob", *yes)["address"]
        chiaro(home, "shield", "10", *alice, *yes)
        sent = chiaro(home, "send", "4.25", address, "--memo", "rent", *alice, *yes)
        left = chiaro(home, "unshield", "1", *bob, *yes)
        chiaro(
            home, "tx", "show", str(sent["operation"]["id"]), "--export", str(proof), *alice, *to
        )
        balances = {
            name: chiaro(home, "balance", "--wallet", name, *to)["assets"][0]
            for name in ("alice", "bob")
        }
        yield Story(home, to, sent["operation"], left["operation"], balances, proof)
    finally:
        process.stop(places.node, places.state)


def test_value_arrives_where_it_was_sent(story) -> None:
    assert (story.sent["state"], story.left["state"]) == ("included", "included")
    found = {
        name: (item["spendable"]["amount"], item["transparent"]["amount"])
        for name, item in story.balances.items()
    }
    assert found == {"alice": ("5.749", "0"), "bob": ("3.249", "1")}


def test_the_proofs_verify_by_id_and_from_files(story, tmp_path) -> None:
    by_id = chiaro(story.home, "verify", story.sent["tx_id"], "--wallet", "bob", *story.to)
    assert by_id["valid"] is True
    assert chiaro(story.home, "verify", str(story.proof / "proof.json"))["valid"] is True
    changed = tmp_path / "changed"
    shutil.copytree(story.proof, changed)
    public = json.loads((changed / "public.json").read_text())
    public[1] = str(int(public[1]) + 1)
    (changed / "public.json").write_text(json.dumps(public))
    assert chiaro(story.home, "verify", str(changed / "proof.json"), code=1)["valid"] is False


def test_viewing_keys_and_sender_authority_over_real_proofs(story, tmp_path) -> None:
    """A view-only wallet's ledger adds up; what Alice signs is checked against the chain."""
    key, ledger, page = tmp_path / "key", tmp_path / "ledger.json", tmp_path / "page.html"
    alice, watcher = ("--wallet", "alice"), ("--wallet", "watcher", *story.to)
    chiaro(story.home, "wallet", "viewkey", "export", "--kind", "full", "-o", str(key), *alice)
    chiaro(story.home, "wallet", "viewkey", "import", "watcher", str(key))
    found = chiaro(story.home, "tx", "export", "-o", str(ledger), *watcher)
    assert [total["amount"] for total in found["totals"]] == ["5.749"]
    assert chiaro(story.home, "wallet", "report", "-o", str(page), *watcher)["movements"] == 7
    for kind, seen, amount in (("incoming", "received", "10"), ("outgoing", "sent", "14.25")):
        lesser = tmp_path / kind
        words = ("wallet", "viewkey", "export", "--kind", kind, "-o", str(lesser))
        chiaro(story.home, *words, *alice)
        chiaro(story.home, "wallet", "viewkey", "import", kind, str(lesser))
        (asset,) = chiaro(story.home, "balance", "--wallet", kind, *story.to)["assets"]
        assert (asset["spendable"], asset[seen]["amount"]) == (None, amount)
    signed = tmp_path / "signed.json"
    secret = ("--password-file", str(story.home.parent / "password"))
    asked = ("--challenge", "17")
    words = ("tx", "disclose", story.sent["tx_id"], "--sender", *asked, "-o", str(signed))
    chiaro(story.home, *words, *alice, *secret, *story.to)
    facts = chiaro(tmp_path, "tx", "verify-disclosure", str(signed), *asked, *story.to)
    assert (facts["amount"], facts["sender"]["challenge"]) == ("4.25", "17")


@pytest.mark.oracle_snarkjs
def test_snarkjs_accepts_the_exported_proof(story) -> None:
    node = shutil.which("node")
    if node is None or not SNARKJS.exists():
        pytest.skip("node or snarkjs is missing: run `make oracles`")
    files = [story.proof / name for name in ("verification_key.json", "public.json", "proof.json")]
    done = subprocess.run(
        [node, SNARKJS, "groth16", "verify", *files],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OK!" in done.stdout


def test_the_password_is_in_no_file_below_the_home(story) -> None:
    for path in story.home.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path
