"""Members that are killed: a program that forks one for each crash point and says how it ended.

It opens no database itself. Arguments: a folder. Output: a line of JSON for each point.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
from pathlib import Path

from node.core.ids import Height
from node.da.attest import CRASH_POINTS, Attester
from node.da.shards import open_shards

spec = importlib.util.spec_from_file_location("worlds", Path(__file__).with_name("conftest.py"))
worlds = importlib.util.module_from_spec(spec)
sys.modules["worlds"] = worlds
spec.loader.exec_module(worlds)


def attest(folder: Path, point: str, out: int) -> None:
    """Signs as member 1 and sends the signature, unless killed before."""

    def crash(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    world = worlds.world_of(1, 1, 1, 1)
    store = open_shards(folder, worlds.CHAIN)
    key = worlds.member_key(1)
    signer = Attester((1).to_bytes(32, "big"), key, store, lambda _: None, crash_point=crash)
    rows = world.rows(1)
    signature = signer.attest(world.statement, rows, world.domain, worlds.CHAIN, Height(55))
    os.write(out, signature)


def main(folder: Path) -> None:
    for point in (*CRASH_POINTS, "nowhere"):
        incoming, out = os.pipe()
        if (child := os.fork()) == 0:
            attest(folder / point, point, out)
            os._exit(0)
        os.close(out)
        _, status = os.waitpid(child, 0)
        sent = os.read(incoming, 100).hex()
        os.close(incoming)
        print(json.dumps({"point": point, "killed": os.WIFSIGNALED(status), "sent": sent}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
