"""What is done to a localnet of four, by the row of the reliability table."""

from __future__ import annotations

from typing import Final

from node.core.lane import LaneParameters
from node.testing.cluster.invariants import Violation
from node.testing.faults import away, lies
from node.testing.faults.net import MARKET
from node.testing.faults.story import RETURN_S, Scenario, Story
from node.testing.localnets import until

# EPOCHS

SHORT_EPOCHS: Final = LaneParameters((MARKET,), epoch_heights=42, lead=36, round_heights=3)


def rotation(story: Story) -> None:
    """Epochs end while a batch that was sealed to their key is not opened; one is killed then."""
    net = story.net
    lane = SHORT_EPOCHS
    for _ in range(2):
        epoch = lane.epoch_of(net.height() + 1)
        if epoch:  # the first epoch's key comes too late for its own first batches
            until(net.has_key, "a key")
        net.to(lane.last_height(epoch) - 1)
        with net.window():
            victim = story.draw.randrange(1, net.n)
            net.kill(victim)
            net.on(6)
            net.up()
            net.to(net.height(0), victim, seconds=RETURN_S)
        net.injected["epoch"] += 1
    # A batch that closes behind an epoch's last block is opened two blocks later, or soon after.
    first = [h for h in net.opened() if lane.epoch_of(h) > lane.epoch_of(h - MARKET.period)]
    if not first:
        raise Violation("liveness", "no last batch of an epoch was opened")


def quiet(story: Story) -> None:
    """Nothing is done to it: what the others are compared with."""
    story.net.on(story.heights)


SCENARIOS: Final = {
    found.name: found
    for found in (
        Scenario("quiet", "R9", "nothing is done", quiet),
        Scenario(
            "replay", "R3", "blocks of a localnet executed again: hash seeds, workers, backends",
            quiet, replayed=True, heights=80, most_seeds=5,
        ),
        Scenario("one-killed", "R9", "node and CometBFT of one killed at once", away.one_killed),
        Scenario("one-paused", "R9", "one stopped where it is, and let go", away.one_paused),
        Scenario("one-held", "R9", "one behind an unplugged cable", away.one_held),
        Scenario("one-cut", "R9", "connections of one reset", away.one_cut),
        Scenario("one-lossy", "R9", "connections of one break at random", away.lossy),
        Scenario("all-slow", "R9", "50 to 200 ms on every link", away.all_slow),
        Scenario("two-killed", "R9", "two killed: the chain stands, then goes on", away.two_killed),
        Scenario("two-paused", "R9", "two stopped: the same", away.two_paused),
        Scenario("two-two", "R9", "two and two parted: the same", away.two_two),
        Scenario("app-killed", "R10", "the node killed, its CometBFT ends", away.app_killed),
        Scenario("engine-killed", "R10", "CometBFT killed, its node ends", away.engine_killed),
        Scenario("all-killed", "R10", "all killed at once", away.all_killed),
        Scenario(
            "crash-point", "R2", "killed at a named point inside a call", away.crash_point,
            away.at_a_point,
        ),
        Scenario(
            "bad-proposal", "R11", "one proposes what nobody decodes", lies.liar,
            lies.with_fault("bad-proposal"),
        ),
        Scenario(
            "garbage-extension", "R11", "one votes with garbage", lies.liar,
            lies.with_fault("garbage-extension"),
        ),
        Scenario(
            "oversize-extension", "R11", "one votes with 128 KiB", lies.liar,
            lies.with_fault("oversize-extension"),
        ),
        Scenario(
            "double-sign", "R11", "a second process votes with one's key: slashed",
            lies.double_sign,
        ),
        Scenario(
            "wrong-shares", "R11", "one signs wrong decryption shares, in every vote",
            lies.lane_liar, lies.in_lane("WRONG_SHARES"),
        ),
        Scenario(
            "no-shares", "R11", "one makes no shares, and hides reveals of others", lies.lane_liar,
            lies.in_lane("NO_SHARES+HIDES_REVEALS"),
        ),
        Scenario(
            "skips-lead", "R11", "one proposes transactions where a batch must be opened",
            lies.lane_liar, lies.in_lane("SKIPS_LEAD"),
        ),
        Scenario(
            "false-lead", "R11", "one proposes ends of batches that are not due", lies.lane_liar,
            lies.in_lane("FALSE_LEAD+WRONG_SHARES"),
        ),
        Scenario(
            "mutated-state", "R13", "one writes another state", lies.mutated,
            lies.with_fault(f"mutated-state:{lies.MUTATED_AT}"), heights=20,
        ),
        Scenario(
            "rotation", "R15", "an epoch ends with intents pending, one is killed then", rotation,
            lane=SHORT_EPOCHS,
        ),
        Scenario("soak", "R15", "a random fault every 20 heights", away.soak, heights=200),
    )
}  # fmt: skip
