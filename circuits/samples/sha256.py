"""SHA-256 of 32 bytes: the preimage of a public digest is known.

Every wire is a bit: the case in which the prover's own values are nearly free and only the quotient
has full-width scalars. Public inputs are the digest's 256 bits in the order of its bytes, highest
bit of a byte first, as circomlib's Sha256(256) has them.

The message fills one block: 256 bits of it, a one, zeros, and the length 256. Words are their 32
bits, lowest first. A sum mod 2³² is made of integers: its bits, carries above them included, are
advised and constrained to be bits of the sum; the carries are dropped. The sum stands in C, where
its hundreds of entries cost a prover nothing. Source: FIPS 180-4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import gmpy2

from circuits.gadgets.boolean import (
    Bit,
    boolean,
    constant_bit,
    enforce_boolean,
    xor,
)
from circuits.statement import Statement
from zk.r1cs.advice import Digits, Formula
from zk.r1cs.builder import Builder, Wire

BITS: Final = 256
WORD: Final = 32
ROUNDS: Final = 64
_BLOCK_WORDS: Final = 16
_PRIMES: Final = tuple(n for n in range(2, 312) if all(n % d for d in range(2, n)))
ROUND_CONSTANTS: Final = tuple(
    int(gmpy2.iroot(gmpy2.mpz(p) << 96, 3)[0]) % (1 << WORD) for p in _PRIMES
)
"""32 bits of the fractional parts of the cube roots of the first 64 primes."""
INITIAL: Final = tuple(int(gmpy2.isqrt(gmpy2.mpz(p) << 64)) % (1 << WORD) for p in _PRIMES[:8])
"""The same of the square roots of the first eight."""

Word = Sequence[Bit]
"""32 bits, lowest first."""


@dataclass(frozen=True, slots=True)
class Sha256Public:
    """The digest's bits."""

    digest: tuple[int, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Sha256Witness:
    """The preimage's bits."""

    preimage: tuple[int, ...]


class Sha256Preimage(Statement[Sha256Public, Sha256Witness]):
    """Knowledge of 32 bytes with a given SHA-256; see the module's docstring."""

    id = "sha256-preimage/1"
    public_names = tuple(f"digest {i}" for i in range(BITS))

    def placeholder(self) -> tuple[Sha256Public, Sha256Witness]:
        return Sha256Public((0,) * BITS), Sha256Witness((0,) * BITS)

    def constrain(self, cs: Builder, public: Sha256Public, witness: Sha256Witness) -> None:
        claimed = [cs.public(f"digest {i}", bit) for i, bit in enumerate(public.digest)]
        message = [boolean(cs, f"bit {i}", bit) for i, bit in enumerate(witness.preimage)]
        digest = [enforce_boolean(cs, bit) for bit in claimed]
        schedule = _schedule(cs, _words(message))
        state = [_constant(cs, value) for value in INITIAL]
        for index in range(ROUNDS):
            with cs.scope(f"round {index}"):
                state = _round(cs, state, schedule[index], ROUND_CONSTANTS[index])
        with cs.scope("digest"):
            for initial, word, out in zip(INITIAL, state, _words(digest), strict=True):
                total = _integer(cs, word, initial)
                (carry,) = cs.advise_many(Digits(1, WORD, 1), 1, total, name="carry")
                _equal(cs, [*out, enforce_boolean(cs, carry)], total)


def example(seed: int) -> tuple[Sha256Public, Sha256Witness]:
    """A true statement."""
    message = hashlib.sha256(seed.to_bytes(8, "little")).digest()
    digest = hashlib.sha256(message).digest()
    return Sha256Public(bits_of(digest)), Sha256Witness(bits_of(message))


def bits_of(data: bytes) -> tuple[int, ...]:
    """Bits in the order of the bytes, highest first within a byte."""
    return tuple(byte >> (7 - i) & 1 for byte in data for i in range(8))


def _words(bits: Sequence[Bit]) -> list[Word]:
    """Words from bits as a message has them: highest bit first."""
    return [bits[i : i + WORD][::-1] for i in range(0, len(bits), WORD)]


def _constant(cs: Builder, value: int) -> Word:
    return [constant_bit(cs, value >> i & 1) for i in range(WORD)]


def _schedule(cs: Builder, message: Sequence[Word]) -> list[Word]:
    """The 64 words that the rounds take in."""
    padding = [1 << (WORD - 1), *[0] * (_BLOCK_WORDS - len(message) - 2), BITS]
    words = [*message, *(_constant(cs, value) for value in padding)]
    for index in range(_BLOCK_WORDS, ROUNDS):
        with cs.scope(f"schedule {index}"):
            early, late = words[index - 15], words[index - 2]
            small0 = _xor3(cs, _rotated(early, 7), _rotated(early, 18), _shifted(cs, early, 3))
            small1 = _xor3(cs, _rotated(late, 17), _rotated(late, 19), _shifted(cs, late, 10))
            parts = (words[index - 16], small0, words[index - 7], small1)
            words.append(_sum(cs, _integer(cs, [bit for word in parts for bit in word]), 4))
    return words


def _round(cs: Builder, state: Sequence[Word], word: Word, constant: int) -> list[Word]:
    """One round: two new words, six that move on."""
    a, b, c, d, e, f, g, h = state
    big1 = _xor3(cs, _rotated(e, 6), _rotated(e, 11), _rotated(e, 25))
    chosen = [_choice(cs, x, y, z) for x, y, z in zip(e, f, g, strict=True)]
    first = _integer(cs, [*h, *big1, *chosen, *word], constant)
    big0 = _xor3(cs, _rotated(a, 2), _rotated(a, 13), _rotated(a, 22))
    majority = [_majority(cs, x, y, z) for x, y, z in zip(a, b, c, strict=True)]
    new_a = _sum(cs, first + _integer(cs, [*big0, *majority]), 7, "a")
    new_e = _sum(cs, first + _integer(cs, d), 6, "e")
    return [new_a, a, b, c, new_e, e, f, g]


def _choice(cs: Builder, x: Bit, y: Bit, z: Bit) -> Wire:
    """Y where x is 1, else z: a bit, where x·(y − z) would be −1 at times. Cost: 1."""
    chosen = cs.advise(_CHOICE, x, y, z, name="choice")
    cs.enforce(x, y - z, chosen - z, "is one of two bits")
    return chosen


_CHOICE: Final = Formula(lambda x, y, z: x * (y - z) + z)


def _majority(cs: Builder, x: Bit, y: Bit, z: Bit) -> Wire:
    """Of three bits: yz + x·(y + z − 2yz). Cost: 2."""
    both = cs.mul(y, z, "both")
    return both + cs.mul(x, y + z - both * 2, "either")


def _xor3(cs: Builder, *words: Word) -> Word:
    return [xor(cs, xor(cs, x, y), z) for x, y, z in zip(*words, strict=True)]


def _rotated(word: Word, count: int) -> Word:
    """To the right, that is, towards the lowest bit."""
    return [*word[count:], *word[:count]]


def _shifted(cs: Builder, word: Word, count: int) -> Word:
    return [*word[count:], *(constant_bit(cs, 0) for _ in range(count))]


def _integer(cs: Builder, bits: Sequence[Wire], offset: int = 0) -> Wire:
    """Σ 2^(i mod 32)·bitᵢ: the integer of a word, or the sum of several."""
    return cs.dot([1 << i % WORD for i in range(len(bits))], bits, offset)


def _sum(cs: Builder, total: Wire, words: int, name: str = "word") -> Word:
    """The lowest 32 bits of a sum of so many words.

    Constrains: the bits are those of the sum.
    Assumes:    the sum is below 2³²·words.
    Cost:       1 and one for each bit, carries included.
    """
    count = (words * ((1 << WORD) - 1)).bit_length()
    advised = cs.advise_many(Digits(1, 0, count), count, total, name=name)
    bits = [enforce_boolean(cs, bit) for bit in advised]
    _equal(cs, bits, total)
    return bits[:WORD]


def _equal(cs: Builder, bits: Sequence[Bit], total: Wire) -> None:
    """Σ 2^i·bitᵢ = total, with the long side in C."""
    cs.enforce(cs.dot([1 << i for i in range(len(bits))], bits), 1, total, "are the bits of a sum")
