"""Bech32m (BIP-350) without the limit of 90 characters, and the prefixes of this protocol.

The checksum is BIP-350's. Beyond 90 characters it no longer finds *every* four errors; it still
finds any three below 1023 characters and misses random damage once in 2³⁰. The payloads behind it
carry points and field elements that are checked again.

A prefix names what the text is and for which network, `chiaro_dev1…`: a text for another
network or of another type is refused by name, not misread.  Rule SH-45.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from zk.errors import DecodeError, NonCanonical, WrongLength

CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
CONSTANT: Final = 0x2BC830A3
CHECKSUM_CHARACTERS: Final = 6
MAX_CHARACTERS: Final = 1023

_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_VALUES: Final = {character: value for value, character in enumerate(CHARSET)}
_NETWORK: Final = re.compile(r"[a-z][a-z0-9]{0,15}")


class WrongPrefix(DecodeError):
    """Text for another network, or of another type."""

    code = "ENC-007"
    why = "value sent to another network's address, or a key used as another kind of key, is lost"
    fix = "ask for the text that belongs to this network and purpose"


def prefix(purpose: str, network: str) -> str:
    """`<purpose>_<network>`.

    Raises:
        DecodeError: a network's name is one to sixteen of a-z and 0-9, a letter first.
    """
    if not _NETWORK.fullmatch(network):
        raise DecodeError(f"not the name of a network: {network!r}")
    return f"{purpose}_{network}"


def to_text(purpose: str, network: str, payload: bytes) -> str:
    """The text form of bytes under a purpose and network."""
    return encode(prefix(purpose, network), payload)


def from_text(purpose: str, network: str, text: str, size: int, what: str) -> bytes:
    """The payload of exactly `size` bytes.

    Raises:
        WrongPrefix: another purpose or network.
        DecodeError, NonCanonical, WrongLength: not such a text.
    """
    expected = prefix(purpose, network)
    found, payload = decode(text)
    if found != expected:
        raise WrongPrefix(f"{what} starts with {expected}1, this text with {found}1", where=what)
    if len(payload) != size:
        raise WrongLength(f"{what} carries {size} bytes, not {len(payload)}", where=what)
    return payload


def encode(hrp: str, payload: bytes) -> str:
    """Bytes → lower-case Bech32m."""
    return encode_words(hrp, _regroup(payload, 8, 5, pad=True))


def encode_words(hrp: str, words: list[int]) -> str:
    """Five-bit words → lower-case Bech32m."""
    residue = _polymod([*_expand(hrp), *words, *[0] * CHECKSUM_CHARACTERS]) ^ CONSTANT
    checksum = [(residue >> 5 * (5 - i)) & 31 for i in range(CHECKSUM_CHARACTERS)]
    return hrp + "1" + "".join(CHARSET[word] for word in (*words, *checksum))


def decode(text: str) -> tuple[str, bytes]:
    """The prefix and the bytes; see `decode_words` for what is refused.

    Raises:
        NonCanonical: padding that is not zero bits, or longer than needed.
    """
    hrp, words = decode_words(text)
    if len(words) * 5 % 8 > 4:
        raise NonCanonical("Bech32m text with a superfluous character")
    return hrp, bytes(_regroup(words, 5, 8, pad=False))


def decode_words(text: str) -> tuple[str, list[int]]:
    """The prefix, lower case, and the five-bit words.

    Raises:
        WrongLength: more than 1023 characters.
        NonCanonical: lower and upper case mixed.
        DecodeError: no separator, a foreign character, or a checksum that fails.
    """
    if len(text) > MAX_CHARACTERS:
        raise WrongLength(f"Bech32m text of {len(text)} characters")
    if not text.isascii():  # U+212A lowers to "k"
        raise DecodeError("not Bech32m: a foreign character")
    if text not in (text.lower(), text.upper()):
        raise NonCanonical("Bech32m text in mixed case")
    hrp, separator, data = text.lower().rpartition("1")
    if not separator or not hrp or len(data) < CHECKSUM_CHARACTERS:
        raise DecodeError("not Bech32m: no prefix, separator or checksum")
    if not all(33 <= ord(character) <= 126 for character in hrp):
        raise DecodeError("not Bech32m: a foreign character in the prefix")
    if not all(character in _VALUES for character in data):
        raise DecodeError("not Bech32m: a foreign character")
    words = [_VALUES[character] for character in data]
    if _polymod([*_expand(hrp), *words]) != CONSTANT:
        raise DecodeError(
            "the checksum of this text does not hold", fix="copy the text again, all of it"
        )
    return hrp, words[:-CHECKSUM_CHARACTERS]


def _polymod(words: Iterable[int]) -> int:
    residue = 1
    for word in words:
        top = residue >> 25
        residue = (residue & 0x1FFFFFF) << 5 ^ word
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                residue ^= generator
    return residue


def _expand(hrp: str) -> list[int]:
    codes = [ord(character) for character in hrp]
    return [*[code >> 5 for code in codes], 0, *[code & 31 for code in codes]]


def _regroup(values: Iterable[int], width: int, target: int, *, pad: bool) -> list[int]:
    """Big-endian bit strings cut anew; without `pad` the rest must be zero bits."""
    buffer = bits = 0
    result = []
    for value in values:
        buffer = buffer << width | value
        bits += width
        while bits >= target:
            bits -= target
            result.append(buffer >> bits)
            buffer &= (1 << bits) - 1
    if pad and bits:
        result.append(buffer << target - bits)
    elif not pad and buffer:
        raise NonCanonical("Bech32m text with padding that is not zero")
    return result
