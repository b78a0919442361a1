"""The fingerprint of a runtime: equal everywhere, different as soon as behaviour is."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from node.app import probes, runtime
from node.app.errors import OtherRuntime
from node.app.node import Node
from node.core import ed25519
from node.da.codec import LeopardCodec
from node.execution.verifier import GrothVerifier
from node.testing.nodes import memory_node
from zk import backends

ASK = "from node.app import runtime; print(runtime.fingerprint().hex())"


def test_ch57_backends_and_hash_seeds_do_not_change_the_fingerprint() -> None:
    """As separate processes, so that nothing is shared: each with a seed of its own."""
    found = {}
    for seed, name in enumerate(backends.available()):
        environment = {**os.environ, backends.ENV_BACKEND: name, "PYTHONHASHSEED": str(seed)}
        ended = subprocess.run(
            [sys.executable, "-P", "-c", ASK],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        found[name] = ended.stdout.strip()
    assert len(found) > 1
    assert set(found.values()) == {runtime.fingerprint().hex()}


execute = probes.TransparentEnvironment.execute


def quiet(self, tx, state, context):
    """The same effects without the events."""
    return replace(execute(self, tx, state, context), events=())


def test_ch56_a_node_that_computes_something_else_does_not_start(tmp_path, genesis) -> None:
    assert genesis.runtime == runtime.fingerprint()
    other = replace(genesis, runtime=bytes(32))
    Node.create(tmp_path, other)
    with pytest.raises(OtherRuntime, match="CH-56"):
        Node.open(tmp_path)
    assert not (tmp_path / "chain").exists()
    with pytest.raises(OtherRuntime, match=genesis.runtime.hex()[:16]):
        memory_node(other)
    memory_node(replace(genesis, runtime=None)).close()


def test_ch56_a_changed_library_is_noticed(genesis, monkeypatch) -> None:
    monkeypatch.setattr(runtime, "PROBES", {**probes.PROBES, "signatures": lambda: b"\xff" * 11})
    runtime._answers.cache_clear()
    try:
        with pytest.raises(OtherRuntime, match="CH-56"):
            memory_node(genesis)
    finally:
        runtime._answers.cache_clear()


CHANGES = {
    "hashes": (probes, "poseidon", lambda tag, values: 1),
    "proofs": (GrothVerifier, "verify", lambda self, claims: [None for _ in claims]),
    "seals": (probes, "hash_to_g1", lambda message, tag: probes.group.base_g1([5])[0]),
    "signatures": (ed25519, "is_signed", lambda key, digest, signature: True),
    "rows": (LeopardCodec, "encode", lambda self, rows, parity: (rows[0],) * parity),
    "block": (probes.TransparentEnvironment, "execute", quiet),
    "protocol": (probes, "PROTOCOL", probes.PROTOCOL + 1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_ch57_a_change_of_behaviour_changes_the_answer_to_it(name: str, monkeypatch) -> None:
    before = probes.PROBES[name]()
    owner, what, change = CHANGES[name]
    monkeypatch.setattr(owner, what, change)
    assert probes.PROBES[name]() != before


def test_ch57_every_probe_is_in_the_fingerprint(monkeypatch) -> None:
    assert set(CHANGES) == set(probes.PROBES) == set(runtime.answers())
    before = runtime.fingerprint()
    for name in probes.PROBES:
        changed = tuple((n, b"else" if n == name else a) for n, a in runtime.answers().items())
        with monkeypatch.context() as patched:
            patched.setattr(runtime, "_answers", lambda backend, found=changed: found)
            assert runtime.fingerprint() != before


# --- where the signatures come from ---------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1)


def add(p, q):
    (a, b), (c, d) = p, q
    t = D * a * b * c * d % P
    return (a * d + b * c) * pow(1 + t, -1, P) % P, (b * d + a * c) * pow(1 - t, -1, P) % P


def mul(k: int, p):
    total = NEUTRAL
    while k:
        if k & 1:
            total = add(total, p)
        p, k = add(p, p), k >> 1
    return total


def lift(y: int):
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT % P
    return (x if x % 2 == 0 else P - x, y)


def encode(p) -> bytes:
    return (p[1] | (p[0] & 1) << 255).to_bytes(32, "little")


def test_edges_of_ed25519_are_what_their_names_say() -> None:
    base, torsion = lift(4 * pow(5, -1, P) % P), lift(ed25519._ORDER_8)
    assert mul(8, torsion) == NEUTRAL != mul(4, torsion)
    secret = int.from_bytes(hashlib.sha512(b"chiaro probe").digest(), "little") % L
    nonce = (secret * secret + 1) % L
    key, twisted = encode(mul(secret, base)), encode(add(mul(secret, base), torsion))
    r = encode(mul(nonce, base))

    def h(point: bytes, of: bytes, number: int) -> int:
        data = point + of + number.to_bytes(32, "little")
        return int.from_bytes(hashlib.sha512(data).digest(), "little") % L

    def sig(point: bytes, of: bytes, number: int, own: int) -> str:
        return (point + ((own + h(point, of, number) * secret) % L).to_bytes(32, "little")).hex()

    honest = sig(r, key, 1, nonce)
    s = int.from_bytes(bytes.fromhex(honest)[32:], "little")
    cleared = next(n for n in itertools.count() if h(r, twisted, n) % 8 == 0)
    kept = next(n for n in itertools.count() if h(r, twisted, n) % 8)
    other_bytes = (P + 1).to_bytes(32, "little")
    made = {
        "honest": (key, 1, honest),
        "digest": (key, 2, honest),
        "S + L": (key, 1, (r + (s + L).to_bytes(32, "little")).hex()),
        "R of order 8": (key, 1, sig(encode(torsion), key, 1, 0)),
        "R neutral": (key, 1, sig(encode(NEUTRAL), key, 1, 0)),
        "R neutral, other bytes": (key, 1, sig(other_bytes, key, 1, 0)),
        "key with torsion, cleared": (twisted, cleared, sig(r, twisted, cleared, nonce)),
        "key with torsion": (twisted, kept, sig(r, twisted, kept, nonce)),
    }
    listed = {name: (bytes.fromhex(k), number, text) for name, k, number, text in probes.EDGES}
    assert {name: listed[name] for name in made} == made
    assert set(listed) - set(made) == {"neutral key", "key in other bytes", "key off the curve"}
    taken = [name for (name, *_), bit in zip(probes.EDGES, probes.signatures(), strict=True) if bit]
    assert taken == ["honest", "R neutral", "key with torsion, cleared"]
