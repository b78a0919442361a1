"""Shares as they arrive: in vote extensions and by gossip, from honest validators and others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.effects import BatchScope
from node.lane.errors import LaneRefused
from node.lane.validator import extension
from node.lane.validator.gathering import MOST_EARLY, Gatherings, ShareFault
from node.testing.cluster.keys import EPOCH, WINDOW, keys
from private_exec.batch import order
from private_exec.errors import SealRefused
from private_exec.final import MemoryRoots, finalise
from private_exec.shares import ShareMessage, make_shares
from zk.errors import DecodeError

DOMAIN = 0
STRANGER = bytes(32)


class Final:
    """Evidence of a block that is taken for final here; `test_certificate` has the real one."""

    def confirm(self, height, block_hash, batch_root) -> None:
        return


@pytest.fixture(scope="module")
def made():
    return keys(4)


def batch_of(made, height, *numbers):
    return order(made.key, WINDOW, height, [made.sealed(n) for n in numbers])


def share(made, batch, member) -> ShareMessage:
    token = finalise(Final(), bytes(32), batch)
    message = make_shares(token, made.held[member], MemoryRoots(), made.signers[member])
    assert message is not None
    return message


def wrong(made, batch, member) -> ShareMessage:
    """Signed by the member, of the right form, and of other points."""
    good = share(made, batch, member)
    unsigned = replace(good, points=tuple(share(made, batch, (member + 1) % 4).points))
    digest = unsigned.digest(made.key)
    return replace(unsigned, signature=made.signers[member].sign(digest))


@pytest.fixture(scope="module")
def batches(made):
    return batch_of(made, 5, 0, 1), batch_of(made, 6, 2), batch_of(made, 7, 3)


def following(made, pending, height=7) -> Gatherings:
    heard = Gatherings()
    follow(heard, made, pending, height)
    return heard


def follow(heard, made, pending, height=7) -> None:
    scoped = [(BatchScope(DOMAIN, EPOCH, batch.height), batch) for batch in pending]
    heard.follow(height, {(DOMAIN, EPOCH): made.key}, scoped)


def reveal_of(heard, batch):
    found = heard.of(BatchScope(DOMAIN, EPOCH, batch.height))
    return None if found is None else found.reveal


def voter(made, member: int) -> bytes:
    return made.key.roster.members[member].key


def rule(call, *arguments) -> str:
    with pytest.raises((LaneRefused, SealRefused)) as refused:
        call(*arguments)
    return refused.value.rule


# VOTE EXTENSIONS


def test_an_extension_carries_right_shares_in_order(made, batches) -> None:
    messages = [share(made, batch, 2) for batch in batches]
    data = extension.encode(messages)
    assert extension.decode(data) == tuple(messages)
    extension.check(data, voter(made, 2), batches)
    extension.check(extension.encode(messages[1:]), voter(made, 2), batches)
    extension.check(b"", voter(made, 2), batches)
    extension.check(b"", STRANGER, batches)
    assert extension.encode([]) == b""


def test_ln28_an_extension_has_one_encoding_and_a_bound(made, batches) -> None:
    good = extension.encode([share(made, batches[0], 1)])
    assert rule(extension.decode, b"\0") == "LN-28"
    assert rule(extension.decode, good + bytes(8192)) == "LN-28"
    for bad in (good[:-1], good + b"\0", b"\x02" + good[1:], b"\x01"):
        with pytest.raises(DecodeError):
            extension.decode(bad)


def test_ln28_what_does_not_fit_waits(made, batches) -> None:
    message = share(made, batches[0], 1)
    one = len(extension.encode([message])) - 1
    data = extension.encode([message] * 200)
    assert len(data) <= extension.MAX_EXTENSION < len(data) + one
    assert len(extension.decode(data)) == data[0]


def test_ln29_only_the_voters_own_shares_of_what_is_pending(made, batches) -> None:
    first, second, third = batches
    pending = (first, second)
    own = extension.encode([share(made, first, 1)])
    assert rule(extension.check, own, voter(made, 2), pending) == "LN-29"
    later = extension.encode([share(made, third, 1)])
    assert rule(extension.check, later, voter(made, 1), pending) == "LN-29"
    turned = extension.encode([share(made, second, 1), share(made, first, 1)])
    assert rule(extension.check, turned, voter(made, 1), pending) == "LN-29"
    twice = extension.encode([share(made, first, 1)] * 2)
    assert rule(extension.check, twice, voter(made, 1), pending) == "LN-29"


def test_ln29_a_wrong_share_refuses_the_vote(made, batches) -> None:
    bad = wrong(made, batches[0], 1)
    assert rule(extension.check, extension.encode([bad]), voter(made, 1), batches) == "PX-18"
    good = share(made, batches[0], 1)
    unsigned = replace(good, signature=bytes(64))
    assert rule(extension.check, extension.encode([unsigned]), voter(made, 1), batches) == "PX-18"
    short = replace(good, points=good.points[:1])
    assert rule(extension.check, extension.encode([short]), voter(made, 1), batches) == "PX-8"


# GOSSIP


def test_a_quorum_opens_the_batch(made, batches) -> None:
    heard = following(made, batches)
    for member in (0, 1):
        heard.hear(share(made, batches[0], member))
    assert reveal_of(heard, batches[0]) is None
    heard.hear(share(made, batches[0], 3))
    assert reveal_of(heard, batches[0]) is not None
    assert reveal_of(heard, batches[1]) is None
    assert not heard.faults


def test_ln31_a_wrong_share_is_attributed_and_the_rest_opens(made, batches) -> None:
    batch = batches[0]
    heard = following(made, [batch])
    bad = wrong(made, batch, 0)
    heard.hear(bad)
    for member in (1, 2):
        heard.hear(share(made, batch, member))
    assert reveal_of(heard, batch) is None
    assert list(heard.faults) == [ShareFault(voter(made, 0), DOMAIN, batch.height, "PX-18", b"")]
    assert rule(heard.hear, share(made, batch, 0)) == "LN-31"  # it had its turn
    heard.hear(share(made, batch, 3))
    assert reveal_of(heard, batch) is not None
    assert len(heard.faults) == 1


def test_ln31_a_wrong_share_in_a_refused_vote_is_attributed_too(made, batches) -> None:
    """Nobody else may ever hear it, and the batch may be open already."""
    batch = batches[0]
    heard = following(made, [batch])
    for member in (0, 1, 2):
        heard.hear(share(made, batch, member))
    assert reveal_of(heard, batch) is not None
    good, bad = share(made, batch, 3), wrong(made, batch, 3)
    nobodys = replace(wrong(made, batch, 2), signature=bytes(64))
    heard.convict([good, nobodys])
    assert not heard.faults
    heard.convict([bad, bad])
    assert list(heard.faults) == [ShareFault(voter(made, 3), DOMAIN, batch.height, "PX-18", b"")]
    assert heard.faults[0].evidence


def test_ln31_shares_of_wrong_form_in_a_refused_vote_are_attributed_too(made, batches) -> None:
    batch = batches[0]
    heard = following(made, [batch])
    short = replace(share(made, batch, 3), points=())
    short = replace(short, signature=made.signers[3].sign(short.digest(made.key)))
    heard.convict([short, replace(short, signature=bytes(64))])
    assert list(heard.faults) == [ShareFault(voter(made, 3), DOMAIN, batch.height, "PX-8", b"")]
    assert heard.faults[0].evidence


def test_ln31_shares_under_the_key_of_another_epoch_are_their_signers_fault(made, batches) -> None:
    """Its roster may be larger: a place in it means nothing in that of the batch."""
    batch, larger = batches[0], keys(5)
    other = replace(larger.key, epoch=EPOCH + 1)
    heard = Gatherings()
    known = {(DOMAIN, EPOCH): made.key, (DOMAIN, EPOCH + 1): other}
    heard.follow(7, known, [(BatchScope(DOMAIN, EPOCH, batch.height), batch)])
    message = replace(share(made, batch, 0), epoch=EPOCH + 1, member=4)
    message = replace(message, signature=larger.signers[4].sign(message.digest(other)))
    assert rule(heard.hear, message) == "PX-8"
    heard.convict([message])
    (fault,) = heard.faults
    assert (fault.validator, fault.rule) == (other.roster.members[4].key, "PX-8")
    assert fault.evidence == b"", "it proves nothing to others"


def test_ln31_what_no_validator_signed_is_nothing(made, batches) -> None:
    batch = batches[0]
    heard = following(made, [batch])
    good = share(made, batch, 1)
    assert rule(heard.hear, replace(good, member=2)) == "LN-31"
    assert rule(heard.hear, replace(good, member=9)) == "LN-31"
    assert rule(heard.hear, replace(good, signature=bytes(64))) == "LN-31"
    assert rule(heard.hear, replace(good, height=900)) == "LN-31"
    assert not heard.faults
    assert rule(Gatherings().hear, good) == "LN-31"  # no key is known here


def test_ln31_a_signed_message_of_wrong_form_is_its_signers_fault(made, batches) -> None:
    batch = batches[0]
    heard = following(made, [batch])
    good = share(made, batch, 1)
    short = replace(good, points=good.points[:1])
    short = replace(short, signature=made.signers[1].sign(short.digest(made.key)))
    for _ in range(2):
        assert rule(heard.hear, short) == "PX-8"
    assert list(heard.faults) == [ShareFault(voter(made, 1), DOMAIN, batch.height, "PX-8", b"")]
    for member in (0, 1, 2):  # which takes nothing from its own right one
        heard.hear(share(made, batch, member))
    assert reveal_of(heard, batch) is not None


def test_ln31_heights_that_are_far_off_are_not_kept(made, batches) -> None:
    heard = following(made, [], height=30)
    for batch in (batches[0], batch_of(made, 19, 0), batch_of(made, 47, 0)):
        assert rule(heard.hear, share(made, batch, 1)) == "LN-31"
    heard.hear(share(made, batch_of(made, 20, 0), 1))
    heard.hear(share(made, batch_of(made, 46, 0), 1))


def test_shares_that_come_before_their_block_are_kept(made, batches) -> None:
    first = batches[0]
    heard = following(made, [], height=4)
    for member in (0, 2, 3):
        heard.hear(share(made, first, member))
    follow(heard, made, [first], height=5)
    assert reveal_of(heard, first) is not None
    follow(heard, made, [], height=6)
    heard.hear(share(made, first, 1))  # late: the batch was opened
    follow(heard, made, [first], height=6)
    assert reveal_of(heard, first) is None


def test_ln31_early_messages_are_bounded_for_each_member(made) -> None:
    heard = following(made, [], height=1)
    many = [batch_of(made, height, 0) for height in range(2, 2 + MOST_EARLY)]
    others = [batch_of(made, height, 1) for height in range(2, 10)]
    for batch in (*many, *others):
        heard.hear(share(made, batch, 0))
    heard.hear(share(made, many[0], 1))
    follow(heard, made, many, height=2)
    members = [heard.of(BatchScope(DOMAIN, EPOCH, batch.height)).members for batch in many]
    assert sum(0 in row for row in members) == MOST_EARLY - len(others)
    assert 1 in members[0]


def test_px19_two_roots_of_one_height_are_evidence(made) -> None:
    one, other = batch_of(made, 5, 0), batch_of(made, 5, 1)
    heard = following(made, [one], height=4)
    heard.hear(share(made, one, 2))
    heard.hear(share(made, one, 2))
    assert not heard.two_roots
    for _ in range(2):
        heard.hear(share(made, other, 2))
    (found,) = heard.two_roots
    assert (found.domain, found.first.root, found.second.root) == (DOMAIN, one.root, other.root)
    assert found.first.member == found.second.member == 2
    assert found.validator == voter(made, 2)


def test_px19_who_signs_ever_more_roots_pushes_out_nobodys_evidence(made) -> None:
    one, *others = (batch_of(made, 5, number) for number in range(8))
    heard = following(made, [], height=4)
    for batch in (one, others[0]):
        heard.hear(share(made, batch, 1))
    for batch in (one, *others):
        heard.hear(share(made, batch, 2))
    assert [(item.domain, item.first.member) for item in heard.two_roots] == [
        (DOMAIN, 1),
        (DOMAIN, 2),
    ]
