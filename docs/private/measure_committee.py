"""Makes committee.json of this folder: what committees cost, in processor time and bytes.

    nice .venv/bin/python docs/private/measure_committee.py

One thread, one process, no network, n = 4, 7, 10, 13. A time is the processor's, the least of some
repetitions, since others may work on the machine meanwhile. "member" is what one of them computes,
"observer" what every node does to follow.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.core.ids import ChainId
from private_exec import exponent, group
from private_exec.committee import acceptance, cells, inputs, points
from private_exec.committee.acceptance import Accepted
from private_exec.committee.ceremony import Ceremony, CeremonySucceeded
from private_exec.committee.declaration import Declaration, Seat
from private_exec.committee.epoch import EpochContext, EpochRecord, Schedule
from private_exec.committee.participant import EpochSecrets, Participant
from private_exec.mpc import vectors
from private_exec.mpc.decode import decode
from private_exec.mpc.shamir import SIZES
from private_exec.pedersen import Opening
from private_exec.transcript import secret_scalar
from zk import backends
from zk.bench import host
from zk.bench.least import least

HERE = Path(__file__).resolve().parent
STEPS = {
    "notice": "member: a fresh encryption key",
    "deal": "member: parts of the keys of its sets, sealed to all others",
    "open": "member: opens and checks what all others dealt, and makes its keys",
    "replay": "observer: the whole ceremony, checked",
    "share": "owner: shares one value",
    "check": "observer: one input of many",
    "receive": "member: opens and checks its share of one input of many",
    "mask": "member: its shares of x + r and of the shift, a value",
    "points": "member: its points, a cell",
    "agree": "member: checks everybody's points, a cell of many",
    "agree_lied": "the same, t members off",
    "accept": "observer: certificate and commitments of all cells",
}
T = TypeVar("T")


def seed(*parts: object) -> bytes:
    """32 bytes that are the same every time."""
    return secret_scalar("measure", repr(parts).encode()).to_bytes(32, "little")


class Measured:
    """One committee: its ceremony, then `count` inputs that become cells."""

    def __init__(self, n: int, count: int, repeat: int) -> None:
        self.n, self.count, self.repeat = n, count, repeat
        self.times: dict[str, float] = {}
        self.bytes: dict[str, int] = {}
        self.signers = {
            m: Ed25519PrivateKey.from_private_bytes(seed("key", m)) for m in range(1, n + 1)
        }
        seats = tuple(
            Seat(key.public_key().public_bytes_raw(), f"tcp://member{m}:1")
            for m, key in self.signers.items()
        )
        declaration = Declaration(ChainId(bytes(32)), bytes(32), 100, seats)
        self.context = EpochContext(declaration, 1)
        self.record, self.secrets = self.ceremony()
        self.inputs()

    def timed(self, name: str, call: Callable[[], T], each: int = 1) -> T:
        """Measure, for each of so many."""
        result, spent = least(call, self.repeat)
        self.times[name] = round(spent / each, 3)
        return result

    def ceremony(self) -> tuple[EpochRecord, dict[int, EpochSecrets]]:
        """Every member honest."""

        def participant(m: int) -> Participant:
            return Participant(self.context, m, self.signers[m], seed("ceremony", m))

        self.timed("notice", lambda: participant(1))
        members = {m: participant(m) for m in self.signers}
        notices = [member.notice() for member in members.values()]

        def fresh() -> Ceremony:
            made = Ceremony(self.context, Schedule(1, 2, 3))
            for notice in notices:
                made.notice(notice, 1)
            return made

        ceremony = fresh()
        self.timed("deal", lambda: members[1].dealing(ceremony))
        dealings = [member.dealing(ceremony) for member in members.values()]

        def replay() -> Ceremony:
            made = fresh()
            for dealing in dealings:
                made.deal(dealing, 2)
            return made

        ceremony = self.timed("replay", replay)
        outcome = ceremony.finish(4)
        if not isinstance(outcome, CeremonySucceeded):
            raise SystemExit("the ceremony failed")
        record = outcome.record

        def opened() -> EpochSecrets:
            if members[1].complaints(ceremony):
                raise SystemExit("a dealing is wrong")
            return members[1].secrets(ceremony, record)

        self.timed("open", opened)
        sizes = [len(dealing.to_bytes()) for dealing in dealings]
        self.bytes["notice"] = len(notices[0].to_bytes())
        self.bytes["dealing"] = max(sizes)
        self.bytes["ceremony"] = sum(sizes) + sum(len(notice.to_bytes()) for notice in notices)
        return record, {m: member.secrets(ceremony, record) for m, member in members.items()}

    def inputs(self) -> None:
        """From owners' values to cells."""
        record, size = self.record, self.record.declaration.size
        owner = self.signers[1].public_key().public_bytes_raw()

        def share(k: int) -> inputs.Input:
            value = Opening(k, int.from_bytes(seed("blinding", k), "little") % group.R)
            return inputs.make(record, bytes(32), owner, [value], seed("input", k))

        self.timed("share", lambda: share(0))
        given = [share(k) for k in range(self.count)]
        self.bytes["input"] = len(given[0].to_bytes())
        self.timed("check", lambda: inputs.check_all(given, record), self.count)
        self.timed("receive", lambda: inputs.open_all(given, self.secrets[1]), self.count)
        ids = [cells.cell_id(item.id, 0) for item in given]
        sent = {}
        for m, secrets in self.secrets.items():
            rows = [row[0] for row in inputs.open_all(given, secrets) if row is not None]
            sent[m] = acceptance.masked(secrets.prss, ids, rows)
            if m == 1:
                self.timed(
                    "mask",
                    lambda k=secrets.prss, r=rows: acceptance.masked(k, ids, r),
                    self.count,
                )
        c, shift = (
            vectors.ints(
                decode(size, {m: vectors.vec(row[part]) for m, row in sent.items()}, size.t).values
            )
            for part in range(2)
        )
        accepted = [Accepted(*row) for row in zip(ids, c, shift, strict=True)]
        known = {identity: item.commitments[0] for identity, item in zip(ids, given, strict=True)}
        made = acceptance.cells_of(record, accepted, known)
        shares = {m: cells.shares(s.prss, made) for m, s in self.secrets.items()}
        self.timed("points", lambda: points.points_of(shares[1]), self.count)
        shown = {m: exponent.read(points.points_of(row), self.count) for m, row in shares.items()}
        coms = [cell.com for cell in made]
        self.timed("agree", lambda: points.agree(size, coms, shown, 1), self.count)
        wrong = shown | dict.fromkeys(range(self.n - size.t + 1, self.n + 1), shown[1])
        self.timed("agree_lied", lambda: points.agree(size, coms, wrong, 1), self.count)
        signatures = {
            m: acceptance.sign(record, accepted, self.signers[m])
            for m in range(1, record.declaration.quorum + 1)
        }
        message = acceptance.assemble(record, accepted, signatures)
        self.timed("accept", lambda: acceptance.accept(message, record, known), self.count)
        self.bytes["acceptance"] = len(message.to_bytes())
        self.bytes["cell"] = len(made[0].to_bytes())


def main() -> None:
    """Measure each committee and write the results."""
    parser = argparse.ArgumentParser(description="Measure committees.")
    parser.add_argument("--inputs", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--members", type=int, nargs="*", default=SIZES)
    parser.add_argument("--out", type=Path, default=HERE / "committee.json")
    options = parser.parse_args()
    load = host.load()[0]
    found = [Measured(n, options.inputs, options.repeat) for n in options.members]
    runs = [
        {"members": m.n, "inputs": m.count, "milliseconds": m.times, "bytes": m.bytes}
        for m in found
    ]
    results = {
        "schema": "chiaro-private-committee/1",
        "machine": host.briefly(),
        "backend": backends.get().name,
        "load": load,
        "steps": STEPS,
        "runs": runs,
    }
    options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(table(runs) + "\n")


def table(runs: list[dict[str, Any]]) -> str:
    """Milliseconds and bytes, for a page."""
    heads = " | ".join(f"n = {run['members']}" for run in runs)
    lines = [f"| step | what | {heads} |", "|---|---|" + "---|" * len(runs)]
    for name, what in STEPS.items():
        row = " | ".join(str(run["milliseconds"][name]) for run in runs)
        lines.append(f"| {name} | {what}, ms | {row} |")
    for name in runs[0]["bytes"]:
        row = " | ".join(f"{run['bytes'][name]:,}" for run in runs)
        lines.append(f"| {name} | bytes | {row} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
