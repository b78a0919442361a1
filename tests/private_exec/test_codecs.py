"""Every message from damaged bytes: refused with an error of ours, or another message in full."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.envelope import Envelope
from private_exec.keygen.complaint import Complaint
from private_exec.keygen.dealing import Dealing
from private_exec.keygen.notice import Notice
from private_exec.keygen.protocol import Commit, make_commit
from private_exec.keys import EpochKey
from private_exec.reveal import Reveal, recover
from private_exec.shares import ShareMessage
from zk.errors import DecodeError

KINDS = (Envelope, ShareMessage, Reveal, EpochKey, Notice, Commit, Dealing, Complaint)


@pytest.fixture(scope="module")
def samples(world, generation):
    w = world(4)
    batch = w.batch(2)
    messages = w.messages(batch)
    run = generation(4)
    run.notices()
    run.commits()
    run.deal()
    member = run.members[1]
    made = (
        batch.envelopes[0],
        messages[0],
        recover(batch, messages)[0],
        w.key,
        member.notice(),
        make_commit(run.keygen.session, member.dealing(), run.signers[1]),
        member.dealing(),
        member._accuse(run.keygen, 0, 2),
    )
    return dict(zip(KINDS, (message.to_bytes() for message in made), strict=True))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_px15_damaged_bytes(codec, samples, kind, data) -> None:
    codec.holds_damaged(kind, samples[kind], data)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(raw=st.binary(max_size=300))
@settings(max_examples=25, deadline=None)
def test_px15_any_bytes(codec, kind, raw) -> None:
    codec.holds(kind, raw)


@pytest.mark.parametrize("kind", [ShareMessage, Reveal, Dealing, EpochKey])
def test_px15_counts_are_refused_before_anything_is_read(kind, samples) -> None:
    """The largest count that fits the field, in a message of a few bytes."""
    heads = {
        ShareMessage: bytes(50) + b"\xff" * 4,
        Reveal: bytes(48) + b"\xff" * 2,
        Dealing: bytes(2) + b"\xff" * 4,
        EpochKey: b"\1" + b"\xff" * 4,
    }
    with pytest.raises(DecodeError, match="more than"):
        kind.from_bytes(heads[kind])


def test_a_second_form_of_a_header_is_refused(samples) -> None:
    """Bytes behind the inner parts of a key."""
    raw = samples[EpochKey]
    at = 1
    size = int.from_bytes(raw[at : at + 4], "little")
    longer = (size + 1).to_bytes(4, "little") + raw[5 : 5 + size] + b"\0" + raw[5 + size :]
    with pytest.raises(DecodeError):
        EpochKey.from_bytes(raw[:1] + longer)
