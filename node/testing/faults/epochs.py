"""Epochs that end while what was sealed in them waits.  Row R15."""

from __future__ import annotations

from typing import Final

from node.app import development, localnet
from node.core.committee import Committee, Member
from node.core.ids import Height
from node.core.lane import LaneParameters
from node.stake.transaction import BondTx, Tag, sign, wire
from node.testing.cluster.invariants import Violation
from node.testing.faults.net import MARKET, Net
from node.testing.faults.story import RETURN_S, Story
from node.testing.faults.work import FEE, LIFE, faucet
from node.testing.localnets import until
from transparent.signature import SigningKey

SHORT: Final = LaneParameters((MARKET,), epoch_heights=42, lead=36, round_heights=3)


def rotation(story: Story) -> None:
    """Epochs end while a batch that was sealed to their key is not opened; one is killed then."""
    net = story.net
    for _ in range(2):
        epoch = SHORT.epoch_of(net.height() + 1)
        if epoch:  # the first epoch's key comes too late for its own first batches
            until(net.has_key, "a key")
        net.to(SHORT.last_height(epoch) - 1)
        with net.window():
            victim = story.draw.randrange(1, net.n)
            net.kill(victim)
            net.on(6)
            net.up()
            net.to(net.height(0), victim, seconds=RETURN_S)
        net.injected["epoch"] += 1
    # A batch that closes behind an epoch's last block is opened two blocks later, or soon after.
    first = [h for h in net.opened() if SHORT.epoch_of(h) > SHORT.epoch_of(h - MARKET.period)]
    if not first:
        raise Violation("liveness", "no last batch of an epoch was opened")


def roster(story: Story) -> None:
    """One of four leaves and a fifth comes with the third epoch, which the stakes of the first say.

    What was sealed to the second epoch's key closes with its last block, and one of those who stay
    is killed there: it cannot be opened without the one who leaves. What is sealed afterwards is
    opened by the new ones.
    """
    net = story.net
    leaves, killed = story.draw.sample(range(1, net.n), 2)
    fifth = _fifth(net)
    _move(net, Tag.UNBOND, leaves)
    _move(net, Tag.BOND, fifth)
    stays = [net.key(k).public for k in (*range(net.n), fifth) if k != leaves]
    last = SHORT.last_height(1)
    net.to(SHORT.first_height(1) + 1)
    until(net.has_key, "the second epoch's key")
    weight = development.BOND // _unit(net)
    net.roster = Committee(tuple(Member(key, key, weight) for key in sorted(stays)))
    net.to(last - 1)
    if last not in story.work.closing:
        raise Violation("liveness", "nothing waits at the end of the epoch")
    with net.window():
        net.kill(killed)
        net.injected["roster"] += 1
        until(lambda: any(last < h <= last + MARKET.period for h in net.opened()), "its opening")
        net.up()
        net.to(net.height(0), killed, seconds=RETURN_S)
    _decided(net, leaves, fifth)
    # A period holds the end of one batch: this is one that was sealed to the new roster's key.
    until(lambda: any(h > last + MARKET.period for h in net.opened()), "a batch of the new roster")


def _fifth(net: Net) -> int:
    """A node with a key of its own that follows the chain."""
    number = net.add()
    net.joined(number, localnet.begin_one(net.home(number), 0, net.program))
    return number


def _move(net: Net, tag: Tag, number: int) -> None:
    """All that a node's key has at stake, or as much as each has, is given notice of or bonded."""
    key, owner, client = SigningKey(net.key(number).secret()), faucet(), net.clients[0]
    expiry = Height(client.status().height + LIFE)
    chain = net.genesis.chain_id
    tx = BondTx(tag, chain, key.account, owner.account, development.BOND, FEE, expiry)
    client.submit(wire(sign(tx, owner, key if tag is Tag.BOND else None)))
    until(lambda: client.transaction(tx.id).status == "included", "stake moves")
    receipt = client.transaction(tx.id).receipt
    if receipt is None or not receipt.ok or SHORT.epoch_of(receipt.height):
        raise Violation("liveness", f"stake moved too late or not: {receipt}")


def _unit(net: Net) -> int:
    stake = net.genesis.stake
    if stake is None:
        raise Violation("liveness", "the chain has no stake")
    return stake.unit


def _decided(net: Net, leaves: int, fifth: int) -> None:
    """Every node knows who votes now."""
    for number in net.awake():
        until(lambda n=number: _power(net, n, fifth) > 0, "the fifth votes")  # type: ignore[misc]
        if power := _power(net, number, leaves):
            raise Violation("agreement", f"who left votes with {power} on node {number}")


def _power(net: Net, asked: int, number: int) -> int:
    key = "0x" + net.key(number).public.hex()
    found = net.clients[asked].stake().validators
    return sum(item.power for item in found if item.key == key)
