"""One contribution in a process of its own, which ends when it is made.

    python -m node.cli.ceremony_worker IN OUT

Standard input: one JSON object, `{"entropy": "…", "name": "…"}`. Standard output: a JSON object a
line, `{"phase", "share"}` while it works, then `{"hash", "number"}` or `{"error"}`. The entropy
passes through a pipe, never through arguments or the environment. What was drawn is 32 bytes:
BLAKE2b of 64 bytes from the operating system and of what the contributor typed, so neither alone
has to be good. CPython cannot promise to erase them; that the process ends is what can be done.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

from zk import files, jsontext
from zk.errors import ChiaroError

_PERSON: Final = b"chiaro-ceremony"
_OS_BYTES: Final = 64
_ENDED: Final = 130


def draw_seed(typed: str) -> bytes:
    """32 bytes that depend on the operating system's randomness and on what was typed."""
    hasher = hashlib.blake2b(digest_size=32, person=_PERSON)
    for part in (os.urandom(_OS_BYTES), typed.encode()):
        hasher.update(len(part).to_bytes(8, "little") + part)
    return hasher.digest()


def contribute_to(
    source: Path, target: Path, seed: bytes, name: str, report: Any
) -> dict[str, Any]:
    """Read, contribute, write; the file is whole or not there.

    Raises:
        FormatError, CeremonyError, ParamsError: the file, its contributions, the arguments.
        OSError: the disk refuses.
    """
    from zk import backends
    from zk.formats.ceremony import contribute_file

    with files.replacing(target) as temporary:
        made = contribute_file(
            source, temporary, backends.get(), seed=seed, name=name, progress=report
        )
    return {"hash": made.digest.hex(), "number": made.number}


def main() -> None:
    """The process. A signal ends it through its `finally` blocks: no partial file stays."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_ENDED))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(_ENDED))
    source, target = (Path(argument) for argument in sys.argv[1:])
    order = jsontext.loads(sys.stdin.read().encode())

    def say(**message: Any) -> None:
        print(json.dumps(message), flush=True)  # noqa: T201

    try:
        seed = draw_seed(order["entropy"])
        say(
            **contribute_to(
                source,
                target,
                seed,
                order["name"],
                lambda phase, share: say(phase=phase, share=share),
            )
        )
    except ChiaroError as error:
        say(
            error={
                "id": error.id,
                "message": error.message,
                "where": error.where,
                "why": error.why,
                "fix": error.fix,
                "exit_code": error.exit_code,
            }
        )
    except OSError as error:
        say(
            error={
                "id": "FIL-001",
                "message": error.strerror or "cannot be read or written",
                "where": str(error.filename or source),
                "why": "nothing was contributed",
                "fix": "check the path and the space on the disk",
                "exit_code": 3,
            }
        )
    except Exception as error:  # its text and its frames could hold the secret
        say(
            error={
                "id": "BUG-001",
                "message": f"unexpected {type(error).__name__} in the contributing process",
                "where": "",
                "why": "this is a fault of the program, not of what you typed",
                "fix": "please report it, with the version and the kind of file",
                "exit_code": 70,
            }
        )


if __name__ == "__main__":
    main()
