"""Evidence about holders of keys, judged by its bytes and the state: LN-50 … LN-53."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.ids import ID_BYTES, Height
from node.lane import evidence, generation, layout
from node.lane.errors import LaneRefused
from node.lane.evidence import Judge, WrongShare
from node.lane.payload import KeyMessage, KeyTx, wire
from node.stake.faults import FaultKind, Offence
from node.stake.transaction import MAX_EVIDENCE
from node.testing.keepers import Town, consensus_keys
from node.testing.lane import LaneChain
from private_exec import group
from private_exec.cipher import TAG_BYTES
from private_exec.envelope import SIZE_CLASSES
from private_exec.keygen import dealing as dealings
from private_exec.keygen.protocol import FaultKind as KeyFault
from private_exec.keygen.protocol import make_commit
from private_exec.parameters import MAX_BATCH
from private_exec.weights import MAX_MESSAGE_BYTES, assign
from zk.errors import DecodeError

FAST = 1


def refused(rule: str, judge: Judge, kind: FaultKind, data: bytes, state) -> str:
    with pytest.raises(LaneRefused) as caught:
        judge.judge(kind, data, state)
    assert caught.value.rule == rule
    return caught.value.message


def signed(key, message, **changes):
    bad = replace(message, **changes)
    return replace(bad, signature=consensus_keys(4)[bad.member].sign(bad.digest(key)))


@pytest.fixture
def closed(chain) -> LaneChain:
    """A batch of two waits to be opened."""
    chain.step(chain.seal(b"one", domain=FAST), chain.seal(b"two", domain=FAST))
    return chain


def lies(chain, member: int, at: int = 1):
    """The batch, and a member's shares of it with one of them doubled."""
    item = chain.closed(FAST)
    (good,) = chain.messages(item, [member])
    points = list(good.points)
    points[at] = group.multiple_g1(2, points[at])
    return chain.batch(item), signed(chain.batch(item).key, good, points=tuple(points)), good


def other_root(chain, member: int):
    batch, _, good = lies(chain, member)
    return good, signed(batch.key, good, root=bytes(32))


def test_ln50_two_roots_of_one_height_prove_themselves(closed) -> None:
    judge, state = Judge(closed.genesis), closed.state
    first, second = other_root(closed, 2)
    _, anothers = other_root(closed, 1)
    validator = closed.genesis.validators[2]
    found = Offence(validator, FaultKind.TWO_ROOTS, Height(first.height))
    data = evidence.two_roots(FAST, first, second)
    assert data == evidence.two_roots(FAST, second, first)
    assert judge.judge(FaultKind.TWO_ROOTS, data, state) == found
    closed.run_to(closed.height + 5)
    assert closed.live(FAST) == ()  # over, and its ciphertexts are gone
    assert judge.judge(FaultKind.TWO_ROOTS, data, closed.state) == found
    turned = data[:4] + swapped(data[4:])
    assert "order" in refused("LN-50", judge, FaultKind.TWO_ROOTS, turned, state)
    same = evidence.two_roots(FAST, first, first)
    refused("LN-50", judge, FaultKind.TWO_ROOTS, same, state)
    data = evidence.two_roots(FAST, first, anothers)
    assert "PX-19" in refused("LN-50", judge, FaultKind.TWO_ROOTS, data, state)
    for pair in ((first, forged(second)), (forged(first), second)):
        data = evidence.two_roots(FAST, *pair)
        assert "signed" in refused("LN-50", judge, FaultKind.TWO_ROOTS, data, state)


def forged(message):
    return replace(message, signature=bytes(64))


def swapped(pair: bytes) -> bytes:
    """Two length-prefixed messages, the other way round."""
    cut = 4 + int.from_bytes(pair[:4], "little")
    return pair[cut:] + pair[:cut]


def test_ln51_a_wrong_share_proves_itself(closed) -> None:
    judge, state = Judge(closed.genesis), closed.state
    batch, bad, good = lies(closed, 1)
    validator = closed.genesis.validators[1]
    found = Offence(validator, FaultKind.WRONG_SHARE, Height(bad.height))
    said = WrongShare.of(FAST, batch, bad)
    assert said.place == 1
    assert WrongShare.from_bytes(said.to_bytes()) == said
    assert judge.judge(FaultKind.WRONG_SHARE, said.to_bytes(), state) == found
    short = signed(batch.key, good, points=good.points[:1])
    data = evidence.wrong_share(FAST, batch, short)
    assert judge.judge(FaultKind.WRONG_SHARE, data, state) == found
    closed.run_to(closed.height + 5)
    assert closed.live(FAST) == ()
    assert judge.judge(FaultKind.WRONG_SHARE, said.to_bytes(), closed.state) == found
    assert evidence.wrong_share(FAST, batch, good) == b""
    honest = replace(said, message=good).to_bytes()
    assert "is right" in refused("LN-51", judge, FaultKind.WRONG_SHARE, honest, state)
    for changed in (replace(said, place=0), replace(said, ids=said.ids[:1])):
        refused("LN-51", judge, FaultKind.WRONG_SHARE, changed.to_bytes(), state)
    with pytest.raises(DecodeError):
        judge.judge(FaultKind.WRONG_SHARE, said.to_bytes() + b"\0", state)


def test_ln51_of_what_nobody_signed_no_point_is_read(closed) -> None:
    """Whoever sends evidence pays nothing for it, and decoding points is dear."""
    judge, state = Judge(closed.genesis), closed.state
    batch, bad, _ = lies(closed, 1)
    said = WrongShare.of(FAST, batch, bad)
    message = said.message.to_bytes()
    start = len(message) - 64 - 32 * len(bad.points)
    for changed in (
        message[:start] + b"\xff" * 32 * len(bad.points) + message[-64:],  # no points
        message[: 50 - 2] + (9).to_bytes(2, "little") + message[50:],  # no such member
        message[:-64] + bytes(64),
    ):
        data = said.to_bytes().replace(message, changed)
        assert "signed" in refused("LN-51", judge, FaultKind.WRONG_SHARE, data, state)


def test_ln51_a_keeper_has_the_evidence_of_what_it_heard(fresh) -> None:
    chain = fresh(4)
    town = Town(chain, ahead=True)
    for _ in range(4):
        town.step()
    town.step(*(chain.seal(b"%d" % k, domain=FAST) for k in range(2)))
    key = layout.key_of(chain.state, FAST, 0)
    (good,), (other,) = town.shares_of(1), town.shares_of(2)
    wrong, short = (
        signed(key, good, points=other.points),
        signed(key, other, points=()),
    )
    keeper = town.keeper(0)
    keeper.resume(chain.state, chain.height, town.evidence_of)
    keeper.hear(wrong)
    keeper.hear(short)
    keeper.hear(signed(key, town.shares_of(3)[0], root=bytes(32)))
    for message in (town.shares_of(3)[0], other):
        keeper.hear(message)
    judge = Judge(chain.genesis)
    found = [judge.judge(kind, data, chain.state) for kind, data in keeper.evidence(chain.state)]
    places = [(item.kind, chain.genesis.validators.index(item.key)) for item in found]
    assert sorted(places) == [
        (FaultKind.TWO_ROOTS, 3),
        (FaultKind.WRONG_SHARE, 1),
        (FaultKind.WRONG_SHARE, 2),
    ]


def test_ln51_the_largest_that_there_can_be_fits_a_transaction() -> None:
    """Of a hundred equal validators, or unequal ones with twice as many shares."""
    for stakes in ([1] * 100, [1 + k * k for k in range(100)], [100 + k % 7 for k in range(99)]):
        found = assign(stakes)
        seal = 5 * 32 + SIZE_CLASSES[-1] + TAG_BYTES
        ciphertexts = found.parameters.packing * (ID_BYTES + 4 + seal)
        around = 4 + 4 + 2 + MAX_BATCH * ID_BYTES + 2 + 2
        assert MAX_MESSAGE_BYTES + around + ciphertexts <= MAX_EVIDENCE


def test_ln52_what_the_chain_found_about_the_making_of_a_key(fresh) -> None:
    """Member 2 commits twice; member 3 commits and does not open, which others may have caused."""
    chain = fresh(4)
    chain.step(*(chain.key_message(m, KeyMessage.NOTICE) for m in range(4)))
    commits = [chain.key_message(m, KeyMessage.COMMIT) for m in range(4)]
    keygen = generation.replay(chain.state, chain.genesis, 0, 0, 0)
    again = second_commit(chain, keygen, 2)
    chain.step(*commits, again)
    chain.step(*(chain.key_message(m, KeyMessage.DEALING) for m in range(3)))
    chain.step()
    judge, state = Judge(chain.genesis), chain.state
    kinds = {fault.member: fault.kind for fault in generation.finding(state, 0, 0, 0).faults}
    assert kinds == {2: KeyFault.TWO_COMMITS, 3: KeyFault.NOT_OPENED}
    (data,) = evidence.of_keys(state, chain.genesis, range(2))
    validator = chain.genesis.validators[2]
    found = Offence(validator, FaultKind.KEY_GENERATION, Height(1))
    assert judge.judge(FaultKind.KEY_GENERATION, data, state) == found
    member, kind = len(data) - 3, len(data) - 1
    silent = data[:member] + b"\x03\0" + bytes([list(KeyFault).index(KeyFault.NOT_OPENED)])
    assert "intent" in refused("LN-52", judge, FaultKind.KEY_GENERATION, silent, state)
    for at in (0, 4, 12, member, kind):
        changed = bytearray(data)
        changed[at] = 0 if at == kind else changed[at] ^ 1
        refused("LN-52", judge, FaultKind.KEY_GENERATION, bytes(changed), state)


def second_commit(chain, keygen, member: int) -> bytes:
    """To another dealing, signed as the first."""
    other = dealings.make(keygen.context, keygen.keys, member, bytes(32))
    commit = make_commit(keygen.session, other, chain.validators[member])
    return wire(KeyTx(0, 0, 0, KeyMessage.COMMIT, commit.to_bytes()))


def test_ln53_of_a_key_that_there_is_at_a_height_of_its_epoch(closed) -> None:
    judge, state = Judge(closed.genesis), closed.state
    batch, bad, good = lies(closed, 1)
    said = WrongShare.of(FAST, batch, bad)
    elsewhere = replace(said, domain=7).to_bytes()
    assert "no key" in refused("LN-53", judge, FaultKind.WRONG_SHARE, elsewhere, state)
    for changes in ({"epoch": 3}, {"height": 51}, {"height": 0}):
        first, second = (signed(batch.key, good, root=bytes([k]) * 32, **changes) for k in (1, 2))
        data = evidence.two_roots(FAST, first, second)
        refused("LN-53", judge, FaultKind.TWO_ROOTS, data, state)
    refused("LN-53", judge, FaultKind.DUPLICATE_VOTE, b"", state)
