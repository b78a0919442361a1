"""Steps of stories about sealed intents, by the commands that a person types.

`cli` is the command line of the tests, `client` a client of its node.
"""

from __future__ import annotations

from typing import Any

from node.cli import intent_files
from node.cli.session import Places
from node.rpc.client import NodeClient


def make_key(client: NodeClient) -> None:
    """The first domain's key, through blocks."""
    client.lane.want_key(0)
    for _ in range(12):
        if client.lane.key_state(0).state == "made":
            return
        client.make_block()
    raise AssertionError("no key was made")


def start_of_a_batch(client: NodeClient) -> None:
    """The next block is the first that adds to a new batch."""
    period = client.lane.state().domains[0].period
    while client.status().height % period:
        client.make_block()


def blocks_until(client: NodeClient, stage: str, number: int = 0) -> None:
    """Blocks until a batch of the first domain has come that far."""
    for _ in range(40):
        if client.lane.batch(0, number).stage == stage:
            return
        client.make_block()
    raise AssertionError(f"never {stage}")


def swap(cli: Any, who: str, give: str, want: str, *more: str) -> Any:
    """Make a swap, such as `2 gold` for `5 silver`; what the command says of it."""
    words = ("--give", *give.split(), "--want", *want.split(), "--wallet", who, *more)
    made = cli.pay("intent", "new", "swap", *words)
    if made.code:
        raise AssertionError(made.out)
    return made.data["intent"]


def send(cli: Any, who: str, number: str = "1", *more: str) -> Any:
    """Submit an intent; what the command says of it."""
    sent = cli.pay("intent", "submit", number, "--no-wait", "--wallet", who, *more)
    if sent.code:
        raise AssertionError(sent.out)
    return sent.data["intent"]


def spendable(cli: Any, who: str) -> dict[str, str]:
    """By asset, as `balance` tells it."""
    found = cli.json("balance", "--wallet", who).data["assets"]
    return {item["asset"]: item["spendable"]["amount"] for item in found}


def both_ordered(cli: Any, client: NodeClient) -> None:
    """Both swaps in one batch, which begins when the last one is over."""
    swap(cli, "alice", "2 gold", "5 silver")
    swap(cli, "bob", "5 silver", "2 gold")
    start_of_a_batch(client)
    for who in ("alice", "bob"):
        send(cli, who)
        client.wait_for_tx(bytes.fromhex(order_of(cli, who)), timeout=20)


def order_of(cli: Any, who: str) -> str:
    """Id of the transaction that orders a wallet's first intent, hexadecimal."""
    kept = intent_files.find(Places.of(str(cli.home)), who, "1")
    if kept.sent is None:
        raise AssertionError(f"{kept.name} was not sent")
    return kept.sent.tx_id.hex()


def address(cli: Any, who: str) -> str:
    """A wallet's first one."""
    return str(cli.json("address", "list", "--wallet", who).data["addresses"][0]["address"])
