"""Note ciphertexts opened by another library: pycryptodome's HKDF and ChaCha20-Poly1305."""

from __future__ import annotations

from Crypto.Cipher import ChaCha20_Poly1305
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF

from shielded import encryption, spec
from shielded.address import X25519Secret
from shielded.keys import SpendingKey
from shielded.notes import Note

NULLIFIERS = (11, 12)


def derived(secret: bytes, info: bytes) -> bytes:
    key = HKDF(secret, 32, b"", SHA256, context=info)
    assert isinstance(key, bytes)
    return key


def opened(key: bytes, sealed: bytes) -> bytes:
    cipher = ChaCha20_Poly1305.new(key=key, nonce=bytes(12))
    return cipher.decrypt_and_verify(sealed[:-16], sealed[-16:])


def test_both_copies_of_a_note_open_elsewhere() -> None:
    from node.core.ids import NATIVE

    keys = SpendingKey.from_seed(bytes(64)).full_viewing_key
    address = keys.address(0)
    nonce = spec.created_nonce(0, *NULLIFIERS)
    note = Note(NATIVE, 425, 7, address.diversifier, address.owner, nonce, b"\x05" * 32)
    memo = encryption.memo_from_text("rent")
    sealed = encryption.encrypt_note(note, address, memo, keys.ovk)

    copy_key = derived(
        keys.ovk,
        b"chiaro/v1/outgoing-key" + note.commitment.to_bytes(32, "little") + sealed.epk,
    )
    copy = opened(copy_key, sealed.out)
    assert copy[:32] == address.pk_d
    assert int.from_bytes(copy[32:64], "little") == address.owner

    shared = X25519Secret(copy[64:]).exchange(address.pk_d)
    assert shared is not None
    plaintext = opened(derived(shared, b"chiaro/v1/note-key" + sealed.epk), sealed.enc)
    assert plaintext[-512:] == memo
    assert plaintext[1 + 64 : 1 + 72] == (425).to_bytes(8, "little")
    assert plaintext[1 + 104 : 1 + 120] == address.diversifier
    assert plaintext[1 + 120 : 1 + 152] == b"\x05" * 32
