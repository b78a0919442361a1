"""Certificates: gadgets are examined here in full, the action's stored one against its circuit."""

from __future__ import annotations

import json

import pytest

from circuits.action import Action
from circuits.lab import action, audit, reasons
from circuits.lab.gadget_audit import examine, examine_all
from circuits.lab.gadgets import CATALOGUE, Gadget, Small, gadget
from circuits.lab.program import NotingRecorder
from circuits.lab.reasons import Reasons
from circuits.lab.subject import Draws
from circuits.lab.subjects import SUBJECTS, subject
from circuits.registry import STATEMENTS
from zk.errors import CircuitError, DigestMismatch, ParamsError, UnknownKey


@pytest.fixture(scope="module")
def stored() -> dict:
    return json.loads(audit.path_of("action/1").read_text())


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_gadget_passes(name: str) -> None:
    certificate = examine(CATALOGUE[name])
    assert certificate.unexplained == []
    assert certificate.passed
    data = certificate.data
    assert data["mutants"] >= data["killed"]
    assert data["deletions"]["forged"] == data["deletions"]["rows"] == data["rows"]


def test_gadgets_together() -> None:
    chosen = [CATALOGUE["is_nonzero"], CATALOGUE["division"]]
    data = examine_all(gadgets=chosen)
    assert data["passed"]
    assert set(data["gadgets"]) == {"is_nonzero", "division"}
    assert data["mutants"] == sum(d["mutants"] for d in data["gadgets"].values())
    assert [s["gadget"] for s in data["survivors"]] == ["is_nonzero"]


def test_a_missing_reason_is_a_finding() -> None:
    known = CATALOGUE["is_nonzero"]
    silent = Gadget(known.name, known.build, known.samples, divisions=known.divisions)
    certificate = examine(silent)
    assert certificate.unexplained == [
        "a changed wire that no row noticed: is nonzero/inverse or *",
    ]
    assert not certificate.passed


def test_a_reason_holds_where_it_says() -> None:
    """The inverse may vary at 0; a reason that says so does not cover another input."""
    known = CATALOGUE["is_nonzero"]
    place = "is nonzero/inverse or *"

    def unexplained(*only: str) -> list[str]:
        written = Reasons(known.reasons, known.divisions, only={place: only})
        return audit.audit(known.subject(), written).unexplained

    assert unexplained("input (0,): is nonzero/") == []
    assert unexplained("input (1,): is nonzero/") == [
        "a changed wire that no row noticed where its reason does not hold: "
        "input (0,): is nonzero/inverse or 0",
        "a reason for a place that needs none: input (1,): is nonzero/",
    ]
    without = Reasons(known.reasons, known.divisions, only={"nowhere": ()})
    assert audit.audit(known.subject(), without).unexplained == [
        "a limit on a reason that is not needed: nowhere"
    ]


def test_a_reason_for_nothing_is_a_finding() -> None:
    known = CATALOGUE["assign"]
    talkative = Gadget(known.name, known.build, known.samples, reasons={"copy": "because"})
    assert examine(talkative).unexplained == ["a reason for a wire that needs none: copy"]


def test_what_a_small_field_shows_is_a_finding() -> None:
    known = CATALOGUE["division"]
    careless = Gadget(known.name, known.build, known.samples, small=Small(3))
    found = examine(careless).unexplained
    assert "over F_3: two outputs for (0, 0)" in found
    assert "over F_3: decided wrongly: (1, 0)" in found


def test_an_unread_wire_is_a_finding() -> None:
    build = CATALOGUE["assign"]

    def with_unread(cs, x):
        cs.witness("nobody reads me", 3)
        return build.build(cs, x)

    found = examine(Gadget("unread", with_unread, [(1,)])).unexplained
    assert "a wire that no row reads: nobody reads me" in found


def test_seeds_change_the_certificate_and_nothing_else_does() -> None:
    first, again, other = (examine(CATALOGUE["edwards add"], seed).data for seed in "001")
    assert first == again
    assert first["mutants_transcript"] != other["mutants_transcript"]


def test_draws_follow_from_seed_and_names() -> None:
    assert Draws("0").element("a", 1) == Draws("0").element("a", 1)
    assert len({Draws(s).element(n) for s in "01" for n in "ab"}) == 4


def test_names_that_do_not_exist() -> None:
    with pytest.raises(UnknownKey, match="no gadget"):
        gadget("nope")
    with pytest.raises(UnknownKey, match="no examples"):
        subject("nope/1", "0")


def test_every_registered_statement_can_be_examined() -> None:
    assert set(SUBJECTS) == set(STATEMENTS)
    assert all(audit.path_of(name).exists() for name in STATEMENTS)


def test_a_constant_without_image_is_refused() -> None:
    known = CATALOGUE["edwards add"]
    with pytest.raises(CircuitError, match="no image"):
        Gadget("add", known.build, known.samples, small=Small(13)).look_through()


# -- the action's certificate ----------------------------------------------------------------------


def test_the_stored_certificate_is_of_this_circuit_and_passes(stored: dict) -> None:
    """What the rows alone say is made again; mutants and deletions by the slow test below."""
    statement = Action()
    recorder = NotingRecorder(statement.id)
    statement.constrain(recorder, *statement.placeholder())
    shape = recorder.finish()
    digest = shape.digest.hex()
    assert stored["digest"] == "0x" + digest
    assert stored["passed"] is True
    assert stored["unexplained"] == []
    written = reasons.load("action/1", digest)
    tables = {"wire": written.wires, "division": written.divisions, "row": written.rows}
    findings: list[str] = []
    made = audit.structure(
        shape, sorted(recorder.brought), lambda kind, name, _: tables[kind].get(name, ""), findings
    )
    assert findings == []
    assert made == {key: stored[key] for key in made}


def test_every_survivor_has_a_reason_and_the_numbers_add_up(stored: dict) -> None:
    assert all(each["reason"] for each in stored["survivors"])
    assert sum(stored["killed_by"].values()) == stored["killed"] < stored["mutants"]
    assert set(stored["killed_by"]) == {f"A{i}" for i in range(1, 9)}
    assert stored["cases"] == list(action.RECIPES)
    done = stored["deletions"]
    assert done["examined"] == done["forged"] + len(done["open"]) == done["classes"]


@pytest.mark.slow
def test_the_stored_certificate_is_made_again_byte_for_byte() -> None:
    made = audit.audit(action.subject("0"), reasons.load)
    assert made.text() == audit.path_of("action/1").read_text()


@pytest.mark.parametrize("name", ["transit/1", "donation/1"])
def test_the_crossings_certificates_are_of_their_circuits_and_pass(name: str) -> None:
    stored = json.loads(audit.path_of(name).read_text())
    examined = subject(name, "0")
    recorder = NotingRecorder(name)
    examined.statement.constrain(recorder, *examined.statement.placeholder())
    shape = recorder.finish()
    digest = shape.digest.hex()
    assert (stored["digest"], stored["passed"], stored["unexplained"]) == ("0x" + digest, True, [])
    written = reasons.load(name, digest)
    tables = {"wire": written.wires, "division": written.divisions, "row": written.rows}
    known = {*recorder.brought, *map(shape.wire_names.index, examined.stated)}
    findings: list[str] = []
    made = audit.structure(
        shape, sorted(known), lambda kind, name, _: tables[kind].get(name, ""), findings
    )
    assert findings == []
    assert made == {key: stored[key] for key in made}
    assert [each["input"] for each in stored["unnoticed"]] == ["kind_x", "kind_y", "nu"]
    assert all(each["reason"] for each in stored["unnoticed"])
    assert stored["survivors"] == []
    done = stored["deletions"]
    assert len(done["open"]) == 3
    assert done["suspects"] == {"kind off the curve": "on the curve"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["transit/1", "donation/1"])
def test_the_crossings_certificates_are_made_again_byte_for_byte(name: str) -> None:
    made = audit.audit(subject(name, "0"), reasons.load)
    assert made.text() == audit.path_of(name).read_text()


# -- files of reasons ------------------------------------------------------------------------------


def test_reasons_belong_to_one_circuit() -> None:
    with pytest.raises(DigestMismatch, match="written for the circuit"):
        reasons.load("action/1", "00" * 32)
    assert reasons.load("nothing/1", "00" * 32) == Reasons()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"digest": "00", "statement": "x", "more": {}}'])
def test_malformed_reasons_are_refused(tmp_path, monkeypatch, text: str) -> None:
    monkeypatch.setattr(reasons, "FOLDER", tmp_path)
    (tmp_path / "x-1.json").write_text(text)
    with pytest.raises(ParamsError, match="not a file of reasons"):
        reasons.load("x/1", "00")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"schema": "chiaro.certificate/2"}',
        b'{"schema": "chiaro.certificate/1"}',
        b'{"schema": "chiaro.certificate/1", "deletions": []}',
        b'{"schema": "chiaro.certificate/1", "deletions": {}}',
    ],
)
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(ParamsError, match="certificate") as caught:
        audit.parse(data, "action-1.json")
    assert (caught.value.id, caught.value.where) == ("PAR-001", "action-1.json")


def test_the_stored_certificate_is_read(stored: dict) -> None:
    assert audit.parse(audit.path_of("action/1").read_bytes(), "") == stored
