"""kill −9 between agreement and inclusion: the operation is known, nothing is paid twice."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# Runs `chiaro` in a process that kills itself at a named point; proofs are the stub of conftest.
CHILD = """
import os, signal, sys
from zk.curve.bn254 import G1, G2
from zk.groth16.keys import Proof
from node.cli import keystore, main, wallet_spend
from node.rpc.client import NodeClient

point, words = sys.argv[1], sys.argv[2:]
keystore._ITERATIONS, keystore._MEMORY_KIB = 1, 32

def die(*_args, **_options):
    os.kill(os.getpid(), signal.SIGKILL)

def prove(*_claim):
    if point == "proving":
        die()
    g1 = G1.generator().to_affine()
    return Proof(g1, G2.generator().to_affine(), g1)

wallet_spend.prover = lambda _profile, _action, _progress=None: prove
if point == "before submission":
    NodeClient.submit = die
if point == "after submission":
    submit = NodeClient.submit
    NodeClient.submit = lambda self, tx: (submit(self, tx), die())
if point == "while waiting":
    NodeClient.wait_for_tx = die
main.main(words)
"""


def killed(cli, point: str, *words: str) -> None:
    line = ["--home", str(cli.home), "--node", cli.url, "--json", "--yes"]
    line += ["--password-file", str(cli.password_file)]
    child = subprocess.run(
        [sys.executable, "-c", CHILD, point, *words, *line],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    assert child.stdout == b""


@pytest.mark.parametrize(
    ("point", "left", "settled"),
    [
        ("proving", "draft", "draft"),
        ("before submission", "proved", "included"),
        ("after submission", "submitted", "included"),
        ("while waiting", "submitted", "included"),
    ],
)
def test_an_operation_survives_kill_9(slow_cli, slow_node, point, left, settled) -> None:
    cli = slow_cli
    cli.wallet("alice")
    cli.pay("shield", "10", "--no-wait")
    slow_node.make_block()
    cli.json("sync")

    killed(cli, point, "unshield", "3")

    status = cli.json("tx", "status", "2").data["operation"]
    assert (status["state"], status["amount"]["amount"]) == (left, "3")
    assert status["next"]
    spendable = cli.json("balance").data["assets"][0]["spendable"]["amount"]
    assert spendable == ("10" if point == "proving" else "0")

    if point == "proving":
        assert cli.json("tx", "submit", "2").error["code"] == "POL-001"
        assert cli.pay("unshield", "3", "--no-wait").code == 0  # nothing was reserved
        return
    if point == "before submission":
        assert cli.json("tx", "submit", "2").data["operation"]["state"] == "submitted"
    slow_node.make_block()
    assert cli.json("tx", "status", "2").data["operation"]["state"] == settled
    balance = cli.json("balance").data["assets"][0]
    assert (balance["spendable"]["amount"], balance["transparent"]["amount"]) == ("6.999", "3")
