"""Figures on pages are those of the files beside the scripts that made them."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MADE = ROOT / "docs" / "private"


def results(name: str) -> Any:
    return json.loads((MADE / name).read_text(encoding="utf-8"))


def page(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_costs_of_committees() -> None:
    table = runpy.run_path(str(MADE / "measure_committee.py"))["table"]
    assert table(results("committee.json")["runs"]) in page("docs/committees.md")


def test_costs_of_an_auction() -> None:
    notes, guide = page("private_exec/mpc/NOTES.md"), page("docs/private.md")
    runs = results("auction.json")["runs"]
    for run in runs:
        designed = run["prototype"]
        before, online = (
            f" ({designed[key]})" if designed else "" for key in ("prepare_ms", "online_ms")
        )
        row = f"| {run['members']} | {run['prepare_ms']}{before} "
        row += f"| {run['online_ms']} + {run['links_ms']}{online} | {run['verified_ms']} |"
        assert row in notes
    for key in ("prepare_ms", "online_ms", "verified_ms"):
        assert f"| {' | '.join(f'{run[key]:.0f}' for run in runs)} |" in guide


def test_costs_of_the_three_programs() -> None:
    table = runpy.run_path(str(MADE / "programs.py"))["table"]
    assert table(results("programs.json")) in page("docs/private.md")


def test_costs_of_collaborative_proofs() -> None:
    text = page("private_exec/collaborative/SPEC.md")
    stated = 0
    for run in results("proofs.json")["runs"]:
        cost = run["milliseconds"]
        off = [cost[f"{step}_lied"] - cost[step] for step in ("fix", "conclude")]
        key = f"| {run['members']} | {run['rows']:,} |"
        row = f"{key} {cost['alone']:.0f} | {cost['member']:.0f} | + {off[0]:.0f} | + {off[1]:.0f} "
        stated += key in text
        assert key not in text or f"{row}| {cost['verify']:.1f} |" in text
    assert stated == 5


def test_costs_of_a_proved_auction() -> None:
    text = page("private_exec/provable/SPEC.md")
    for run in results("proofs.json")["auction"]:
        times = f"{run['compute_ms']:.0f} | {run['with_proof_ms']:.0f}"
        rounds = f"{run['rounds']}, {run['rounds_of_proof']}"
        row = f"| {run['members']} | {times} | {rounds} | {run['mb']:.1f} "
        assert f"{row}| {run['observer_ms']:.0f} |" in text
        for said in (f"{run['rows']:,} rows", f"{run['triples']:,} triples"):
            assert said in text
        assert f"{run['proof_bytes']:,} bytes" in text
