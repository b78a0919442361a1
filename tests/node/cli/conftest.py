"""The command line in this process, over a node in memory that believes stub proofs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from node.app.options import Options
from node.cli import keystore, wallet_spend
from node.cli import main as entry
from node.core.genesis import Parameters
from node.testing.intending import make_key
from node.testing.nodes import development_genesis, memory_node, serving
from zk.curve.bn254 import G1, G2
from zk.groth16.keys import Proof

PASSWORD = "correct horse battery"


class Believes:
    """A verifier of proofs that believes every claim."""

    def verify(self, claims):
        return [None for _ in claims]


def stub_proof() -> Proof:
    """Points that encode like a proof and prove nothing."""
    g1, g2 = G1.generator().to_affine(), G2.generator().to_affine()
    return Proof(g1, g2, g1)


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        lines = self.out.splitlines()
        assert len(lines) == 1, f"not one document: {self.out!r}"
        return json.loads(lines[0])

    @property
    def data(self) -> dict[str, Any]:
        document = self.document
        assert document["ok"] is True, document
        return document["data"]

    @property
    def error(self) -> dict[str, Any]:
        document = self.document
        assert document["ok"] is False, document
        return document["error"]


class Cli:
    """`chiaro` with a home of its own; remembers everything it printed."""

    def __init__(self, home: Path, capsys, url: str = "http://127.0.0.1:9") -> None:
        self.home, self.capsys, self.url = home, capsys, url
        self.password_file = home.parent / f"{home.name}.password"
        self.password_file.write_text(PASSWORD + "\n")
        self.password_file.chmod(0o600)
        self.printed: list[str] = []

    def __call__(self, *words: str) -> Result:
        line = ["--home", str(self.home), "--node", self.url, *words]
        with pytest.raises(SystemExit) as stopped:
            entry.main(line)
        out, err = self.capsys.readouterr()
        self.printed += [out, err]
        return Result(int(stopped.value.code or 0), out, err)

    def json(self, *words: str) -> Result:
        return self(*words, "--json")

    def pay(self, *words: str) -> Result:
        """A spending command, answered with yes and the password."""
        return self(*words, "--json", "--yes", "--password-file", str(self.password_file))

    def wallet(self, name: str, *words: str) -> dict[str, Any]:
        result = self.pay("wallet", "new", name, *words)
        assert result.code == 0, result.out
        return result.data


@pytest.fixture(scope="session")
def parts():
    """What a fixture of a module makes its own story of."""
    return SimpleNamespace(Cli=Cli, Believes=Believes, stub_proof=stub_proof)


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch):
    """Argon2id at its least: these tests are not about guessing."""
    monkeypatch.setattr(keystore, "_ITERATIONS", 1)
    monkeypatch.setattr(keystore, "_MEMORY_KIB", 32)


@pytest.fixture
def stub_prover(monkeypatch):
    """No circuit is evaluated."""
    proof = stub_proof()
    monkeypatch.setattr(
        wallet_spend, "prover", lambda _profile, _action, _progress=None: lambda *_claim: proof
    )
    return proof


@pytest.fixture
def node():
    """A development node in memory that believes proofs, without a block."""
    with serving(memory_node(verifier=Believes())) as client:
        yield client


@pytest.fixture
def slow_node():
    """One that makes a block only when it is told to, on a chain of short-lived transactions."""
    options = Options(port=0, delay_ms=3_600_000)
    genesis = development_genesis(Parameters(block_time_ms=0, max_expiry=8, anchor_window=24))
    with serving(memory_node(genesis, verifier=Believes(), options=options)) as client:
        yield client


@pytest.fixture(scope="session")
def tree():
    """The commands, assembled once."""
    return typer.main.get_command(entry.build())


@pytest.fixture
def assembled(monkeypatch, tree):
    """Each call of `chiaro` finds its commands assembled already: 30 ms less."""
    monkeypatch.setattr(typer.main, "get_command", lambda _app: tree)


@pytest.fixture
def offline(tmp_path, capsys, assembled):
    """The command line without a node."""
    return Cli(tmp_path / "home", capsys)


@pytest.fixture
def cli(tmp_path, capsys, node, stub_prover, assembled):
    """The command line over `node`."""
    return Cli(tmp_path / "home", capsys, node.url)


@pytest.fixture
def slow_cli(tmp_path, capsys, slow_node, stub_prover, assembled):
    """The command line over `slow_node`."""
    return Cli(tmp_path / "home", capsys, slow_node.url)


# SEALED INTENTS


@pytest.fixture
def still(parts):
    """A node that makes blocks for transactions at once, and counts heights only when told."""
    options = Options(port=0, delay_ms=1, lane_tick_ms=3_600_000)
    with serving(memory_node(verifier=parts.Believes(), options=options)) as client:
        yield client


@pytest.fixture
def ticking(parts):
    """A node whose heights go by quickly while the lane has something to do."""
    options = Options(port=0, delay_ms=1, lane_tick_ms=20)
    with serving(memory_node(verifier=parts.Believes(), options=options)) as client:
        yield client


@pytest.fixture
def people(parts, tmp_path, capsys, still, stub_prover, assembled):
    """Alice has gold, Bob has silver, both in the pool; the domain's key is made."""
    cli = parts.Cli(tmp_path / "home", capsys, still.url)
    for name, asset in (("alice", "gold"), ("bob", "silver")):
        cli.wallet(name)
        assert cli.pay("shield", "10", "--asset", asset, "--wallet", name).code == 0
    make_key(still)
    return cli
