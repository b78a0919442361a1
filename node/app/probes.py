"""Questions that every node of a chain answers alike: what enters consensus, on fixed inputs.

Each probe returns bytes; `node.app.runtime` hashes them. They ask for behaviour and for no version:
a library that changed and still answers the same is the same. All keys here are published.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from node.consensus.application import LedgerApplication
from node.consensus.proposer import next_block
from node.core import ed25519
from node.core.block import Transaction
from node.core.codec import Writer
from node.core.genesis import DEV_PROFILE, Allocation, Genesis
from node.core.ids import NATIVE, ChainId, EnvironmentId, Height, tagged_hash
from node.core.interfaces import ProofClaim
from node.da.codec import Coding
from node.execution.executor import Executor
from node.execution.verifier import GrothVerifier
from node.store.memory import memory_store
from private_exec import cipher, group
from private_exec.hash_to_curve import hash_to_g1
from private_exec.keys import EpochKey
from private_exec.parameters import Parameters
from private_exec.roster import Domain, Roster
from shielded.tree import NoteTree
from transparent.env import TransparentEnvironment
from transparent.signature import SigningKey
from transparent.transaction import Transfer, sign
from zk import backends
from zk.curve.encoding import G2_BYTES, g1_to_bytes, g2_to_bytes
from zk.errors import ChiaroError, DecodeError
from zk.field.arrays import from_array, to_array
from zk.groth16.keys import Proof, VerifyingKey
from zk.hash.poseidon import poseidon

PROTOCOL: Final = 4
"""Raised where a change of the rules is one that no answer below would show; 2: ST-3's vote behind
the end of an epoch; 3: hidden values of shielded transactions (SH-66 to SH-69); 4: sales (PV-170 to
PV-208), what goes on while a batch waits (EX-39) or a pool is exit-only (EX-46), and what moves in
the dark (EX-45)."""

_WIDTH: Final = 8
"""Children of a node of the note tree."""
_KEY: Final = "cdc42ada0d1f339ce2d71896c27956d5fff51fa616f6bae0e5ce8c8c3937618a"
_R: Final = "891359ec3e268103a9f9af20cdc31babfe0a8f6f11e5572c0ee27a772673e175"
_TWISTED: Final = "74728fc5955a64ddde794432043bf483fa8ffd4fdbfb49e12046889bb40ecd14"
_S: Final = "81d27f5b2c117c45fb01132d58fb1e96d8ed667edbba9f81ee813af253b44104"
EDGES: Final = (
    ("honest", _KEY, 1, _R + "66b549fc2b10c0e370057ef78be5abc1255f037fafebea0219e83207b2680e0b"),
    ("digest", _KEY, 2, _R + "66b549fc2b10c0e370057ef78be5abc1255f037fafebea0219e83207b2680e0b"),
    ("S + L", _KEY, 1, _R + "53893f594673d23b47a2759a6adf8ad6255f037fafebea0219e83207b2680e1b"),
    (
        "R of order 8", _KEY, 1,
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
        "29752c0c8aee998a9551c01ff5fddf3fddfd96d020bb2632de637ec796f85302",
    ),
    (
        "R neutral", _KEY, 1,
        "0100000000000000000000000000000000000000000000000000000000000000"
        "a29f238228f60d41aa04308b051df23364a6e393a5d022741aa7982c018b1907",
    ),
    (
        "R neutral, other bytes", _KEY, 1,
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
        "6b08bd06391fcc3346069fba6cd79f987ea0239b07c896a0b9e1fafeece0c401",
    ),
    (
        "key with torsion, cleared", _TWISTED, 4,
        _R + "dbc58b3ee32c7992694a5e8ac1c18db6c2f511fdb61ad13216fab6a4c47cc70c",
    ),
    (
        "key with torsion", _TWISTED, 0,
        _R + "c27644e4a4307264c62357cd611d6e1a9834dfd375fa45f5fc2b5883d7af4700",
    ),
    ("neutral key", "01" + "00" * 31, 1, _R + _S),
    ("key in other bytes", "f0" + "ff" * 30 + "7f", 1, _R + _S),
    ("key off the curve", "02" + "00" * 31, 1, _R + _S),
)  # fmt: skip
"""Name, key, digest as a number, signature: what libraries of Ed25519 disagree about."""


def _numbers(count: int, what: str) -> list[int]:
    """Scalars that anybody can compute."""
    return [
        int.from_bytes(tagged_hash("runtime/number", what.encode(), bytes([i])), "little") % group.R
        for i in range(count)
    ]


def hashes() -> bytes:
    """Poseidon as the note tree has it, by kernels and, of few nodes, by integers; a root."""
    writer = Writer()
    backend = backends.get()
    values = _numbers(_WIDTH, "poseidon")
    row = to_array(values).reshape(1, _WIDTH, 4)
    for tag in (0, 1, group.R - 1):
        writer.fr(poseidon(tag, values)).fr(from_array(backend.poseidon(tag, row))[0])
    return writer.fr(NoteTree().append(_numbers(70, "leaves")).root).done()


def proofs() -> bytes:
    """Verdicts on proofs that are true, false, of another statement, and no proofs."""
    alpha, beta, gamma, delta, *ic = _numbers(7, "key")
    (alpha_1, *ic_1), (beta_2, gamma_2, delta_2) = (
        group.base_g1([alpha, *ic]),
        group.base_g2([beta, gamma, delta]),
    )
    key = VerifyingKey(alpha_1, beta_2, gamma_2, delta_2, tuple(ic_1))
    public = tuple(_numbers(2, "public"))
    a, b = _numbers(2, "proof")
    statement = (ic[0] + ic[1] * public[0] + ic[2] * public[1]) % group.R
    c = (a * b - alpha * beta - statement * gamma) * pow(delta, -1, group.R) % group.R
    (a_1, c_1, other_1), (b_2,) = group.base_g1([a, c, c + 1]), group.base_g2([b])
    true = Proof(a_1, b_2, c_1).to_bytes()
    claims = [
        ("probe", public, true),
        ("probe", public, Proof(a_1, b_2, other_1).to_bytes()),
        ("probe", (public[1], public[0]), true),
        ("probe", public[:1], true),
        ("probe", (public[0] + group.R, public[1]), true),
        ("other", public, true),
        ("probe", public, true[:-1]),
        ("probe", public, true[:32] + _outside_g2() + true[96:]),
        ("probe", public, bytes(128)),
        ("probe", public, b"\xff" * 128),
    ]
    verifier = GrothVerifier({"probe": key}, workers=1)
    verdicts = verifier.verify([ProofClaim(*claim) for claim in claims])
    return _texts("ok" if verdict is None else verdict.id for verdict in verdicts)


def _outside_g2() -> bytes:
    """The first point of the twist, by its x, that has another order."""
    for x in itertools.count(1):
        data = x.to_bytes(G2_BYTES, "little")
        try:
            group.g2_on_twist(data, "probe")
        except DecodeError:
            continue
        return data
    raise AssertionError


def seals() -> bytes:
    """A sealed intent, whether it is one, and what it opens to; points hashed to the curve."""
    (secret,) = _numbers(1, "epoch")
    domain = Domain(ChainId(tagged_hash("runtime/chain")))
    validator = SigningKey(tagged_hash("runtime/validator"))
    (pk1,), (pk2,) = group.base_g1([secret]), group.base_g2([secret])
    roster = Roster.of([validator.account])
    key = EpochKey(domain, 1, Parameters.of_equals(1), roster, pk1, pk2, (pk2,))
    label = tagged_hash("runtime/label")
    sealed = cipher.seal(key, label, b"what is sealed", tagged_hash("runtime/entropy"))
    cipher.verify(key, label, sealed)
    opened = cipher.open_body(sealed, label, group.multiple_g1(secret, sealed.u))
    refusals = [
        _refusal(lambda: cipher.verify(key, tagged_hash("runtime/other"), sealed)),
        _refusal(lambda: cipher.open_body(sealed, label, sealed.w)),
    ]
    writer = Writer().blob(key.digest).blob(sealed.to_bytes()).blob(opened).blob(_texts(refusals))
    total = group.sum_g1(_numbers(9, "sum"), group.base_g1(_numbers(9, "points")))
    writer.blob(g1_to_bytes(total)).blob(g2_to_bytes(group.sum_g2([secret, 3], [pk2, pk2])))
    return writer.blob(g1_to_bytes(hash_to_g1(b"runtime", b"chiaro/runtime"))).done()


def _refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except ChiaroError as error:
        return error.id
    return "ok"


def signatures() -> bytes:
    """Verdicts of Ed25519 where libraries differ."""
    return bytes(
        ed25519.is_signed(bytes.fromhex(key), number.to_bytes(32, "little"), bytes.fromhex(sig))
        for _, key, number, sig in EDGES
    )


def rows() -> bytes:
    """Parity of the erasure code, and the data again from parity alone."""
    writer = Writer()
    for coding in (Coding(4, 16), Coding()):
        size = 64
        data = [tagged_hash("runtime/row", bytes([i])) * (size // 32) for i in range(coding.k)]
        parity = coding.codec.encode(data, coding.n - coding.k)
        last = {i: parity[i - coding.k] for i in range(coding.n - coding.k, coding.n)}
        again = coding.codec.recover(coding.k, coding.n - coding.k, last)
        writer.blob(tagged_hash("runtime/rows", *parity)).u8(list(again) == data)
    return writer.done()


def block() -> bytes:
    """Two blocks of payments, right and wrong: receipts, headers, state roots."""
    alice, bob = (SigningKey(tagged_hash("runtime/account", name)) for name in (b"alice", b"bob"))
    owned = Allocation(alice.account, NATIVE, 10**6)
    genesis = Genesis(DEV_PROFILE, "runtime", 1, allocations=(owned,))
    environment = TransparentEnvironment(genesis.parameters.max_expiry)
    executor = Executor(
        genesis, {EnvironmentId.TRANSPARENT: environment}, GrothVerifier({}, workers=1)
    )
    store = memory_store(genesis.chain_id)
    app = LedgerApplication(genesis, executor, store)
    writer = Writer().raw(genesis.chain_id, 32).raw(app.init_chain(), 32)

    def pay(key: SigningKey, to: SigningKey, sequence: int, amount: int) -> bytes:
        moved = (Transfer(to.account, NATIVE, amount),)
        tx = sign(key, genesis.chain_id, sequence, Height(9), 1000, moved)
        return Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes()

    for txs in (
        (pay(alice, bob, 0, 5000), pay(alice, bob, 0, 1), pay(alice, bob, 2, 1)),
        (pay(bob, alice, 0, 10**9), pay(bob, alice, 0, 4000), pay(alice, alice, 1, 7)),
    ):
        following = next_block(app.info(), app.chain, genesis.time_ms, txs)
        app.process_proposal(following)
        writer.raw(app.finalize_block(following), 32).raw(following.header.hash, 32)
        found = app.finalized
        for receipt in () if found is None else found.receipts:
            writer.blob(receipt.to_bytes())
        app.commit()
    return writer.done()


def _texts(values: Iterable[str]) -> bytes:
    writer = Writer()
    for value in values:
        writer.blob(value.encode())
    return writer.done()


PROBES: Final[Mapping[str, Callable[[], bytes]]] = {
    "protocol": lambda: PROTOCOL.to_bytes(4, "little"),
    "hashes": hashes,
    "proofs": proofs,
    "seals": seals,
    "signatures": signatures,
    "rows": rows,
    "block": block,
}
