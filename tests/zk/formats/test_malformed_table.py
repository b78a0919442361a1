"""Every row of docs/formats.md: the malformed file is made, and refused by the code of the row."""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path

import pytest
from malformed import containers, documents, encodings, verifying
from malformed.case import Case, made

from node.core import catalog
from zk.errors import ChiaroError
from zk.formats.errors import DOCUMENT_REFUSALS, FILE_REFUSALS, MalformedDocument
from zk.formats.itemised import verify_documents

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"
CASES = [*containers.CASES, *documents.CASES, *encodings.CASES]
NOT_READ = {"PRF-013"}
"""Refusals of documents that do not fit together: no single file shows them; VERIFY has them."""


@pytest.mark.parametrize("case", CASES, ids=[f"{c.kind}: {c.what}" for c in CASES])
def test_each_malformed_file_is_refused_by_its_code(case: Case) -> None:
    with pytest.raises(ChiaroError) as caught:
        case.read(case.data())
    assert caught.value.id == case.code
    assert caught.value.exit_code == case.exit_code
    assert catalog.look_up(case.code) is not None


@pytest.mark.parametrize("handed", verifying.HANDED, ids=[h.what for h in verifying.HANDED])
def test_each_input_of_verify_gets_its_answer(handed: verifying.Handed) -> None:
    given = {"proof": documents.proof(), "public": documents.public(), "key": documents.key()}
    given[handed.document] = documents.edited(lambda: given[handed.document], handed.edit)()
    if handed.exit_code == 3:
        with pytest.raises(MalformedDocument) as caught:
            verify_documents(**given)
        assert (caught.value.id, caught.value.exit_code) == (handed.code, 3)
        return
    pairing = verify_documents(**given)[-1]
    assert (pairing.id, pairing.ok, pairing.code) == ("pairing", not handed.code, handed.code)


def test_another_proof_of_the_same_is_called_the_same_statement() -> None:
    """(−A, −B, C) and re-randomised proofs hold: what was proved has a name that none changes."""
    rest = {"public": documents.public(), "key": documents.key()}
    plain = verify_documents(documents.proof(), **rest)[-1].detail
    for handed in verifying.HANDED:
        if handed.exit_code == 0:
            other = documents.edited(documents.proof, handed.edit)()
            assert json.loads(other) != json.loads(documents.proof())
            assert verify_documents(other, **rest)[-1].detail == plain
    named = re.search(r"statement ([0-9a-f]{64})", plain)
    assert named is not None
    assert "other proofs" in plain
    zero = json.dumps([str(value + 1) for value in made().public]).encode()
    assert named[1] not in verify_documents(documents.proof(), zero, documents.key())[-1].detail


def table() -> str:
    """What the page must hold between its marks."""
    lines: list[str] = []
    for kind, cases in groupby(CASES, key=lambda case: case.kind):
        lines += [
            f"### {kind[:1].upper()}{kind[1:]}",
            "",
            "| refused | code | exit |",
            "|---|---|---|",
        ]
        lines += [f"| {case.what} | `{case.code}` | {case.exit_code} |" for case in cases]
        lines.append("")
    return "\n".join(lines).strip()


def verify_table() -> str:
    lines = ["| given | code | exit |", "|---|---|---|"]
    lines += [
        f"| {h.what} | {f'`{h.code}`' if h.code else 'valid, the same statement'} | {h.exit_code} |"
        for h in verifying.HANDED
    ]
    return "\n".join(lines)


def between(mark: str) -> str:
    found = re.search(
        rf"<!-- {mark} -->\n(.*?)\n<!-- end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found is not None
    return found[1].strip()


def test_the_page_lists_exactly_these_rows() -> None:
    assert between("malformed files") == table()
    assert between("verify") == verify_table()


def test_no_row_stands_twice() -> None:
    rows = [(case.kind, case.what) for case in CASES]
    assert len(set(rows)) == len(rows)


def test_every_code_of_a_file_or_document_has_a_row() -> None:
    shown = {case.code for case in CASES} | {handed.code for handed in verifying.HANDED}
    assert set(DOCUMENT_REFUSALS) | set(FILE_REFUSALS) <= shown
