"""Every page: that it is there, what is on it, and which headers it has."""

from __future__ import annotations

import re

import pytest

from node.app import development
from node.app.options import Options
from node.explorer.explorer import HEADERS, ROUTES
from node.store import chain as chains
from node.testing.clock import EPOCH_MS
from node.testing.nodes import VALIDATOR, memory_node

LINK = re.compile(r'href="(/[^"#]*)"')


def paths(story) -> dict[str, str]:
    """One address for each route."""
    return {
        "": "",
        "/blocks": "/blocks",
        "/blocks/{height}": "/blocks/1",
        "/mempool": "/mempool",
        "/tx/{id}": f"/tx/{story.shielded}",
        "/tx/{id}/proof/{number}": f"/tx/{story.shielded}/proof/0",
        "/batches": "/batches",
        "/batches/{domain}": "/batches/0",
        "/batches/{domain}/{number}": "/batches/0/0",
        "/supply": "/supply",
        "/validators": "/validators",
        "/faults": "/faults",
        "/account/{id}": f"/account/{story.account}",
        "/rule/{code}": "/rule/EX-22",
        "/da": "/da",
        "/da/{root}": f"/da/{story.blob}",
    }


@pytest.mark.parametrize("route", [route.path for route in ROUTES])
def test_every_page_is_there_with_its_headers(route, story, http) -> None:
    answer = http.get("/explorer" + paths(story)[route])
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
    assert "set-cookie" not in answer.headers
    assert answer.text.startswith("<!doctype html>")
    assert answer.text.count("<h1>") == 1
    assert "<title>" in answer.text


def test_every_link_leads_somewhere(story, http) -> None:
    """From the overview on; some of each kind of page."""
    known = re.compile(r"[0-9a-f]{64}|\d+")
    seen: set[str] = set()
    kinds: dict[str, int] = {}
    waiting = ["/explorer"]
    while waiting:
        path = waiting.pop()
        kind = known.sub("*", path)
        if path in seen or kinds.get(kind, 0) == 4:
            continue
        seen.add(path)
        kinds[kind] = kinds.get(kind, 0) + 1
        answer = http.get(path)
        assert answer.status_code == 200, path
        if "html" in answer.headers["content-type"]:
            waiting += LINK.findall(answer.text)
    assert {"/explorer/blocks/*", "/explorer/tx/*", "/explorer/batches/*/*", "/explorer/da/*"} <= {
        *kinds
    }


def test_rpc57_pages_say_what_the_rpc_says(story, http) -> None:
    service = story.service
    status = service.status()
    overview = http.get("/explorer").text
    assert f"{status.height:,}</h1>" in overview
    block = http.get("/explorer/blocks/1").text
    found = service.block(1)
    for value in (found.hash, found.previous, found.root_after, found.tx_root):
        assert value.removeprefix("0x") in block
    supply = http.get("/explorer/supply").text
    (native,) = [item for item in service.supply().kinds if item.kind.name == "native"]
    assert int(native.shielded) == 10 * 10**6
    assert "<dd>10</dd>" in supply
    assert "Adds up" in supply


def test_rpc57_asking_changes_nothing(story, http) -> None:
    before = (story.node.chain.height, story.node.store.root, len(story.node.pool))
    for path in paths(story).values():
        http.get("/explorer" + path)
        refused = http.put("/explorer" + path)
        assert refused.status_code == 405
    assert (story.node.chain.height, story.node.store.root, len(story.node.pool)) == before


def test_rpc57_what_is_sealed_is_not_shown_before_a_block_opens_it(story) -> None:
    """While it is being solved the intents are told; before, they are veiled."""
    assert story.closed.count('class="veil"') == 2
    assert "gives" not in story.closed
    assert "gives 0.0001" in story.solving
    assert "veil" not in story.solving


def test_a_closed_batch_says_whose_shares_are_here_and_no_share(story) -> None:
    own = story.node.genesis.validators[0].hex()
    assert "1 of 1 validators’ so far" in story.closed
    (present,) = re.findall(r'<ul class="present">(.*?)</ul>', story.closed, re.DOTALL)
    assert present.count('class="here"') == 1
    assert own[:6] in present
    assert "validators’ so far" not in story.solving


def test_validators_have_stake_shares_and_keys(story, http) -> None:
    page = http.get("/explorer/validators").text
    text = re.sub("<[^>]*>", " ", page)
    assert story.node.genesis.validators[0].hex()[:8] in text
    assert "this node" in text
    stake = story.node.genesis.stake
    assert ("this chain has no stake" in text) is (stake is None)
    assert "made" in text


def test_stake_is_on_the_pages_of_a_chain_that_has_it(helpers) -> None:
    keys = (VALIDATOR.public,)
    stake = development.stake(keys, development.LANE.epoch_heights)
    node = memory_node(development.genesis(EPOCH_MS, validators=keys, stake=stake))
    node.start()
    try:
        with helpers.browser_of(node) as http:
            pages = {
                p: http.get("/explorer" + p) for p in ("", "/validators", "/supply", "/faults")
            }
    finally:
        node.close()
    text = {p: re.sub("<[^>]*>", " ", page.text) for p, page in pages.items()}
    assert "1,000,000" in text["/validators"]
    assert "the next roster is fixed" in text["/validators"]
    assert "at stake" in text[""]
    assert "at stake" in text["/supply"]
    assert "None that this chain or node knows of." in text["/faults"]


def test_a_transfer_in_the_clear_hides_nothing(story, http) -> None:
    page = http.get(f"/explorer/tx/{story.clear}").text
    assert "Payment in the clear" in page
    assert "Nothing of it is hidden." in page
    assert "In the shadow" not in page
    assert "5 native" in re.sub("<[^>]*>", "", page)


def test_a_shielding_shows_the_account_and_hides_the_owner(story, http) -> None:
    page = http.get(f"/explorer/tx/{story.shielded}").text
    text = re.sub("<[^>]*>", "", page)
    assert "Into the shadow" in text
    assert "10.001 native" in text
    assert story.chain.faucet.account.hex() in page
    assert "whose notes these are" in text
    assert page.count('class="veil"') == 3


def test_a_sealed_intent_names_what_is_hidden_until_when(story, http) -> None:
    text = re.sub("<[^>]*>", "", http.get(f"/explorer/tx/{story.sealed}").text)
    assert "Sealed intent" in text
    assert "what is given" in text
    assert "Until its place is final" in text


def test_a_batch_has_its_stages_with_their_blocks(story, http) -> None:
    page = http.get("/explorer/batches/0/0").text
    batch = story.service.lane.batch(0, 0)
    heights = [int(h) for h in re.findall(r'<a href="/explorer/blocks/(\d+)">block', page)]
    assert page.count("step done") == 5
    assert len(heights) == 5
    assert heights == sorted(heights)
    assert heights[-1] == batch.end.height
    names = [event.name for r in story.node.chain.receipts(heights[2]) for event in r.events]
    assert "opened" in names


def test_a_blob_has_its_rows_and_signers(story, http) -> None:
    page = http.get(f"/explorer/da/{story.blob}").text
    view = story.service.da.blob(bytes.fromhex(story.blob))
    assert page.count('class="row-here"') == view.rows == view.total
    assert story.node.genesis.validators[0].hex()[:16] in page
    assert '<span class="good">yes</span>' in page


def test_a_node_that_keeps_its_last_blocks_only_has_its_pages(helpers, monkeypatch) -> None:
    """SN-14: lists begin with the first block that is here."""
    monkeypatch.setattr(chains, "MIN_RETAINED", 2)
    node = memory_node(options=Options(port=0, retain_heights=3))
    node.start()
    try:
        for _ in range(6):
            node.produce_block()
        first = node.chain.first
        assert first > 1
        with helpers.browser_of(node) as http:
            pages = [http.get("/explorer" + p) for p in ("", "/blocks", "/blocks?from=1")]
            gone = http.get(f"/explorer/blocks/{first - 1}")
    finally:
        node.close()
    assert [page.status_code for page in pages] == [200, 200, 200]
    listed = [re.findall(r'<tr data-key="(\d+)"', page.text) for page in pages]
    assert listed == [[str(h) for h in range(6, first - 1, -1)]] * 2 + [[str(first)]]
    assert ">Older<" not in pages[1].text
    assert gone.status_code == 404
    assert "SN-12" in gone.text


def test_lists_are_turned_and_bounded(story, http) -> None:
    newest = http.get("/explorer/blocks").text
    assert len(re.findall(r"<tr data-key", newest)) == min(25, story.node.chain.height)
    old = http.get("/explorer/blocks?from=2").text
    assert re.findall(r'<tr data-key="(\d+)"', old) == ["2", "1"]
    assert "data-live" not in old


@pytest.mark.parametrize(
    "path",
    [
        "/blocks/999999", "/tx/" + "0" * 64, "/tx/" + "0" * 64 + "/proof/0", "/batches/9/0",
        "/batches/0/999", "/batches/7", "/da/" + "0" * 64, "/rule/NO-1", "/rule/" + "X" * 99,
        "/nowhere", "/static/other.css", "/static/../pyproject.toml",
    ],
)  # fmt: skip
def test_what_is_not_there_is_a_page_that_says_so(path, http) -> None:
    answer = http.get("/explorer" + path)
    assert answer.status_code == 404, answer.text
    assert answer.headers["content-security-policy"]


def test_a_browser_at_the_root_is_led_to_the_explorer_and_a_program_is_not(http) -> None:
    led = http.get("/", headers={"accept": "text/html,*/*"})
    assert (led.status_code, led.headers["location"]) == (303, "/explorer")
    told = http.get("/", headers={"accept": "application/json"})
    assert told.status_code == 404
    assert told.json()["error"]["code"] == "NOD-003"


def test_files_may_be_kept_for_good_since_their_names_change_with_them(http) -> None:
    page = http.get("/explorer").text
    (css,) = re.findall(r'href="(/explorer/static/[^"]*css)"', page)
    (script,) = re.findall(r'src="(/explorer/static/[^"]*js)"', page)
    for path, media in ((css, "text/css"), (script, "text/javascript")):
        answer = http.get(path)
        assert answer.headers["content-type"].startswith(media)
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    plain = http.get(css.replace(css.split("/")[-1], "explorer.css"))
    assert plain.status_code == 404


def test_a_rule_is_explained_where_it_refused(http) -> None:
    text = re.sub("<[^>]*>", "", http.get("/explorer/rule/EX-22").text)
    assert "chiaro explain EX-22" in text
    assert "EX-22" in text
    assert "node/execution/SPEC.md" in text
