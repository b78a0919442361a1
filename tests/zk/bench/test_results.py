"""Result files: what they hold, what is refused, what two of them say together."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.bench import compare, export, host, results
from zk.bench.errors import ResultsMalformed
from zk.bench.harness import Noise, Sample, Series, Side
from zk.bench.inputs import Inputs

ROW_FIELDS = {"work", "size", "threads", "backend", "ours_ms", "peer", "peer_ms", "ratio"}


def series(
    ours=(10.0, 11.0, 9.0, 10.0, 10.0, 10.0, 10.0),
    peer=(30.0, 33.0, 27.0, 30.0, 30.0, 30.0, 30.0),
    *,
    work="msm_g1",
    case="random",
    size=1024,
    reasons=(),
    details=None,
    **options,
) -> Series:
    names = ("chiaro/portable", "gnark")
    samples = tuple(
        Sample(name, number, wall, wall - 1)
        for number, walls in enumerate(zip(ours, peer, strict=True))
        for name, wall in zip(names, walls, strict=True)
    )
    sides = (
        Side(names[0], ours=True, backend="portable", output="0a", phases={"ntt": [1.0, 3.0, 2.0]}),
        Side(names[1], ours=False, version="v1", output="0a", agreement="same answer", **options),
    )
    noise = Noise((0.5,), (0.6,), 0.0, 0.0, {}, tuple(reasons))
    made = Inputs({"points": "/cache/p.points"}, "ab" * 32, details=details or {})
    return Series(
        work, case, size, 1, (1,), "2026-11-25T12:00:00+00:00", made, sides, samples, noise
    )


def data(*all_series: Series):
    return results.document(all_series or [series()], command=["chiaro", "bench", "run"], seed="s")


def test_a_row_has_the_documented_fields_and_the_ratio_is_peer_over_ours():
    (row,) = data()["rows"]
    assert set(row) >= ROW_FIELDS
    assert (row["work"], row["size"], row["threads"], row["backend"]) == (
        "msm_g1", 1024, 1, "portable",
    )  # fmt: skip
    assert (row["ours_ms"], row["peer"], row["peer_ms"], row["ratio"]) == (10.0, "gnark", 30.0, 3.0)
    assert row["ratio_low"] <= 3.0 <= row["ratio_high"]
    assert (row["ours_best_ms"], row["ours_cpu_ms"]) == (9.0, 9.0)
    assert row["phases"] == {"ntt": 2.0}
    assert row["noisy"] is False


def test_raw_samples_stand_in_the_order_in_which_they_happened():
    kept = data()["series"][0]["samples"]
    assert [sample["who"] for sample in kept[:3]] == ["chiaro/portable", "gnark", "chiaro/portable"]
    assert len(kept) == 14


def test_machine_commit_hashes_and_criterion_are_there():
    found = data()
    assert found["machine"]["id"] == host.machine().id
    assert host.briefly().items() <= found["machine"].items()
    assert found["commit"]["id"] == host.commit().id
    assert found["series"][0]["inputs"] == {"points": "p.points"}
    assert found["rows"][0]["inputs_sha256"] == "ab" * 32
    assert found["rows"][0]["output"] == "0a"
    assert "noisy" in found["criterion"]


def test_a_peer_without_times_has_its_reason_and_no_ratio():
    (row,) = data(series(error="it died", differs=True))["rows"]
    assert (row["ratio"], row["peer_ms"], row["error"]) == (None, None, "it died")
    assert row["disagrees"] is True
    assert row["ours_ms"] == 10.0


def test_noise_and_few_rounds_mark_a_row():
    (noisy,) = data(series(reasons=["the host took 5%"]))["rows"]
    assert (noisy["noisy"], noisy["noise"]) == (True, ["the host took 5%"])
    (few,) = data(series(ours=(1.0, 1.0), peer=(2.0, 2.0)))["rows"]
    assert few["noisy"]
    assert "2 rounds" in few["noise"][0]


def test_a_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "deep" / "a.json"
    results.write(data(), path)
    assert results.read(path) == json.loads(json.dumps(data()))
    printed = tmp_path / "printed.json"
    printed.write_text(json.dumps({"schema": "chiaro.bench.run/1", "ok": True, "data": data()}))
    assert results.read(printed) == results.read(path)


def damaged():
    whole = json.loads(json.dumps({"schema": results.SCHEMA, "data": data()}))

    def change(*path, value):
        made = copy.deepcopy(whole)
        place = made
        for step in path[:-1]:
            place = place[step]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        return made

    yield {}
    yield []
    yield change("schema", value="chiaro-bench/1")
    yield change("data", value=[])
    yield change("data", "rows", value=7)
    yield change("data", "rows", 0, "ours_ms", value="fast")
    yield change("data", "rows", 0, "ours_ms", value=-1)
    yield change("data", "rows", 0, "ours_ms", value=True)
    yield change("data", "rows", 0, "work", value="msm_g9")
    yield change("data", "rows", 0, "series", value=5)
    yield change("data", "rows", 0, "phases", value=None)
    yield change("data", "series", 0, "samples", 0, "wall_ms", value=[])
    yield change("data", "series", 0, "samples", value=None)
    yield change("data", "machine", "id", value=None)
    yield change("data", "commit", value=None)


@pytest.mark.parametrize("content", list(damaged()))
def test_a_damaged_file_is_refused(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ResultsMalformed) as caught:
        results.read(path)
    assert str(path) in caught.value.where


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_refused(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(ResultsMalformed):
        results.read(path)
    with pytest.raises(ResultsMalformed, match="No such file"):
        results.read(tmp_path / "none")


def test_comparing_says_what_became_of_each_measurement():
    before = data(series(), series(work="ntt"), series(work="msm_g2"))
    halved = tuple(value / 2 for value in (10.0, 11.0, 9.0, 10.0, 10.0, 10.0, 10.0))
    doubled = tuple(value * 4 for value in halved)
    after = data(
        series(ours=halved), series(ours=doubled, work="ntt"), series(work="msm_g1", size=2048)
    )
    found = compare.compare(before, after)
    verdicts = {change.work: (change.verdict, change.ratio.value) for change in found.changes}
    assert verdicts == {"msm_g1": ("faster", 2.0), "ntt": ("slower", 0.5)}
    assert found.only_before == ("msm_g2 2^10, 1 thread, portable",)
    assert found.only_after == ("msm_g1 2^11, 1 thread, portable",)
    assert found.same_machine
    after["machine"]["id"] = "another"
    assert not compare.compare(before, after).same_machine


def test_a_file_compared_with_itself_is_the_same():
    found = compare.compare(data(), data())
    assert [change.verdict for change in found.changes] == ["same"]


@settings(deadline=None, max_examples=10)
@given(st.floats(0.2, 5.0))
def test_checking_finds_the_ratio_within_or_outside(scale):
    (row,) = data()["rows"]
    again_walls = tuple(30.0 * scale * v for v in (1.0, 1.1, 0.9, 1.0, 1.0, 1.0, 1.0))
    (again,) = data(series(peer=again_walls))["rows"]
    found = compare.check(row, again)
    assert found.figure == "ratio"
    assert found.within == found.recorded.overlaps(found.found)
    assert found.ok == found.within
    if scale > 1.5 or scale < 0.6:
        assert not found.within


def test_another_answer_or_other_inputs_are_no_reproduction():
    (row,) = data()["rows"]
    assert compare.check(row, row).ok
    assert not compare.check(row, {**row, "output": "0b"}).ok
    assert not compare.check(row, {**row, "inputs_sha256": "cd" * 32}).ok
    alone = {**row, "ratio": None}
    assert compare.check(row, alone).figure == "ours_ms"


PROOF = {
    "target": "poseidon", "input_size": 34, "constraints": 8160, "zkey_bytes": 4_600_000,
    "proof_bytes": 128,
}  # fmt: skip
CSP_FIELDS = {
    "name", "feat", "target", "input_size", "proof_duration", "verify_duration", "proof_size",
    "preprocessing_size", "num_constraints", "peak_memory", "uses_precompile", "proving_system",
    "field_curve", "iop", "arithm", "is_zk", "is_zkvm", "security_bits", "is_pq",
    "is_maintained", "is_audited",
}  # fmt: skip


def test_exported_metrics_have_exactly_the_fields_of_csp_benchmarks():
    proved = series(work="prove", case="poseidon", size=8192, details=PROOF)
    checked = series(work="verify", case="poseidon", size=1, details=PROOF)
    wires = series(work="witness", case="poseidon", size=8161, details=PROOF)
    metrics, skipped = export.csp_metrics(data(proved), data(checked, wires))
    assert skipped == []
    (found,) = metrics
    assert set(found) == CSP_FIELDS  # their reader refuses unknown fields
    assert (found["proof_duration"], found["verify_duration"]) == (20_000_000, 10_000_000)
    assert (found["target"], found["input_size"], found["num_constraints"]) == (
        "poseidon",
        34,
        8160,
    )
    assert json.loads(export.dump(metrics)) == metrics


def test_a_proof_without_its_witness_is_exported_and_said():
    proved = series(work="prove", case="poseidon", size=8192, details=PROOF)
    checked = series(work="verify", case="poseidon", size=1, details=PROOF)
    (found,), (said,) = export.csp_metrics(data(proved, checked))
    assert found["proof_duration"] == 10_000_000
    assert "no witness beside it" in said


def test_a_proof_without_its_verification_is_left_out_and_said():
    metrics, skipped = export.csp_metrics(data(series(work="prove", details=PROOF)))
    assert metrics == []
    assert "no verify beside it" in skipped[0]


@pytest.mark.parametrize(
    ("typed", "recorded"),
    [
        ("/home/ada/results/msm.json", "msm.json"),
        ("--out=/home/ada/msm.json", "--out=msm.json"),
        ("mine=/opt/my prover/run --stdio", "mine=my prover/run --stdio"),
        ("mine='/opt/prover' --key \"/home/ada/k.zkey\"", "mine='prover' --key \"k.zkey\""),
        ("/msm.json", "msm.json"),
        ("results/msm.json", "results/msm.json"),
        ("2^14,2^16", "2^14,2^16"),
        ("gnark,arkworks", "gnark,arkworks"),
    ],
)
def test_no_folder_of_a_machine_is_recorded(typed, recorded):
    made = results.document([series()], command=["chiaro", "bench", typed], seed="s")
    assert made["command"] == ["chiaro", "bench", recorded]


def test_no_committed_result_names_a_folder_of_a_machine():
    folder = Path(__file__).parents[3] / "docs/bench/results"
    found = sorted(folder.glob("*.json"))
    assert found
    for path in found:
        command = results.read(path)["command"]
        assert command == results.without_folders(command), path.name
