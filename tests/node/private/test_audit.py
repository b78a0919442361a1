"""An audit follows hidden amounts: it executes again, and refuses what was not proved or opened."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from circuits.key_registry import DEV, Registry
from circuits.keys import KeyStore
from node.app import development
from node.audit import keys, work
from node.audit.engine import Audit
from node.audit.export import export
from node.audit.sources import FolderSource, bundle_in
from node.cli import audit_report, audit_show
from node.private import state as entries
from node.private.prove import linked_prover
from node.testing.clock import EPOCH_MS
from node.testing.ledger import real_prover
from node.testing.private import PARAMETERS, PrivateChain, assert_ok, unlinked

REGISTRY = Registry.load()


def chain_of(linked) -> PrivateChain:
    """A chain that believes everything, under this installation's keys: who audits must not."""
    genesis = development.genesis(EPOCH_MS, lane=None, private=PARAMETERS)
    found = PrivateChain(
        prove=real_prover(), linked=linked, genesis=dataclasses.replace(genesis, runtime=None)
    )
    found.start(notes=4)
    return found


def audited(chain: PrivateChain, folder: Path, auditor: type[Audit] = Audit):
    path = folder / "chain.tar"
    export(FolderSource(chain.ledger.store, chain.genesis, "memory", None), path, REGISTRY)
    with bundle_in(path) as source:
        chosen, _ = keys.choose(source.genesis, source.keys, REGISTRY, trust_bundled=False)
        with work.in_memory(source.genesis) as journal:
            return auditor(source, chosen, journal).run()


class Watched(Audit):
    """AUD-021: execution finds every proof judged already, also those of what is carried."""

    def _execute(self, item, supply):
        before = self._verifier.judged
        super()._execute(item, supply)
        assert self._verifier.judged == before, item.raw.height


def test_an_audit_of_a_round_finds_nothing(tmp_path):
    chain = chain_of(linked_prover(profile=DEV, keys=KeyStore()))
    identity = chain.open_round(0, 10**9)
    given = [chain.donate(identity, project, 100, project) for project in range(2)]
    assert_ok(chain.run(chain.accept(identity, given)))
    chain.to(entries.round_of(chain.state, identity).terms.accept)
    assert_ok(chain.run(chain.sums(identity)))
    assert_ok(chain.run(chain.settle(identity)))
    assert_ok(chain.run(chain.claim(given[1])))
    report = audited(chain, tmp_path, Watched)
    assert not report.culprits and not report.stopped
    assert report.height == chain.height
    (row,) = (row for row in audit_show.data(report)["supply"] if row["asset"] == "native")
    assert (row["hidden_into"], row["hidden_out_of"]) == (2, 1)
    assert int(row["joint"]) == int(row["shielded"]) + int(row["private"])
    out = io.StringIO()
    audit_show.draw(Console(file=out, width=250), report, None)
    for text in (out.getvalue(), audit_report.render(report)):
        assert "nobody sees went into the private pool 2 times, back 1 times" in text


def test_pv110_an_audit_names_the_block_whose_donation_nobody_proved(tmp_path):
    chain = chain_of(unlinked)
    identity = chain.open_round()
    chain.donate(identity, 0, 100, 0)
    report = audited(chain, tmp_path)
    (culprit, *_) = report.culprits
    assert culprit.height == chain.height


@pytest.mark.parametrize("lie", [1, 5])
def test_pv116_an_audit_names_the_block_whose_sums_are_not_those_of_the_commitments(
    tmp_path, monkeypatch, lie
):
    chain = chain_of(linked_prover(profile=DEV, keys=KeyStore()))
    identity = chain.open_round()
    given = [chain.donate(identity, 0, 100, donor) for donor in range(2)]
    assert_ok(chain.run(chain.accept(identity, given)))
    chain.to(entries.round_of(chain.state, identity).terms.accept)
    right = chain.sums(identity)
    weights, amounts = right.opened.outputs
    more = dataclasses.replace(amounts, value=amounts.value + 2 * lie)
    wrong = dataclasses.replace(right.opened, outputs=(weights, more))
    with monkeypatch.context() as patch:  # a majority that checks no opening
        patch.setattr("private_exec.committee.opening.check", lambda *_, **_kw: None)
        assert_ok(chain.run(dataclasses.replace(right, opened=wrong)))
    assert_ok(chain.run(chain.settle(identity)))
    report = audited(chain, tmp_path)
    assert report.culprits[0].height == chain.height - 1
