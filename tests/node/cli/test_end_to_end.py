"""A node in the background, real proofs, two people and an auditor: everything as typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from node.app import process
from node.cli.session import Places

PASSWORD = "correct horse battery"


def chiaro(home: Path, *words: str, code: int = 0) -> dict:
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


@pytest.mark.slow
def test_shield_send_unshield_verify_export_over_a_real_node(tmp_path) -> None:
    home = tmp_path / "home"
    places = Places.of(str(home))
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    node = process.spawn(places.node, places.state, port=0)
    try:
        to = ("--node", node.url)
        yes = (*to, "--yes", "--password-file", str(secret))
        chiaro(home, "init", "--name", "alice", *yes)
        bob = chiaro(home, "wallet", "new", "bob", *yes)["address"]
        as_alice, as_bob = ("--wallet", "alice"), ("--wallet", "bob")

        shielded = chiaro(home, "shield", "10", *as_alice, *yes)["operation"]
        assert shielded["state"] == "included"
        sent = chiaro(home, "send", "4.25", bob, "--memo", "rent", *as_alice, *yes)["operation"]
        assert sent["state"] == "included"
        balance = chiaro(home, "balance", *as_alice, *to)["assets"][0]
        assert balance["spendable"] == {"amount": "5.749", "unit": "native"}
        left = chiaro(home, "unshield", "1", *as_bob, *yes)["operation"]
        assert left["state"] == "included"
        balance = chiaro(home, "balance", *as_bob, *to)["assets"][0]
        assert (balance["spendable"]["amount"], balance["transparent"]["amount"]) == ("3.249", "1")

        by_id = chiaro(home, "verify", sent["tx_id"], *as_bob, *to)
        assert by_id["valid"] is True
        out = tmp_path / "proof"
        chiaro(home, "tx", "show", str(sent["id"]), "--export", str(out), *as_alice, *to)
        assert chiaro(home, "verify", str(out / "proof.json"))["valid"] is True
        public = json.loads((out / "public.json").read_text())
        public[1] = str(int(public[1]) + 1)
        (out / "public.json").write_text(json.dumps(public))
        assert chiaro(home, "verify", str(out / "proof.json"), code=1)["valid"] is False
        for log in places.state.rglob("*"):
            if log.is_file():
                assert PASSWORD.encode() not in log.read_bytes()
    finally:
        process.stop(places.node, places.state)
