"""BLAKE2b-512 (RFC 7693) that starts from, and gives, a state between two blocks.

Contributions to powers of τ carry the state of a hash over all points of their file, so that later
readers can finish it with the contributor's public key alone. `hashlib` neither takes nor gives
states; this is the plain compression function on integers, 0.1 ms a block, and everything that
needs no state uses `hashlib`.

    state   buffer[128] · h[8] u64 · bytes compressed u64 · bytes in the buffer u64, little-endian
"""

from __future__ import annotations

from typing import Final

BLOCK: Final = 128
STATE_BYTES: Final = BLOCK + 8 * 8 + 16 + 8
"""216; the last eight bytes are unused, and zero."""

_MASK: Final = (1 << 64) - 1
_IV: Final = (
    0x6A09E667F3BCC908,
    0xBB67AE8584CAA73B,
    0x3C6EF372FE94F82B,
    0xA54FF53A5F1D36F1,
    0x510E527FADE682D1,
    0x9B05688C2B3E6C1F,
    0x1F83D9ABFB41BD6B,
    0x5BE0CD19137E2179,
)
_SIGMA: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
_LANES: Final = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)
_ROUNDS: Final = 12
_PARAMETERS: Final = 0x01010040  # 64 bytes of digest, no key, one leaf


class Blake2b:
    """A hash in progress; `hashlib.blake2b` with a state that can be kept."""

    def __init__(self) -> None:
        self._h = [_IV[0] ^ _PARAMETERS, *_IV[1:]]
        self._compressed = 0
        self._buffer = b""

    @classmethod
    def from_state(cls, state: bytes) -> Blake2b:
        """A hash that goes on where another one was.

        Raises:
            ValueError: not 216 bytes, or a buffer of more than a block.
        """
        if len(state) != STATE_BYTES:
            raise ValueError(f"a state takes {STATE_BYTES} bytes")
        words = [int.from_bytes(state[i : i + 8], "little") for i in range(BLOCK, len(state), 8)]
        if words[9] > BLOCK:
            raise ValueError("a buffer of more than a block")
        made = cls()
        made._h, made._compressed = words[:8], words[8]
        made._buffer = bytes(state[: words[9]])
        return made

    @property
    def state(self) -> bytes:
        """The 216 bytes to go on from."""
        words = (*self._h, self._compressed, len(self._buffer), 0)
        return self._buffer.ljust(BLOCK, b"\0") + b"".join(w.to_bytes(8, "little") for w in words)

    def update(self, data: bytes) -> None:
        """Add bytes; a full block waits until more follow, since the last one is special."""
        data = self._buffer + data
        at = 0
        while len(data) - at > BLOCK:
            self._compressed += BLOCK
            self._h = _compress(self._h, data[at : at + BLOCK], self._compressed, last=False)
            at += BLOCK
        self._buffer = data[at:]

    def digest(self) -> bytes:
        """The 64 bytes of all bytes so far."""
        total = self._compressed + len(self._buffer)
        h = _compress(self._h, self._buffer.ljust(BLOCK, b"\0"), total, last=True)
        return b"".join(word.to_bytes(8, "little") for word in h)


def _compress(h: list[int], block: bytes, total: int, *, last: bool) -> list[int]:
    m = [int.from_bytes(block[i : i + 8], "little") for i in range(0, BLOCK, 8)]
    v = [*h, *_IV]
    v[12] ^= total & _MASK
    v[13] ^= total >> 64
    if last:
        v[14] ^= _MASK
    for number in range(_ROUNDS):
        order = _SIGMA[number % 10]
        for lane, (ia, ib, ic, id_) in enumerate(_LANES):
            a, b, c, d = v[ia], v[ib], v[ic], v[id_]
            a = (a + b + m[order[2 * lane]]) & _MASK
            d ^= a
            d = d >> 32 | (d << 32) & _MASK
            c = (c + d) & _MASK
            b ^= c
            b = b >> 24 | (b << 40) & _MASK
            a = (a + b + m[order[2 * lane + 1]]) & _MASK
            d ^= a
            d = d >> 16 | (d << 48) & _MASK
            c = (c + d) & _MASK
            b ^= c
            b = b >> 63 | (b << 1) & _MASK
            v[ia], v[ib], v[ic], v[id_] = a, b, c, d
    return [x ^ v[i] ^ v[i + 8] for i, x in enumerate(h)]
