"""Where the explorer is served, and under which names."""

from __future__ import annotations

import pytest

from node.app.options import Options
from node.testing.nodes import memory_node


@pytest.mark.parametrize(
    ("options", "there"),
    [
        ({}, True),
        ({"explorer": False}, False),
        ({"allow_remote": True}, False),
        ({"allow_remote": True, "explorer": True}, True),
    ],
)
def test_rpc62_on_for_this_machine_off_for_others_unless_asked(options, there, helpers) -> None:
    node = memory_node(options=Options(port=0, **options))
    node.start()
    try:
        with helpers.browser_of(node) as http:
            assert (http.get("/explorer").status_code == 200) is there
            assert http.get("/v1/status").status_code == 200
            assert http.get("/", headers={"accept": "text/html"}).status_code == (
                303 if there else 404
            )
    finally:
        node.close()


@pytest.mark.parametrize("path", ["", "/live", "/static/x", "/search", "/nowhere"])
def test_rpc62_under_this_machines_names_only(path, http) -> None:
    answer = http.get("/explorer" + path, headers={"host": "rebound.example"})
    assert answer.status_code == 403
    assert "RPC-6" in answer.text
