"""Error codes: one meaning each, all explained."""

from __future__ import annotations

from collections import defaultdict

from node.core import catalog
from zk.errors import ChiaroError


def classes(cls: type[ChiaroError] = ChiaroError):
    yield cls
    for child in cls.__subclasses__():
        yield from classes(child)


def test_no_two_error_classes_share_a_code() -> None:
    catalog.errors()
    owners = defaultdict(set)
    for cls in classes():
        if "code" in vars(cls) and not cls.__module__.startswith("test"):
            owners[cls.code].add(f"{cls.__module__}.{cls.__qualname__}")
    assert {code: names for code, names in owners.items() if len(names) > 1} == {}


def test_every_error_says_what_to_do_or_why() -> None:
    for entry in catalog.errors().values():
        assert entry.text, entry.code


def test_rules_of_every_package_are_found() -> None:
    found = catalog.rules()
    assert {"TR-1", "CH-1", "SH-40", "A1"} <= set(found)
    assert "TR-2" not in found["TR-1"].text.splitlines()[0]


def test_a_rule_of_the_protocol_names_what_carries_it() -> None:
    entry = catalog.look_up("s-11")
    assert entry is not None
    assert entry.code == "S-11"
    carried, *lines = entry.text.splitlines()
    assert {"PAR-004", "AUD-009"} <= set(carried.removeprefix("carried by ").split(", "))
    assert len(lines) == carried.count(",") + 1
    assert "S-110" not in entry.text
    assert catalog.look_up("S-999") is None


def test_a_rule_names_the_specification_that_states_it() -> None:
    found = catalog.rules()
    assert found["AUD-001"].source == "node/audit/SPEC.md"
    assert found["SH-1"].source == "shielded/SPEC.md"
