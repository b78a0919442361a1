"""A link's two ends without sockets: whose frames they are, and in which order."""

from __future__ import annotations

import pytest

from node.private.member.errors import MemberRefused
from node.private.member.link import HELLO_BYTES, KEY_BYTES, LENGTH_BYTES, Listener, call, hello
from node.testing.private import signer

CALLER, LISTENER = 2, 1


def ends(chain, listener: Listener | None = None):
    """A caller's sealer, and its listener's opener."""
    listener = listener or Listener()
    declaration = chain.declaration
    said, sealer = call(declaration, CALLER, LISTENER, signer(CALLER), listener.greeting)
    assert len(said) == HELLO_BYTES
    caller, opener = listener.meet(declaration, LISTENER, said)
    assert caller == CALLER
    return sealer, opener


def refused(rule: str, action) -> None:
    with pytest.raises(MemberRefused) as caught:
        action()
    assert caught.value.rule == rule


def test_pv28_what_a_caller_seals_its_listener_opens(chain):
    sealer, opener = ends(chain)
    for data in (b"first", b"", bytes(100_000)):
        frame = sealer.seal(data)
        length, sealed = frame[:LENGTH_BYTES], frame[LENGTH_BYTES:]
        assert int.from_bytes(length, "little") == len(sealed)
        assert opener.open(sealed) == data


@pytest.mark.parametrize("place", [0, 3, -1])
def test_pv28_a_frame_that_somebody_changed_is_refused(chain, place):
    sealer, opener = ends(chain)
    sealed = bytearray(sealer.seal(b"data")[LENGTH_BYTES:])
    sealed[place] ^= 1
    refused("PV-28", lambda: opener.open(bytes(sealed)))


@pytest.mark.parametrize("frames", [(0, 0), (1,), (0, 2)], ids=["twice", "later", "left out"])
def test_pv28_frames_come_once_and_in_order(chain, frames):
    sealer, opener = ends(chain)
    sealed = [sealer.seal(bytes([number]))[LENGTH_BYTES:] for number in range(3)]
    *right, wrong = frames
    for number in right:
        assert opener.open(sealed[number]) == bytes([number])
    refused("PV-28", lambda: opener.open(sealed[wrong]))


def test_pv28_frames_are_of_one_link(chain):
    """Also those of the same two members."""
    first, second = ends(chain), ends(chain)
    refused("PV-28", lambda: second[1].open(first[0].seal(b"data")[LENGTH_BYTES:]))


def test_pv28_who_sits_between_two_members_speaks_for_none(chain):
    """It has the caller answer its own key, or the listener's: either way it lacks a secret."""
    declaration, listener, between = chain.declaration, Listener(), Listener()
    said, _ = call(declaration, CALLER, LISTENER, signer(CALLER), between.greeting)
    refused("PV-152", lambda: listener.meet(declaration, LISTENER, said))
    said, _ = call(declaration, CALLER, LISTENER, signer(CALLER), listener.greeting)
    _, own = call(declaration, CALLER, LISTENER, signer(3), listener.greeting)
    _, opener = listener.meet(declaration, LISTENER, said)
    refused("PV-28", lambda: opener.open(own.seal(b"data")[LENGTH_BYTES:]))


def test_pv152_a_callers_key_of_the_link_is_signed_too(chain):
    declaration, listener = chain.declaration, Listener()
    said, _ = call(declaration, CALLER, LISTENER, signer(CALLER), listener.greeting)
    other = Listener().greeting
    changed = said[:1] + other + said[1 + KEY_BYTES :]
    refused("PV-152", lambda: listener.meet(declaration, LISTENER, changed))


def test_pv152_a_key_with_which_everybody_agrees_on_the_same_is_none(chain):
    declaration = chain.declaration
    refused("PV-152", lambda: call(declaration, 2, 1, signer(2), bytes(KEY_BYTES)))
    listener = Listener()
    digest = hello(declaration.id, CALLER, LISTENER, (listener.greeting, bytes(KEY_BYTES)))
    said = bytes([CALLER]) + bytes(KEY_BYTES) + signer(CALLER).sign(digest)
    refused("PV-152", lambda: listener.meet(declaration, LISTENER, said))
