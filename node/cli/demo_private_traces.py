"""What members of the demonstration told of themselves (`private member run --trace`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from node.cli.demo_private_facts import LIAR, LiarFacts, LinkFacts, MemberFacts
from node.cli.demo_run import DemoFailed
from zk import jsontext


@dataclass
class Trace:
    """What one member's process told, so far.

    Attributes:
        said, heard: messages to and from others.
        faults: what it found others to have done.
        sent: transactions.
    """

    said: list[dict[str, Any]] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0

    @staticmethod
    def of(text: str) -> Trace:
        """Of lines as `private member run --trace` writes them; others are for people.

        What is behind the last end of a line is being written.
        """
        made = Trace()
        lists = {"said": made.said, "heard": made.heard, "fault": made.faults}
        for line in text[: text.rfind("\n") + 1].splitlines():
            if line.startswith("sent: "):
                made.sent += 1
            elif line.startswith("{"):
                found = jsontext.loads(line.encode())
                lists[found["what"]].append(found)
        return made


def member(number: int, key: str, trace: Trace) -> MemberFacts:
    """What one of them said, heard and found."""
    return MemberFacts(
        number=number,
        key=key,
        said=len(trace.said),
        said_bytes=sum(line["bytes"] for line in trace.said),
        heard=len(trace.heard),
        heard_bytes=sum(line["bytes"] for line in trace.heard),
        sent=trace.sent,
        named=tuple(sorted({line["member"] for line in trace.faults})),
    )


def links(traces: Mapping[int, Trace]) -> tuple[LinkFacts, ...]:
    """What each two members said to each other."""
    counts, sizes = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    for member, trace in traces.items():
        for line in trace.said:
            ends = min(member, line["to"]), max(member, line["to"])
            counts[ends] += 1
            sizes[ends] += line["bytes"]
    return tuple(LinkFacts(*ends, counts[ends], sizes[ends]) for ends in sorted(counts))


def liar(traces: Mapping[int, Trace]) -> LiarFacts:
    """What members found the liar to have done.

    Raises:
        DemoFailed: nothing.
    """
    seen = [
        (member, line["rule"], line["about"])
        for member, trace in traces.items()
        for line in trace.faults
        if line["member"] == LIAR and member != LIAR
    ]
    if not seen:
        raise DemoFailed("nobody noticed that a member lied")
    return LiarFacts(
        member=LIAR,
        rule=seen[0][1],
        named_by=tuple(sorted({member for member, _, _ in seen})),
        sessions=len({about for _, _, about in seen}),
    )
