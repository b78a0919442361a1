"""Makes `double_vote.json`: `python tests/vectors/double_vote.py`. Needs `make cometbft`.

What the RPC of a real CometBFT v0.38.25 says of the block that holds evidence against a validator
of four whose key two of them voted with. Keys and times are fresh with every run.
"""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path
from typing import Any

from node.app.node import ENGINE_FOLDER
from node.consensus.cometbft import mapping
from node.consensus.cometbft.home import RPC_SOCKET, VERSION
from node.consensus.cometbft.query import Query
from node.core.errors import NodeError

HERE = Path(__file__).resolve().parent
COMMAND = "python tests/vectors/double_vote.py"
NET = HERE.parent / "node" / "test_localnet_stake.py"
WAIT_S = 90


def recorded() -> dict[str, Any]:
    """The block, and whose votes are in it."""
    spec = importlib.util.spec_from_file_location("net", NET)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.Net()
    try:
        net.up()
        net.add(net.key(0))
        net.up()
        query = Query(net.homes[1] / ENGINE_FOLDER / RPC_SOCKET)
        deadline, height = time.monotonic() + WAIT_S, 1
        while time.monotonic() < deadline:
            try:
                found = query.ask("block", height=height)
            except NodeError:
                time.sleep(0.1)
                continue
            if found["block"]["evidence"]["evidence"]:
                return {
                    "chain_id": mapping.engine_chain_id(net.genesis),
                    "key": net.key(0).account.hex(),
                    "block": found,
                }
            height += 1
        raise AssertionError(f"no evidence within {WAIT_S} s")
    finally:
        net.close()


if __name__ == "__main__":
    document = {"source": f"CometBFT {VERSION}", "command": COMMAND, **recorded()}
    (HERE / "double_vote.json").write_text(json.dumps(document, indent=1) + "\n")
