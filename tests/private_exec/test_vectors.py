"""`tests/vectors/sealing.json`, made by other code over py_ecc: every value, both committees."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from private_exec import batch as batches
from private_exec import cipher, final, reveal, shares
from private_exec import envelope as envelopes
from private_exec.envelope import Envelope, EpochWindow
from private_exec.keys import EpochKey, HeldShares
from private_exec.reveal import Reveal
from private_exec.shares import ShareMessage
from private_exec.sharing import PackedPolynomial
from zk import jsontext
from zk.curve.encoding import g1_to_bytes

FOLDER = Path(__file__).resolve().parent.parent / "vectors"
DOCUMENT = jsontext.loads((FOLDER / "sealing.json").read_bytes())


@pytest.fixture(params=DOCUMENT["committees"], ids=["4 holders", "7 holders, packed"])
def vector(request):
    return request.param


def test_the_key_and_its_shares(vector) -> None:
    key = EpochKey.from_bytes(bytes.fromhex(vector["key"]))
    assert key.to_bytes().hex() == vector["key"]
    assert key.digest.hex() == vector["key_digest"]
    assert g1_to_bytes(key.second_base).hex() == vector["second_base"]
    assert key.domain.chain_id.hex() == DOCUMENT["chain_id"]
    parameters = key.parameters
    assert parameters.privacy == vector["privacy"]
    polynomial = PackedPolynomial(parameters.packing, tuple(map(int, vector["coefficients"])))
    for i, value in enumerate(map(int, vector["shares"])):
        assert polynomial.share(i + 1) == value
        HeldShares(i, {i + 1: value}).check(key)


def test_sealing(vector, helpers) -> None:
    key = EpochKey.from_bytes(bytes.fromhex(vector["key"]))
    payer = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["payer"]))
    for case in vector["sealed"]:
        item = Envelope.from_bytes(bytes.fromhex(case["envelope"]))
        intent, entropy = bytes.fromhex(case["intent"]), bytes.fromhex(case["entropy"])
        assert envelopes.seal_intent(key, item.terms, intent, payer, entropy) == item
        assert item.label(key).hex() == case["label"]
        assert item.id(key).hex() == case["id"]
        s = item.seal
        e = cipher.challenge(item.label(key), s.u, s.u_bar, s.w, s.w_bar, s.body)
        assert e == int(case["e"])
        cipher.verify(key, item.label(key), s)


def test_from_order_to_opening(vector, helpers) -> None:
    key = EpochKey.from_bytes(bytes.fromhex(vector["key"]))
    items = [Envelope.from_bytes(bytes.fromhex(case["envelope"])) for case in vector["sealed"]]
    window = EpochWindow(DOCUMENT["epoch"], 1, 100, 10)
    batch = batches.order(key, window, DOCUMENT["height"], items)
    assert batch.root.hex() == vector["root"]
    block = final.finalise(helpers.committed((20, bytes(32), batch.root)), bytes(32), batch)
    messages = []
    for i, (seed, value) in enumerate(zip(vector["validators"], vector["shares"], strict=True)):
        signer = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
        held = HeldShares(i, {i + 1: int(value)})
        messages.append(shares.make_shares(block, held, final.MemoryRoots(), signer))
    assert [message.to_bytes().hex() for message in messages] == vector["messages"]
    assert [ShareMessage.from_bytes(message.to_bytes()) for message in messages] == messages
    shares.verify_shares(batch, messages)
    found, _ = reveal.recover(batch, messages[: key.parameters.quorum])
    assert found == Reveal.from_bytes(bytes.fromhex(vector["reveal"]))
    assert [g1_to_bytes(p).hex() for p in found.points] == [c["shared"] for c in vector["sealed"]]
    seed = reveal.reveal_seed(batch, found.points)
    assert seed.hex() == vector["reveal_seed"]
    rho = reveal.coefficients(seed, "reveal", len(batch))
    assert rho == list(map(int, vector["reveal_coefficients"]))
    opened = reveal.open_batch(batch, found)
    assert opened == tuple(bytes.fromhex(case["intent"]) for case in vector["sealed"])


def test_the_file_is_what_its_generator_says_and_the_readme_lists_it() -> None:
    spec = importlib.util.spec_from_file_location("sealing_vectors", FOLDER / "sealing.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.document() == (FOLDER / "sealing.json").read_text()
    assert "`sealing.json`" in (FOLDER / "README.md").read_text()


@pytest.mark.slow
def test_py_ecc_agrees_with_the_pairing_checks(helpers) -> None:
    """One share and one opened point, by another implementation's pairing; and both off by G."""
    from py_ecc import optimized_bn128 as bn

    def g1(point):
        return (bn.FQ(point[0]), bn.FQ(point[1]), bn.FQ(1))

    def g2(point):
        return (bn.FQ2(point[0]), bn.FQ2(point[1]), bn.FQ2((1, 0)))

    vector = DOCUMENT["committees"][0]
    key = EpochKey.from_bytes(bytes.fromhex(vector["key"]))
    u = g1(Envelope.from_bytes(bytes.fromhex(vector["sealed"][0]["envelope"])).seal.u)
    share = g1(ShareMessage.from_bytes(bytes.fromhex(vector["messages"][1])).points[0])
    opened = g1(Reveal.from_bytes(bytes.fromhex(vector["reveal"])).points[0])
    assert bn.pairing(bn.G2, share) == bn.pairing(g2(key.vks[1]), u)
    right = bn.pairing(g2(key.pk2), u)
    assert bn.pairing(bn.G2, opened) == right
    assert bn.pairing(bn.G2, bn.add(opened, bn.G1)) != right
