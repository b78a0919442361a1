"""The maker of docs/audit at a tenth of its size: a hundred private transfers, one proof false."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from circuits.key_registry import Registry
from node.audit.export import export
from node.audit.perform import Options, perform
from node.audit.sources import FolderSource, bundle_in, opened
from node.testing.ledger import Ledger

SCRIPT = Path(__file__).parents[3] / "docs" / "audit" / "make_chain.py"


@pytest.fixture
def make_chain():
    spec = importlib.util.spec_from_file_location("make_chain", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sized(make_chain, tmp_path, transfers: int, per_block: int) -> None:
    registry = Registry.load()
    with make_chain.stored(tmp_path / "home") as store:
        ledger = make_chain.make(Ledger(store=store), transfers, per_block, 3)
        bad, place = make_chain.with_a_bad_proof(ledger)
    with opened(tmp_path / "home" / "node") as source:
        export(source, tmp_path / "good.tar", registry)
    export(FolderSource(bad.store, bad.genesis, "memory", None), tmp_path / "bad.tar", registry)

    options = Options(registry, tmp_path / "work")
    good = perform(lambda: bundle_in(tmp_path / "good.tar"), options)
    good.require_valid()
    assert good.counts.private_transfers == transfers
    assert good.run_proofs == good.counts.proofs >= transfers + per_block // 2

    # The false chain is another history: it begins again, in the same folder.
    found = perform(lambda: bundle_in(tmp_path / "bad.tar"), options)
    assert found.resumed == 0
    (culprit,) = found.culprits
    assert (culprit.height, culprit.index) == (place["height"], place["index"])
    assert (culprit.rule, "0x" + culprit.tx_id.hex()) == ("PRF-001", place["tx_id"])
    assert found.executed == place["height"] - 1


def test_aud012_four_transfers_and_one_false_proof(make_chain, tmp_path) -> None:
    sized(make_chain, tmp_path, 4, 2)


@pytest.mark.slow
def test_aud012_a_hundred_transfers_and_one_false_proof(make_chain, tmp_path) -> None:
    sized(make_chain, tmp_path, 100, 20)
