"""What is done to a localnet of four, by the row of the reliability table."""

from __future__ import annotations

from typing import Final

from node.testing.faults import away, epochs, lies, points
from node.testing.faults.story import Scenario, Story


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
        *(
            Scenario(f"at-{point}", "R2", what, points.crash_point, points.at(point))
            for point, what in points.BLOCKS.items()
        ),
        Scenario(
            "restoring", "R12", "a fifth begins with a snapshot, killed at each point of that",
            points.restoring, points.serving, snapshots=points.SNAPSHOTS,
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
            "rotation", "R15", "an epoch ends with intents pending, one is killed then",
            epochs.rotation, lane=epochs.SHORT,
        ),
        Scenario(
            "roster", "R15", "one leaves, a fifth comes with intents pending, one is killed then",
            epochs.roster, lane=epochs.SHORT,
        ),
        Scenario("soak", "R15", "a random fault every 20 heights", away.soak, heights=200),
    )
}  # fmt: skip
