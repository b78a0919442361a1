"""Every reader there is a target of, by name."""

from __future__ import annotations

from fuzzing import (
    audits,
    availability,
    committees,
    lane,
    ledger,
    linking,
    mpc,
    private,
    proofs,
    snapshots,
    wires,
)

TARGETS = {
    target.name: target
    for module in (
        proofs,
        ledger,
        availability,
        snapshots,
        wires,
        lane,
        linking,
        mpc,
        committees,
        private,
        audits,
    )
    for target in module.TARGETS
}
