"""A peer for `chiaro bench`: groth16py behind the protocol chiaro-peer/1.

One JSON object a line comes in, one answer a line goes out; tests/peers/README.md lists works,
inputs, outputs and what the clock runs over. Runs in an environment of its own (`make
peers-groth16py`) and needs nothing but the package and the standard library.
"""

from __future__ import annotations

import gc
import json
import platform
import resource
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import groth16py

P = 0x30644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD47
R = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
Inputs = dict[str, Any]
Task = tuple[Callable[[], Any], Callable[[Any], str]]
"""What the clock runs over, and how its result is put into words."""


class Refused(Exception):
    """What a request gets wrong; the message is the answer."""


# --- containers of the iden3 file formats ---------------------------------------------------------


def sections(data: bytes, magic: bytes) -> dict[int, bytes]:
    if len(data) < 12 or data[:4] != magic:
        raise Refused(f"this is no .{magic.decode()} file")
    found, at = {}, 12
    for _ in range(struct.unpack_from("<I", data, 8)[0]):
        if at + 12 > len(data):
            raise Refused(f"the .{magic.decode()} file ends early")
        number, size = struct.unpack_from("<IQ", data, at)
        if size > len(data) - at - 12:
            raise Refused(f"the .{magic.decode()} file ends early")
        found[number] = data[at + 12 : at + 12 + size]
        at += 12 + size
    return found


def number_at(section: bytes | None, offset: int) -> int:
    if section is None or len(section) < offset + 4:
        raise Refused("a header is missing")
    return int(struct.unpack_from("<I", section, offset)[0])


# --- the JSON documents of snarkjs ----------------------------------------------------------------


def words(proof: Any) -> bytes:
    """A proof as the library takes it: eight big-endian words, imaginary parts first.

    Raises:
        ValueError, KeyError, TypeError: another document.
    """
    (ax, ay, az), (cx, cy, cz) = proof["pi_a"], proof["pi_c"]
    (x0, x1), (y0, y1), z = proof["pi_b"]
    if [az, cz, *z] != ["1", "1", "1", "0"]:
        raise ValueError("a point at infinity has no such form")
    numbers = [int(text) for text in (ax, ay, x1, x0, y1, y0, cx, cy)]
    if not all(0 <= number < P for number in numbers):
        raise ValueError("a coordinate is not below the modulus")
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def document(proof: bytes) -> str:
    ax, ay, x1, x0, y1, y0, cx, cy = (
        str(int.from_bytes(proof[at : at + 32], "big")) for at in range(0, 256, 32)
    )
    points = {
        "pi_a": [ax, ay, "1"],
        "pi_b": [[x0, x1], [y0, y1], ["1", "0"]],
        "pi_c": [cx, cy, "1"],
    }
    return json.dumps(points | {"protocol": "groth16", "curve": "bn128"})


# --- works ----------------------------------------------------------------------------------------


def prove(size: int, inputs: Inputs) -> Task:
    """The library reads the witness from its file for every proof, and draws r and s itself."""
    zkey, wtns = Path(inputs["zkey"]), str(inputs["wtns"])
    header = sections(zkey.read_bytes(), b"zkey").get(2)
    wires, domain = number_at(header, 72), number_at(header, 80)
    values = number_at(sections(Path(wtns).read_bytes(), b"wtns").get(1), 36)
    if domain != size:
        raise Refused(f"the key is for a domain of {domain}, not {size}")
    if values != wires:
        raise Refused(f"{values} values for the {wires} wires of the key")
    key, _ = groth16py.import_zkey(str(zkey))
    return lambda: groth16py.prove_wtns(key, wtns), document


def verify(size: int, inputs: Inputs) -> Task:
    """A proof that the library cannot read is one that it does not accept."""
    if size != 1:
        raise Refused("one proof at a time")
    key = groth16py.VerifyingKey.from_snarkjs(Path(inputs["vk"]).read_text(encoding="utf-8"))
    texts, proof = (
        json.loads(Path(inputs[name]).read_text(encoding="utf-8")) for name in ("public", "proof")
    )
    if len(texts) != key.n_public:
        raise Refused(f"the key is for {key.n_public} public inputs")
    verifier = groth16py.Verifier(key)
    try:
        public, given = [int(text) for text in texts], words(proof)
    except (ValueError, KeyError, TypeError):
        return lambda: False, verdict

    def run() -> bool:
        try:
            return all(0 <= x < R for x in public) and verifier.verify(given, public)
        except (groth16py.EncodingError, groth16py.VerificationError):
            return False

    return run, verdict


def verdict(valid: bool) -> str:
    return f"{int(valid):02x}"


WORKS: dict[str, Callable[[int, Inputs], Task]] = {"prove": prove, "verify": verify}

# --- requests -------------------------------------------------------------------------------------


def usage() -> tuple[float, float]:
    """CPU time in ms, and the most resident memory so far in 10⁶ bytes."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if sys.platform == "darwin" else 1024
    return (used.ru_utime + used.ru_stime) * 1e3, used.ru_maxrss * unit / 1e6


class Peer:
    """Answers requests."""

    def __init__(self) -> None:
        self._task: Task | None = None

    def answer(self, request: Any) -> dict[str, Any]:
        op = request.get("op") if isinstance(request, dict) else None
        if op == "hello":
            version = f"groth16py {groth16py.__version__}, Python {platform.python_version()}"
            about = {"protocol": "chiaro-peer/1", "peer": "groth16py", "version": version}
            return about | {"works": sorted(WORKS), "threads": [1]}
        if op == "prepare":
            return self._prepare(request)
        if op == "run":
            return self._run()
        if op == "memory":
            return {"peak_rss_mb": usage()[1]}
        raise Refused(f"the request {op!r} is not known here")

    def _prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        self._task = None
        work, size = request.get("work"), request.get("size")
        if work not in WORKS:
            raise Refused(f"the work {work!r} is not known here")
        if type(size) is not int or size < 1:
            raise Refused(f"{size!r} is no size")
        if request.get("threads") != 1:
            raise Refused("groth16py runs in one thread")
        began = time.perf_counter()
        self._task = WORKS[work](size, request.get("inputs", {}))
        return {"prepare_ms": (time.perf_counter() - began) * 1e3}

    def _run(self) -> dict[str, Any]:
        if self._task is None:
            raise Refused("nothing is prepared")
        run, put = self._task
        gc.collect()
        cpu, began = usage()[0], time.perf_counter()
        result = run()
        wall_ms = (time.perf_counter() - began) * 1e3
        return {"wall_ms": wall_ms, "cpu_ms": usage()[0] - cpu, "output": put(result)}


def main() -> None:
    peer = Peer()
    for line in sys.stdin:
        try:
            request = json.loads(line)
            if isinstance(request, dict) and request.get("op") == "quit":
                return
            reply = {"ok": True, **peer.answer(request)}
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of the library is no Exception
            name = type(error).__name__
            reply = {"ok": False, "error": str(error) if name == "Refused" else f"{name}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
