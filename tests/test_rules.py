"""Every rule has a number, and the number stands in four places: SPEC, code, test name, refusal.

A rule is *defined* where its id opens a line of a `SPEC.md` (as heading, list item, table row or
bold text). It must be *cited* in code of the six packages and *tested* by a function `test_<id>_…`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("circuits", "node", "private_exec", "shielded", "transparent", "zk")
FAMILIES = (
    "SH", "TR", "EX", "CH", "RPC", "AUD", "PX", "DA", "IN", "GO", "CL", "LN", "ST", "LC", "SN",
    "PV",
)  # fmt: skip

ID = re.compile(rf"\b(?:{'|'.join(FAMILIES)})-\d+\b")
DEFINED = re.compile(rf"^[\s#>*|\-`]*((?:{'|'.join(FAMILIES)})-\d+)\b")
TEST = re.compile(rf"def test_((?:{'|'.join(f.lower() for f in FAMILIES)})\d+)(?:_|\()")


@cache
def defined() -> dict[str, Path]:
    rules: dict[str, Path] = {}
    for package in PACKAGES:
        for spec in (ROOT / package).rglob("SPEC.md"):
            for line in spec.read_text().splitlines():
                if found := DEFINED.match(line):
                    rules.setdefault(found[1], spec)
    return rules


@cache
def cited() -> dict[str, Path]:
    rules: dict[str, Path] = {}
    for package in PACKAGES:
        for source in (ROOT / package).rglob("*.py"):
            for rule in ID.findall(source.read_text()):
                rules.setdefault(rule, source)
    return rules


@cache
def with_test() -> set[str]:
    return {
        name
        for source in (ROOT / "tests").rglob("test_*.py")
        for name in TEST.findall(source.read_text())
    }


def test_there_are_rules() -> None:
    families = {rule.split("-")[0] for rule in defined()}
    assert {"SH", "TR", "EX", "CH"} <= families


@pytest.mark.parametrize("rule", sorted(cited()))
def test_every_cited_rule_is_defined(rule: str) -> None:
    assert rule in defined(), f"{rule} is cited in {cited()[rule]} but no SPEC.md defines it"


@pytest.mark.parametrize("rule", sorted(defined()))
def test_every_defined_rule_is_cited_and_tested(rule: str) -> None:
    assert rule in cited(), f"{rule} of {defined()[rule]} is cited nowhere in code"
    name = rule.replace("-", "").lower()
    assert name in with_test(), f"no test is named test_{name}_…"
