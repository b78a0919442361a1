"""Nothing-up-my-sleeve elements: a public name becomes a field element nobody chose."""

from __future__ import annotations

import hashlib
from typing import Final

from zk.field.params import FR

PREFIX: Final = b"chiaro/v1/"


def hash_to_fr(name: bytes) -> int:
    """BLAKE2b-512(`chiaro/v1/` ‖ name) mod r, the digest read as a little-endian integer.

    512 bits reduced to 254 leave a bias below 2⁻²⁵⁷.
    """
    return int.from_bytes(hashlib.blake2b(PREFIX + name).digest(), "little") % FR.modulus
