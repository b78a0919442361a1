"""What a reader can set in motion."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from circuits.key_registry import DEV
from circuits.keys import KeyStore
from node.app import assembly
from node.core.private import TRANSIT
from node.explorer import again as again_module
from node.explorer.again import Again, Allowance
from node.explorer.errors import TooSoon
from node.explorer.tx_pages import claim_of
from node.lane.blobs.blob import NoBytes
from node.private.prove import linked_prover
from node.private.statements import claims_of
from node.testing.private import PrivateChain
from shielded.private_owner import PrivateOwner
from zk.errors import InvalidProof, UnknownKey


@pytest.fixture
def own(helpers):
    return {"origin": helpers.me}


@pytest.fixture(scope="module")
def keys(story):
    return assembly.verifying_keys(story.node.genesis, KeyStore())


def verdict(page: str) -> str:
    (found,) = re.findall(r'<div class="verdict (good|bad)"', page)
    return found


def test_a_proof_is_verified_again(story, http, own) -> None:
    path = f"/explorer/tx/{story.shielded}/proof/0"
    assert 'class="verdict' not in http.get(path).text
    answer = http.post(path, headers=own)
    assert answer.status_code == 200
    assert verdict(answer.text) == "good"
    assert "on this node" in answer.text


def test_rpc61_no_verdict_is_remembered(story, keys, monkeypatch) -> None:
    """The bytes that are there now count, though the node's own verifier has seen the claim."""
    claim, _ = claim_of(story.service, bytes.fromhex(story.shielded), 0)
    again = Again(story.service, keys)
    assert again.verify(claim).ok
    public = (*claim.public[:-1], claim.public[-1] ^ 1)
    wrong = again.verify(replace(claim, public=public))
    assert (wrong.ok, wrong.code) == (False, InvalidProof.code)
    torn = again.verify(replace(claim, proof=b"\xff" * 128))
    assert not torn.ok
    unknown = again.verify(replace(claim, key_id="other/1"))
    assert (unknown.ok, unknown.code) == (False, UnknownKey.code)
    asked = []
    monkeypatch.setattr(again_module, "check_claim", lambda *found: asked.append(found))
    again.verify(claim)
    again.verify(claim)
    assert len(asked) == 2


def test_a_proof_that_hides_inputs_is_verified_with_its_link(story) -> None:
    store = KeyStore()
    chain = PrivateChain(linked=linked_prover(profile=DEV, keys=store))
    chain.start()
    stored, _ = chain.stored(5000, PrivateOwner(bytes(32), bytes(32)))
    (claim,) = claims_of(stored)
    again = Again(story.service, {TRANSIT: store.verifying_key(TRANSIT, DEV)})
    found = again.verify(claim)
    assert found.ok, found
    assert "link" in found.says
    assert claim.linked is not None
    other = replace(claim, linked=replace(claim.linked, context=bytes(32)))
    assert not again.verify(other).ok


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://127.0.0.1:7420.evil.example"},
    ],
)
def test_rpc61_forms_of_other_sites_are_refused(story, http, headers) -> None:
    for path in (f"/tx/{story.shielded}/proof/0", f"/da/{story.blob}"):
        answer = http.post("/explorer" + path, headers=headers)
        assert answer.status_code == 403
        assert "RPC-61" in answer.text


def test_rpc61_the_rate_is_bounded_for_all_readers_together() -> None:
    now = [0.0]
    allowance = Allowance(0.5, 3, lambda: now[0])
    for _ in range(3):
        allowance.take()
    with pytest.raises(TooSoon, match="RPC-61"):
        allowance.take()
    now[0] = 0.6
    allowance.take()
    with pytest.raises(TooSoon):
        allowance.take()
    now[0] = 1000.0
    for _ in range(3):
        allowance.take()
    with pytest.raises(TooSoon):
        allowance.take()


def test_rpc61_too_soon_is_told_by_its_status(story, helpers, own) -> None:
    with helpers.browser_of(story.node) as http:
        path = f"/explorer/tx/{story.shielded}/proof/0"
        statuses = [http.post(path, headers=own).status_code for _ in range(30)]
    assert statuses[0] == 200
    assert set(statuses) == {200, 429}


def test_a_blob_is_read_from_its_rows(story, http, own, monkeypatch) -> None:
    path = f"/explorer/da/{story.blob}"
    answer = http.post(path, headers=own)
    assert verdict(answer.text) == "good"
    assert "6 sealed intents" in answer.text

    def nothing(*_):
        raise NoBytes("too few rows are here")

    monkeypatch.setattr(type(story.service.da.source), "blob", nothing)
    gone = http.post(path, headers=own)
    assert verdict(gone.text) == "bad"


def test_what_is_not_there_cannot_be_verified(http, own) -> None:
    for path in ("/tx/" + "0" * 64 + "/proof/0", "/da/" + "0" * 64):
        assert http.post("/explorer" + path, headers=own).status_code == 404
    assert http.post("/explorer/supply", headers=own).status_code in {404, 405}
