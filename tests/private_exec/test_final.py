"""No share before finality: the token cannot be had without evidence, not even by accident."""

from __future__ import annotations

import copy
import pickle
import typing
from dataclasses import replace

import pytest

from private_exec import final, shares
from private_exec.batch import Batch
from private_exec.errors import NotFinal, SealRefused
from private_exec.final import FinalBlock, MemoryRoots, finalise
from private_exec.keys import HeldShares

BLOCK = bytes(range(32))


class Durable(MemoryRoots):
    """Counts what was written, and can die right after."""

    def __init__(self, *, die: bool = False) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.die = die

    def record(self, height: int, epoch: int, root: bytes) -> None:
        super().record(height, epoch, root)
        self.written.append(root)
        if self.die:
            raise KeyboardInterrupt


def make(w, block, roots=None, member=0):
    return shares.make_shares(block, w.held[member], roots or MemoryRoots(), w.signers[member])


def test_px1_a_block_that_is_not_final_gives_no_token(world, helpers) -> None:
    w = world(4)
    batch = w.batch(2)
    for evidence in (
        helpers.committed(),
        helpers.committed((21, BLOCK, batch.root)),
        helpers.committed((20, bytes(32), batch.root)),
        helpers.committed((20, BLOCK, bytes(32))),
    ):
        with pytest.raises(NotFinal) as caught:
            finalise(evidence, BLOCK, batch)
        assert caught.value.rule == "PX-1"
    token = finalise(helpers.committed((20, BLOCK, batch.root)), BLOCK, batch)
    assert token.batch is batch
    assert make(w, token) is not None


def test_px1_shares_are_made_of_a_token_only(world) -> None:
    w = world(4)
    batch = w.batch(2)
    look_alike = type("FinalBlock", (), {"batch": batch, "block_hash": BLOCK})()
    roots = Durable()
    for block in (batch, look_alike, None, (BLOCK, batch), batch.root):
        with pytest.raises(NotFinal) as caught:
            make(w, block, roots)
        assert caught.value.rule == "PX-1"
    assert roots.written == []


def test_px1_there_is_no_other_way_to_a_token(world) -> None:
    w = world(4)
    batch = w.batch(2)
    token = w.final(batch)
    for attempt in (
        lambda: FinalBlock(None, BLOCK, batch),
        lambda: FinalBlock(object(), BLOCK, batch),
        lambda: FinalBlock(BLOCK, batch),
        lambda: copy.copy(token),
        lambda: copy.deepcopy(token),
        lambda: pickle.dumps(token),
        lambda: type("Mine", (FinalBlock,), {}),
        lambda: setattr(token, "batch", batch),
        lambda: Batch(None, 20, w.key, ()),
        lambda: copy.copy(batch),
        lambda: pickle.dumps(batch),
        lambda: type("Mine", (Batch,), {}),
        lambda: setattr(batch, "envelopes", ()),
    ):
        with pytest.raises(TypeError):
            attempt()


def test_px1_only_a_checked_batch_becomes_final(world, helpers) -> None:
    """A stand-in with the right root, whose ciphertexts nobody verified."""
    w = world(4)
    batch = w.batch(2)
    fake = type("Batch", (), {"height": 20, "root": batch.root, "envelopes": batch.envelopes})()
    with pytest.raises(NotFinal) as caught:
        finalise(helpers.committed((20, BLOCK, batch.root)), BLOCK, fake)
    assert caught.value.rule == "PX-1"


def test_px1_a_vote_extension_for_a_height_that_is_not_final_has_no_share(world, helpers) -> None:
    """The engine asks at H + 1 for shares of H: of H + 1 itself it gets none, whatever it holds."""
    w = world(4)
    final_batch, next_batch = w.batch(2), w.batch(items=[w.envelope(5)], height=21)
    evidence = helpers.committed((20, BLOCK, final_batch.root))
    assert make(w, finalise(evidence, BLOCK, final_batch)) is not None
    with pytest.raises(NotFinal) as caught:
        finalise(evidence, BLOCK, next_batch)
    assert caught.value.rule == "PX-1"


def test_px1_the_type_says_so() -> None:
    """A type checker refuses anything else, and nothing public computes shares of a mere batch."""
    assert typing.get_type_hints(shares.make_shares)["block"] is FinalBlock
    makers = [
        name
        for name, function in vars(shares).items()
        if not name.startswith("_")
        and getattr(function, "__module__", "") == shares.__name__
        and callable(function)
        and HeldShares in typing.get_type_hints(function).values()
    ]
    assert makers == ["make_shares"]


def test_px19_two_signed_roots_are_evidence(world) -> None:
    w = world(4)
    first, second = w.batch(2), w.batch(items=[w.envelope(5)])
    a, b = make(w, w.final(first)), make(w, w.final(second))
    shares.check_two_roots(w.key, a, b)
    later = make(w, w.final(w.batch(2, height=21)))
    another = make(w, w.final(second), member=1)
    forged = replace(b, signature=a.signature)
    stranger = [replace(m, member=9) for m in (a, b)]
    other_epoch = [replace(m, epoch=9) for m in (a, b)]
    for pair in ((a, a), (a, later), (a, another), (a, forged), (forged, a), stranger, other_epoch):
        with pytest.raises(SealRefused) as caught:
            shares.check_two_roots(w.key, *pair)
        assert caught.value.rule == "PX-19"


def test_px19_one_root_for_a_height(world) -> None:
    w = world(4)
    first, second = w.batch(2), w.batch(items=[w.envelope(5)])
    roots = Durable()
    make(w, w.final(first), roots)
    with pytest.raises(NotFinal) as caught:
        make(w, w.final(second), roots)
    assert caught.value.rule == "PX-19"
    make(w, w.final(w.batch(items=[w.envelope(5)], height=21)), roots)
    assert len(roots.written) == 2


def test_px19_a_crash_between_log_and_send_sends_the_same_share(world) -> None:
    w = world(4)
    batch = w.batch(2)
    roots = Durable(die=True)
    with pytest.raises(KeyboardInterrupt):
        make(w, w.final(batch), roots)
    assert roots.written == [batch.root]  # recorded, nothing sent
    roots.die = False
    again = make(w, w.final(w.batch(2)), roots)
    assert again == make(w, w.final(batch))
    assert roots.written == [batch.root]
    with pytest.raises(NotFinal) as caught:
        make(w, w.final(w.batch(items=[w.envelope(5)])), roots)
    assert caught.value.rule == "PX-19"


def test_an_empty_batch_has_no_shares_and_leaves_no_record(world) -> None:
    w = world(4)
    roots = Durable()
    assert make(w, w.final(w.batch(0)), roots) is None
    assert roots.written == []


def test_the_log_is_asked_before_a_share_exists(world, monkeypatch) -> None:
    w = world(4)
    monkeypatch.setattr(shares, "_share_points", lambda *_: pytest.fail("a share was computed"))
    with pytest.raises(KeyboardInterrupt):
        make(w, w.final(w.batch(2)), Durable(die=True))


def test_evidence_is_asked_of_the_engine_each_time(world) -> None:
    """An engine that changes its mind is not remembered."""
    w = world(4)
    batch = w.batch(1)

    class Fickle:
        calls = 0

        def confirm(self, *_: object) -> None:
            self.calls += 1
            if self.calls > 1:
                raise NotFinal("PX-1", "not final")

    evidence = Fickle()
    final.finalise(evidence, BLOCK, batch)
    with pytest.raises(NotFinal):
        final.finalise(evidence, BLOCK, batch)
