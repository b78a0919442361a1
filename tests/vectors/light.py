"""Makes `light.json`: `python tests/vectors/light.py`. Needs Go, and CometBFT (`make cometbft`).

Two oracles, both CometBFT v0.38.25. `localnet`: what the RPC of a real one says of blocks that four
validators signed, one of whom was killed on the way. `cases`: pairs of blocks made here, true and
false ones, with the verdict of CometBFT's own package `light` (`light/main.go`) and its hash of the
second header. Keys and times of the first part are fresh with every run.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from node.app import localnet, process
from node.consensus.cometbft.home import RPC_SOCKET, VERSION
from node.consensus.cometbft.query import Query
from node.consensus.cometbft.votes import BlockId
from node.consensus.cometbft.wire import NS
from node.core.errors import NodeError
from node.light.block import LightBlock
from node.light.header import EngineHeader
from node.testing.light import SignedChain, set_of, sign, signed_json, signer, validators_json

HERE = Path(__file__).resolve().parent
COMMAND = "python tests/vectors/light.py"
CHAIN, START_MS = "chiaro-vectors", 1_700_000_000_000
HEIGHTS = 8
Json = dict[str, Any]


def real() -> Json:
    """Blocks of a localnet, as CometBFT's RPC tells of them."""
    folder = Path(tempfile.mkdtemp(prefix="vec", dir="/tmp"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", 0))
        port = probe.getsockname()[1]
    now = time.time_ns() // 1_000_000
    genesis = localnet.create(folder, 4, time_ms=now, block_time_ms=200, p2p_port=port)
    try:
        localnet.up(folder, rpc_port=0)
        query = Query(folder / "node0" / "engine" / RPC_SOCKET)
        wait_for(query, 3)
        last = folder / "node3"
        found = process.find(last, last / "state")
        assert found is not None
        os.kill(found.pid, signal.SIGKILL)
        os.waitpid(found.pid, 0)
        wait_for(query, HEIGHTS + 1)
        commits = [query.ask("commit", height=height) for height in range(1, HEIGHTS + 1)]
        return {
            "chain_id": commits[0]["signed_header"]["header"]["chain_id"],
            "genesis_ms": genesis.time_ms,
            "keys": [key.hex() for key in genesis.validators],
            "commits": commits,
            "validators": query.ask("validators", height=2, page=1, per_page=100),
        }
    finally:
        localnet.down(folder)
        shutil.rmtree(folder)


def wait_for(query: Query, height: int) -> None:
    """Until CometBFT has a block of this height."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            query.ask("commit", height=height)
        except NodeError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"no block {height}")


def rotated(height: int) -> dict[Any, int]:
    """Five powers that differ; each height one validator goes, and another comes."""
    return {signer(n): 1 + n % 3 for n in range(height, height + 5)}


def wrong(block: LightBlock, place: int, **changes: Any) -> LightBlock:
    """One place of the commit changed."""
    places = list(block.commit.places)
    places[place] = replace(places[place], **changes)
    commit = replace(block.commit, places=tuple(places))
    return replace(block, signed=replace(block.signed, commit=commit))


def made() -> tuple[list[LightBlock], list[tuple[str, int, int, int]]]:
    """Blocks, and cases: what it is, trusted, untrusted, nanoseconds after genesis."""
    chain = SignedChain(CHAIN, START_MS, rotated, [])
    for _ in range(9):
        chain.add()
    blocks = list(chain.blocks)
    end = 20 * NS
    cases = [(f"{a} to {b}", a - 1, b - 1, end) for a in (1, 2) for b in range(1, 10)]

    def case(what: str, trusted: int, block: LightBlock, at: int = end) -> None:
        blocks.append(block)
        cases.append((what, trusted - 1, len(blocks) - 1, at))

    second = chain.blocks[1]
    keys = list(rotated(2))
    header = second.header
    strange = {
        "block_protocol": 12, "app_protocol": 9, "chain_id": "chiaro-other", "height": 3,
        "moment": header.moment + 1, "last_block": BlockId(b"\1" * 32, 1, b"\2" * 32),
        "proposer": b"\1" * 20,
    }  # fmt: skip
    for field in fields(EngineHeader):
        other = replace(header, **{field.name: strange.get(field.name, b"\1" * 32)})
        kept = replace(second, signed=replace(second.signed, header=other))
        case(f"{field.name} changed", 1, kept)
        case(f"{field.name} changed, signed again", 1, sign(other, second.validators, keys))
    for few in range(1, 5):
        case(f"signed by {few}", 1, sign(header, second.validators, keys[:few]))
        case(
            f"{few} voted for none", 1, sign(header, second.validators, keys[few:], nil=keys[:few])
        )
    case("of round 3", 1, sign(header, second.validators, keys, number=3))
    for place in range(5):
        case(f"signature {place} is noise", 1, wrong(second, place, signature=bytes(64)))
        case(f"moment {place} is another", 1, wrong(second, place, moment=header.moment))
        case(f"address {place} is another", 1, wrong(second, place, address=b"\1" * 20))
    case("validators of another height", 1, replace(second, validators=chain.blocks[2].validators))
    powers = {key: power + 1 for key, power in rotated(2).items()}
    case("other powers", 1, replace(second, validators=set_of(powers)))
    cases += [("ahead of the clock", 0, 1, -9 * NS), ("just not ahead", 0, 1, -9 * NS + 1)]
    period = 32 * 3600 * NS
    cases += [("expired", 0, 1, period), ("about to expire", 0, 1, period - 1)]
    return blocks, cases


def stamp(after: int) -> str:
    """A moment after the chain's genesis, as Go reads it."""
    seconds, nanos = divmod(START_MS * 1_000_000 + after, NS)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanos:09d}Z"


def judged() -> Json:
    """The cases with CometBFT's verdicts."""
    blocks, cases = made()
    shown = [
        {"signed_header": signed_json(b.signed), "validators": validators_json(b.validators)}
        for b in blocks
    ]
    questions = "".join(
        json.dumps({"trusted": shown[a], "untrusted": shown[b], "now": stamp(at)}) + "\n"
        for _, a, b, at in cases
    )
    program = ["go", "run", "."]
    ran = subprocess.run(
        program, cwd=HERE / "light", input=questions, capture_output=True, text=True, check=True
    )
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(answers) == len(cases)
    return {
        "chain_id": CHAIN,
        "genesis_ms": START_MS,
        "blocks": shown,
        "cases": [
            {"what": what, "trusted": a, "untrusted": b, "after": at, **answer}
            for (what, a, b, at), answer in zip(cases, answers, strict=True)
        ],
    }


def main() -> None:
    """Write the file."""
    document = {
        "source": f"CometBFT {VERSION}: its RPC, and its package light",
        "command": COMMAND,
        "localnet": real(),
        "made": judged(),
    }
    text = json.dumps(document, separators=(",", ":"))
    (HERE / "light.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
