"""`chiaro bench`: commands, files, what they refuse, and the page."""

from __future__ import annotations

import copy
import importlib.util
import itertools
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.cli import bench_circuits, bench_plan, bench_plots, bench_report, bench_statements
from node.cli.bench_scan import Chain
from zk import backends
from zk.bench import compare as comparing
from zk.bench import export, harness, inputs, peers, results, works
from zk.bench.errors import BenchError, ResultsMalformed

FAKE = Path(__file__).parents[2] / "zk" / "bench" / "fake_peer.py"


def fake(way: str = "ok", name: str = "fake") -> str:
    return f"{name}={sys.executable} {FAKE} {way}"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    (tmp_path / "made").mkdir()
    monkeypatch.setattr(inputs, "folder", lambda: tmp_path / "made")
    monkeypatch.setenv(peers.ENV_PEERS, str(tmp_path / "none"))


@pytest.fixture
def run(offline):
    """`bench run fr_mul`, small and quick, with the reference."""

    def go(*words: str, work: str = "fr_mul"):
        line = ("bench", "run", work, "--sizes", "5", "--backend", "reference")
        return offline.json(*line, "--rounds", "3", *words)

    return go


@pytest.fixture(scope="module")
def measured():
    """The data of one series with a peer."""
    (work,) = works.find("fr_mul")
    made = inputs.make(work, 5, backends.get("reference"))
    others = [peers.Command("fake", (sys.executable, str(FAKE)))]
    plan = harness.Plan(work, 5, 1, 3)
    series = harness.run(plan, made, {"reference": peers.ours("reference", 1)}, others)
    return results.document([series], command=["chiaro"], seed=inputs.DEFAULT_SEED)


@pytest.fixture
def recorded(measured, tmp_path):
    """It as a file."""
    file = tmp_path / "a.json"
    results.write(measured, file)
    return file


def test_a_run_prints_rows_and_writes_the_same_to_a_file(run, tmp_path):
    file = tmp_path / "deep" / "a.json"
    done = run("--peer", fake(), "--out", str(file))
    assert done.code == 0
    (row,) = done.data["rows"]
    assert (row["work"], row["size"], row["threads"], row["backend"], row["peer"]) == (
        "fr_mul", 5, 1, "reference", "fake",
    )  # fmt: skip
    assert row["ratio"] == pytest.approx(row["peer_ms"] / row["ours_ms"])
    assert len(done.data["series"][0]["samples"]) == 6
    assert done.data["file"] == str(file)
    assert results.read(file)["rows"][0]["output"] == row["output"]
    assert done.err == ""


def test_inputs_can_be_made_before_a_quiet_hour(offline, run, tmp_path):
    words = ("bench", "run", "fr_mul", "ntt", "--sizes", "8", "--backend", "reference")
    made = offline.json(*words, "--prepare").data["inputs"]
    assert [(each["work"], each["size"]) for each in made] == [("fr_mul", 8), ("ntt", 8)]
    (kept,) = (tmp_path / "made").glob("ntt-8-*.values")
    stamp = kept.stat().st_mtime_ns
    rows = run("--sizes", "8", work="ntt").data["rows"]
    assert rows[0]["inputs_sha256"] == made[1]["inputs_sha256"]
    assert kept.stat().st_mtime_ns == stamp
    assert "fr_mul" in offline(*words, "--prepare").out


def test_a_peer_that_answers_otherwise_does_not_count_and_the_exit_code_says_so(run):
    done = run("--peer", fake("wrong"))
    assert done.code == 1
    (row,) = done.data["rows"]
    assert (row["ratio"], row["disagrees"]) == (None, True)
    assert "answers otherwise" in done.document["warnings"][0]


def test_a_peer_that_cannot_is_said_and_is_no_failure(run):
    done = run("--peer", fake("refuse"))
    assert done.code == 0
    assert "I do not do this" in done.data["rows"][0]["error"]
    assert any("I do not do this" in warning for warning in done.document["warnings"])


def test_people_get_a_table(offline):
    done = offline(
        "bench", "run", "fr_mul", "--sizes", "5,6", "--backend", "reference", "--quick",
        "--peer", fake(),
    )  # fmt: skip
    assert done.code == 0
    assert "fr_mul 5" in done.out
    assert "fr_mul 6" in done.out
    assert "×" in done.out
    assert "noisy" in done.err  # three rounds are few


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "juggle"), 2, "no work is called 'juggle'"),
        (("run", "fr_mul", "--sizes", "big"), 2, "'big' is no size"),
        (("run", "fr_mul", "--threads", "many"), 2, "no list of numbers of threads"),
        (("run", "fr_mul", "--threads", "0"), 2, "no list of numbers of threads"),
        (("run", "fr_mul", "--threads", "999", "--backend", "reference"), 2, "999 threads on"),
        (("run", "fr_mul", "--backend", "abacus"), 2, "no backend is called 'abacus'"),
        (("run", "fr_mul", "--compare", "gnark"), 2, "gnark is not built here"),
        (("run", "fr_mul", "--compare", "snarkks"), 2, "no peer is called 'snarkks'"),
        (("run", "fr_mul", "--peer", "nothing"), 2, "names no peer"),
        (("run", "fr_mul", "--case", "odd"), 2, "no case 'odd'"),
        (("run", "fr_mul", "--out", "."), 2, "is a folder"),
        (("run", "fr_mul", "--rounds", "0"), 2, "greater than or equal to 1"),
        (("run", "ntt", "--sizes", "12", "--backend", "reference"), 2, "powers of two"),
        (("run", "prove", "--zkey", "/nowhere"), 2, "a key needs a witness"),
        (("run", "prove", "--zkey", "/nowhere", "--wtns", "/nowhere"), 2, "no such file"),
        (("run",), 2, "Missing argument"),
        (("compare", "/nowhere", "/nowhere"), 3, "No such file"),
        (("check", "/nowhere"), 3, "No such file"),
        (("report", "/nowhere"), 3, "No such file"),
        (("export", "/nowhere", "--out", "x"), 3, "No such file"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_document(offline, words, code, said):
    done = offline.json("bench", *words)
    assert done.code == code, done.out
    assert said in done.error["message"]
    assert done.error["hint"]
    assert done.err == ""


def test_a_missing_peer_says_how_to_install_it(offline):
    assert (
        "make peers" in offline.json("bench", "run", "fr_mul", "--compare", "gnark").error["hint"]
    )
    monkey = offline.json("bench", "run", "fr_mul", "--compare", "arkworks").error["hint"]
    assert "--peer arkworks=COMMAND" in monkey


def test_list_and_env(offline):
    listed = offline.json("bench", "list").data
    assert [work["name"] for work in listed["works"]] == list(works.WORKS)
    assert all(not peer["installed"] for peer in listed["peers"] if peer["name"] == "gnark")
    assert "reference" in listed["backends"]
    found = offline.json("bench", "env").data
    assert found["machine"]["cores"] >= 1
    assert set(found) == {"machine", "commit", "load", "backends"}
    for command in ("list", "env"):
        assert offline("bench", command).code == 0


def test_compare_says_what_changed(offline, recorded, tmp_path):
    same = offline.json("bench", "compare", str(recorded), str(recorded))
    assert same.code == 0
    assert [row["verdict"] for row in same.data["rows"]] == ["same"]
    content = json.loads(recorded.read_text())
    for sample in content["data"]["series"][0]["samples"]:
        sample["wall_ms"] *= 1000
    slow = tmp_path / "slow.json"
    slow.write_text(json.dumps(content))
    slower = offline.json("bench", "compare", str(recorded), str(slow))
    assert slower.code == 1
    assert [row["verdict"] for row in slower.data["rows"]] == ["slower"]
    assert offline("bench", "compare", str(slow), str(recorded)).code == 0


def test_check_measures_again(offline, recorded, tmp_path):
    done = offline.json("bench", "check", str(recorded), "--peer", fake())
    (row,) = done.data["rows"]
    assert (row["figure"], row["same_inputs"], row["same_output"]) == ("ratio", True, True)
    assert done.code == (0 if row["ok"] else 1)
    content = json.loads(recorded.read_text())
    content["data"]["rows"][0] |= {"ratio": 9e6, "ratio_low": 9e6, "ratio_high": 9e6}
    other = tmp_path / "other.json"
    other.write_text(json.dumps(content))
    outside = offline("bench", "check", str(other), "--peer", fake(), "--row", "0")
    assert outside.code == 1
    assert "outside" in outside.out


def test_check_needs_the_row_and_the_peer(offline, recorded):
    assert (
        "rows, counted from 0"
        in offline.json("bench", "check", str(recorded), "--row", "7").error["message"]
    )
    missing = offline.json("bench", "check", str(recorded))
    assert "no peer is called 'fake'" in missing.error["message"]


def test_export_without_proofs_is_empty_and_says_so(offline, recorded, tmp_path):
    out = tmp_path / "csp.json"
    done = offline.json("bench", "export", str(recorded), "--out", str(out))
    assert (done.code, done.data["measurements"]) == (1, 0)
    assert json.loads(out.read_text()) == []


def test_what_the_committed_files_measure_exists(monkeypatch):
    script = Path(__file__).parents[3] / "docs" / "bench" / "results" / "measure.py"
    spec = importlib.util.spec_from_file_location("measure_results", script)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    names = [each.name for each in module.MEASUREMENTS]
    assert len(set(names)) == len(names)
    for each in module.MEASUREMENTS:
        words = each.words.split()
        first = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
        options = dict(zip(words[first::2], words[first + 1 :: 2], strict=True))
        assert set(options) <= {"--sizes", "--case", "--threads"}
        request = bench_plan.Request(
            works=tuple(work for name in words[:first] for work in works.find(name)),
            sizes=works.parse_sizes(options["--sizes"]) if "--sizes" in options else (),
            threads=tuple(map(int, options.get("--threads", "1").split(","))),
            backends=each.backends,
            peers=(),
            rounds=7,
            cases=tuple(options.get("--case", "").split(",")) if "--case" in options else (),
            seed="s",
            pin=True,
            profile="dev",
        )
        assert bench_plan.jobs(request)
        assert set(each.peers) <= {known.name for known in peers.KNOWN}
        assert set(each.backends) <= {"ifma", "fma", "portable"}


# --- the page -------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Checks nesting, collects what would be loaded."""

    VOID = frozenset({"meta", "line", "rect", "circle", "polygon", "polyline", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


def test_the_page_loads_nothing_and_shows_everything(offline, run, recorded, tmp_path):
    second = tmp_path / "b.json"
    run("--peer", fake(name="zweite"), "--sizes", "6", "--out", str(second))
    out = tmp_path / "pages" / "bench.html"
    done = offline.json("bench", "report", str(recorded), str(second), "-o", str(out))
    assert done.data["file"] == str(out)
    text = out.read_text()
    page = Page()
    page.feed(text)
    assert page.stack == []
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in {"src", "href", "onload"}]
    assert "http" not in text.replace("http-equiv", "")
    for word in (
        "Who is ahead",
        "Time over size",
        "All figures",
        "zweite",
        "fr_mul 5",
        "criterion",
    ):
        assert word in text
    assert "prefers-color-scheme:dark" in text


def test_text_from_a_file_is_escaped(recorded, tmp_path):
    content = json.loads(recorded.read_text())["data"]
    content["command"] = ["<script>alert(1)</script>"]
    content["rows"][0]["peer"] = "<b>&"
    content["machine"]["processor"] = "<i>"
    page = bench_report.render([content], ["<u>.json"])
    for bad in ("<script>", "<b>", "<u>", "Measured on <i>"):
        assert bad not in page
    Page().feed(page)


def test_phases_are_drawn_in_the_order_of_a_proof(recorded):
    content = json.loads(recorded.read_text())["data"]
    content["rows"][0]["phases"] = {"ntt": 3.0, "msm_a": 1.0}
    content["rows"].append({**content["rows"][0], "size": 6, "phases": {"of a setup": 1.0}})
    page = bench_report.render([content], ["a"])
    assert "quotient (NTT)" in page
    assert page.count("phase p0") == page.count("phase p1") == 2  # wide and narrow


@pytest.mark.parametrize(
    "bars",
    [
        [(1.0, 1.0, 1.0)],
        [(4.0, 3.5, 4.5), (0.01, 0.009, 0.02), (900.0, 800.0, 1000.0)],
    ],
)
def test_ratios_of_any_size_fit(bars):
    rows = [
        bench_plots.Standing("x", *bar, "1×", "peer", noisy=False, others=[other])
        for bar, other in zip(bars, itertools.repeat(bench_plots.Other(7000.0, "s1")))
    ]
    drawn = bench_plots.standings([bench_plots.Group("title", rows)], "label")
    assert drawn.count("bar-ahead") + drawn.count("bar-behind") == 2 * len(bars)
    assert drawn.count("polygon") == 2 * len(bars)
    assert "nan" not in drawn
    for x in map(float, re.findall(r' (?:cx|x|x1|x2)="([^"]*)"', drawn)):
        assert 0 <= x <= 860


@pytest.mark.parametrize("heights", [[5.0], [100.0, 100.0, 101.0], [0.0, 99.0, 99.5, 100.0]])
def test_names_of_lines_stand_apart_and_inside(heights):
    line = bench_plots.Line("x", [], "s0", ours=True)
    placed = [at for at, _ in bench_plots._apart([(h, line) for h in heights], 15.0, 100.0)]
    assert all(b - a >= 15.0 for a, b in itertools.pairwise(placed))
    assert max(placed) <= 100.0


@pytest.mark.parametrize(("low", "high"), [(0.6, 1.6), (0.9, 30.0), (0.001, 1e6), (1e-5, 1.0)])
@pytest.mark.parametrize("most", [5, 9])
def test_ticks_of_ratios_are_few_and_hold_one(low, high, most):
    ticks = bench_plots._ratio_ticks(low, high, most)
    assert 1 in ticks
    assert 1 <= len(ticks) <= most
    assert ticks == sorted(ticks)


def test_the_fastest_peer_is_the_bar_and_slower_ones_are_marks(recorded):
    content = json.loads(recorded.read_text())["data"]
    (row,) = content["rows"]
    row |= {"ratio": 4.0, "ratio_low": 3.9, "ratio_high": 4.1}
    content["rows"].append(
        {**row, "peer": "faster", "ratio": 2.0, "ratio_low": 1.9, "ratio_high": 2.1}
    )
    page = bench_report.render([content], ["a"])
    assert ">2.00×<" in page.replace("~ ", "")
    assert ">4.00×<" not in page.split("All figures")[0].replace("~ ", "")
    assert "1 of 1" in page


def test_chains_of_all_sizes_are_one_plot(recorded):
    content = json.loads(recorded.read_text())["data"]
    (row,) = content["rows"]
    proof = {"work": "prove", "details": {"constraints": 1, "zkey_bytes": 2, "proof_bytes": 128}}
    content["rows"] = [
        {**row, **proof, "case": f"p{log}", "size": 1 << log} for log in (13, 15, 17)
    ]
    page = bench_report.render([content], ["a"])
    assert "Groth16 proof from .zkey and .wtns, Poseidon chains" in page
    assert "time for each row of the domain" in page
    assert "2¹⁷" in page


@pytest.mark.parametrize("points", [[(1, 5.0)], [(4, 0.001), (4096, 90_000.0)], [(8, 1), (9, 1)]])
def test_times_of_any_size_fit(points):
    drawn = bench_plots.times([bench_plots.Line("us", points, "s0", ours=True)], "label")
    assert "nan" not in drawn
    assert drawn.count("polyline") == 2


def test_equal_runs_are_drawn():
    strip = bench_plots.Strip("us", "s0", [2.0, 2.0], ours=True)
    assert bench_plots.runs([strip], "label").count("circle") == 4
    assert bench_plots.runs([bench_plots.Strip("us", "s0", [], ours=True)], "label") == ""


# --- circuits and wallets -------------------------------------------------------------------------


def test_a_scan_finds_exactly_what_was_sent():
    chain = Chain("seed", 3)
    assert chain.scan() == [chain.outputs[0].commitment]
    assert Chain("seed", 3).own_digest() == bench_circuits.for_scan(3, "seed").expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "work", ["prove", "verify", "witness", "transfer", "scan", "setup", "load_key"]
)
def test_works_of_circuits_run(offline, work):
    done = offline.json("bench", "run", work, "--rounds", "1", "--sizes", "2")
    assert done.code == 0, done.out
    (row,) = done.data["rows"]
    assert row["ours_ms"] > 0
    assert row["agreement"]
    if work in ("prove", "transfer"):
        assert {"ntt", "msm_a", "msm_b1", "msm_b2", "msm_c", "msm_h"} <= set(row["phases"])
        assert row["details"]["constraints"] > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("work", ["prove", "verify", "verify_batch", "witness", "setup"])
def test_works_of_samples_run_side_by_side(offline, work):
    """Two circuits in one run; p10 is not listed, any chain has a name."""
    done = offline.json(
        "bench", "run", work, "--case", "p10,p11", "--rounds", "1", "--sizes", "3",
        "--backend", "portable,reference" if work == "verify" else "portable",
    )  # fmt: skip
    assert done.code == 0, done.out
    rows = done.data["rows"]
    assert list(dict.fromkeys(row["case"] for row in rows)) == ["p10", "p11"]
    for row in rows:
        assert row["details"]["target"] == "poseidon_chain"
        assert row["details"]["constraints"] == row["details"]["input_size"] * 240 + 1
    if work in ("prove", "setup"):
        assert [row["size"] for row in rows] == [1 << 10, 1 << 11]
        assert all(row["phases"] for row in rows)


def test_a_chain_fills_its_domain():
    assert [bench_statements.hashes(log) for log in (13, 15, 17)] == [34, 136, 546]
    for log in (10, 22):
        length = bench_statements.hashes(log)
        assert 240 * length + 3 <= 1 << log < 240 * (length + 1) + 3 + 16


@pytest.mark.parametrize("case", ["p9", "p23", "p013", "s16", "", "../p13"])
def test_other_circuits_are_refused(case):
    with pytest.raises(BenchError, match="no circuit is called"):
        bench_statements.find(case)
    assert not works.has_case(works.WORKS["prove"], case)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["cached", "empty"])
def test_starts_are_timed_with_and_without_a_cache(offline, case):
    done = offline.json("bench", "run", "start", "--case", case, "--rounds", "1")
    (row,) = done.data["rows"]
    assert row["output"] == "ready"
    assert row["ours_cpu_ms"] > 10  # that of the process started


@pytest.mark.slow
def test_a_proof_for_another_input_is_not_accepted():
    made = bench_plan.make_inputs(
        bench_plan.Request(works.find("prove"), (), (1,), (), (), 1, (), "s", True, "dev"),
        bench_plan.Job(works.WORKS["prove"], "action", None, 1),
        lambda _phase, _share: None,
    )[1]
    assert made.accept is not None
    assert not made.accept("{}")
    assert not made.accept("junk")


def leaves(value, path=()):
    """Every place in a document."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=True), st.just(10**40),
    st.text(max_size=3), st.just([]), st.just({}), st.just([None]), st.just({"a": []}),
    st.floats(1e-12, 1e15),
)  # fmt: skip


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_damaged_file_is_refused_or_harmless(tmp_path_factory, whole, data):
    document = copy.deepcopy(whole)
    path = data.draw(st.sampled_from([place for place in leaves(document) if place]))
    place = document
    for step in path[:-1]:
        place = place[step]
    if isinstance(place, dict) and data.draw(st.booleans()):
        del place[path[-1]]
    else:
        place[path[-1]] = data.draw(JUNK)
    file = tmp_path_factory.mktemp("damaged") / "a.json"
    file.write_text(json.dumps(document))
    try:
        found = results.read(file)
    except ResultsMalformed:
        return
    Page().feed(bench_report.render([found], ["a"]))
    comparing.compare(found, found)
    export.csp_metrics(found)
    for row in found["rows"]:
        comparing.check(row, row)


@pytest.fixture(scope="module")
def whole(measured):
    """A result file with a proof, its phases, and a peer."""
    data = copy.deepcopy(measured)
    details = {"constraints": 1, "zkey_bytes": 2, "proof_bytes": 128}
    proof = {"work": "prove", "details": details, "phases": {"ntt": 1.0}}
    data["rows"] += [{**data["rows"][0], **proof}, {**data["rows"][0], "size": 8}]
    return json.loads(json.dumps({"schema": results.SCHEMA, "data": data}))
