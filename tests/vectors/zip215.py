"""Makes `zip215.json`: `python tests/vectors/zip215.py`. Needs Go.

The oracle is curve25519-voi under its options for ZIP 215, at the version that CometBFT v0.38.25
names, which is how CometBFT verifies votes (`zip215/main.go`). Cases follow from fixed seeds; after
a run `git diff` must be empty. All keys are proper ones: others are no validator's.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from node.consensus.cometbft.zip215 import PARAMS
from node.testing.twisted import answer, sign
from transparent.signature import SigningKey

HERE = Path(__file__).resolve().parent
ORACLE = "github.com/oasisprotocol/curve25519-voi v0.0.0-20220708102147, VerifyOptionsZIP_215"
MESSAGE = b"vote"
P = 2**255 - 19
Case = tuple[bytes, bytes, bytes]


def cases() -> Iterator[Case]:
    """Key, message, signature."""
    for number in range(2):
        seed = bytes([number + 1]) * 32
        key = SigningKey(seed).account
        for times in range(8):  # 0 is what everybody makes
            yield key, MESSAGE, sign(seed, MESSAGE, times)
        plain, twisted = sign(seed, MESSAGE, 0), sign(seed, MESSAGE, 3)
        for good in (plain, twisted):
            yield key, MESSAGE + b"s", good
            yield key, MESSAGE, good[:32] + _beyond(good[32:])
            yield key, MESSAGE, bytes([good[0] ^ 1]) + good[1:]
            yield key, MESSAGE, good[:63] + bytes([good[63] ^ 16])
            yield SigningKey(bytes(32)).account, MESSAGE, good
        for start in _other_bytes():  # R of small order, or in other bytes than the usual ones
            yield key, MESSAGE, start + plain[32:]
            yield key, MESSAGE, answer(seed, MESSAGE, start)


def _beyond(scalar: bytes) -> bytes:
    """The same modulo the order."""
    return (int.from_bytes(scalar, "little") + PARAMS.order).to_bytes(32, "little")


def _other_bytes() -> Iterator[bytes]:
    for number in (1, P + 1, (1 << 255) + 1, P, P - 1, 2**255 - 1):
        yield number.to_bytes(32, "little")


def verdicts(made: list[Case]) -> list[bool]:
    """Of the oracle."""
    lines = "".join(" ".join(part.hex() for part in case) + "\n" for case in made)
    done = subprocess.run(
        ["go", "run", "."],
        input=lines,
        text=True,
        check=True,
        capture_output=True,
        cwd=HERE / "zip215",
    )
    return [word == "true" for word in done.stdout.split()]


def main() -> None:
    """Write the file."""
    made = list(cases())
    document = {
        "source": ORACLE,
        "command": "python tests/vectors/zip215.py",
        "cases": [
            {"key": key.hex(), "message": message.hex(), "signature": sig.hex(), "counted": counted}
            for (key, message, sig), counted in zip(made, verdicts(made), strict=True)
        ],
    }
    (HERE / "zip215.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
