"""What may be typed, and where it leads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.explorer import search
from node.explorer.errors import NotSearchable
from node.rpc.errors import BadRequest

BAD = [
    "-1", "01", "1.0", "１", "0x1", "abc", "g" * 64, "a" * 63, "a" * 65, "1e3", "1/", "/1",
    "0/00", "9" * 16, "٣", "x" * 500,
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_rpc59_the_search_guesses_nothing(text, http) -> None:
    with pytest.raises(NotSearchable, match="RPC-59"):
        search.typed(text)
    answer = http.get("/explorer/search", params={"q": text})
    assert answer.status_code == 400


@given(st.text())
def test_rpc59_whatever_is_typed_is_one_of_three_things_or_refused(text: str) -> None:
    try:
        found = search.typed(text)
    except NotSearchable:
        return
    canonical = text.strip().lower().removeprefix("0x")
    match found:
        case int():
            assert str(found) == canonical
        case (domain, number):
            assert f"{domain}/{number}" == canonical
        case bytes():
            assert found.hex() == canonical


@pytest.mark.parametrize(
    "path",
    [
        "/blocks/01", "/blocks/-1", "/blocks/%C2%B2", "/tx/0x" + "a" * 64, "/tx/" + "A" * 64,
        "/tx/aa", "/batches/00/1", "/account/zz", "/da/zz", "/tx/" + "a" * 64 + "/proof/00",
    ],
)  # fmt: skip
def test_rpc59_an_address_has_one_spelling(path, http) -> None:
    answer = http.get("/explorer" + path)
    assert answer.status_code == 400, answer.text
    assert "RPC-59" in answer.text


@pytest.mark.parametrize("query", ["?from=x", "?from=1&from=2", "?other=1", "?from=" + "1" * 2000])
def test_rpc59_queries_are_known_parameters_each_once(query, http) -> None:
    answer = http.get("/explorer/blocks" + query)
    assert answer.status_code in {400, 413}
    assert "RPC-59" in answer.text


def test_what_is_found(story, http) -> None:
    block = story.service.block(2)
    cases = {
        "2": "/blocks/2",
        " 2 ": "/blocks/2",
        "0/0": "/batches/0/0",
        story.clear: f"/tx/{story.clear}",
        "0x" + story.clear.upper().replace("X", "x"): f"/tx/{story.clear}",
        block.hash: "/blocks/2",
        story.account: f"/account/{story.account}",
        story.blob: f"/da/{story.blob}",
        story.service.lane.batch(0, 0).entries[0].id: "/batches/0/0",
    }
    for typed, where in cases.items():
        answer = http.get("/explorer/search", params={"q": typed})
        assert answer.headers.get("location") == "/explorer" + where, (typed, answer.text)
    assert http.get("/explorer/search", params={"q": "99999"}).status_code == 404
    assert http.get("/explorer/search", params={"q": "12" * 32}).status_code == 404
    assert http.get("/explorer/search").status_code == 200


def test_numbers_in_addresses_are_bounded() -> None:
    assert search.height("0") == 0
    with pytest.raises(BadRequest):
        search.height("1" * 16)
