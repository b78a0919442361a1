"""From stakes to opened intents, with faults on the way; and docs/sealing.md as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from private_exec import batch as batches
from private_exec import envelope as envelopes
from private_exec import final, group, reveal, shares
from private_exec.envelope import Terms
from private_exec.keygen import dealing as dealings
from private_exec.keygen.complaint import Verdict
from private_exec.keygen.protocol import KeygenSucceeded, make_commit
from private_exec.parameters import Parameters
from private_exec.sharing import PackedPolynomial

PAGE = Path(__file__).parents[2] / "docs/sealing.md"


@pytest.mark.parametrize(("n", "packing"), [(4, 1), (7, 2), (16, 3)])
def test_a_bad_dealer_an_absent_holder_and_bad_shares(generation, helpers, n, packing) -> None:
    """One generated key: its bad dealer is left out, its batch opens though f holders fail."""
    run, liar = generation(n, packing), n - 1
    run.notices()
    run.commits(absent=(liar,))
    polynomial = PackedPolynomial(packing, tuple(range(3, 4 + run.context.parameters.privacy)))
    numbers = dealings.recipients(run.context, run.keygen.keys)
    values = {i: polynomial.share(i) + (i == 2) for i in numbers}
    bad = dealings.assemble(run.context, run.keygen.keys, liar, polynomial, 5, values, bytes(32))
    run.keygen.commit(make_commit(run.keygen.session, bad, run.signers[liar]), 2)
    run.deal(absent=(liar,))
    run.keygen.deal(bad, 3)
    assert run.complain() == [Verdict.GUILTY_DEALER]
    outcome = run.keygen.finish(5)
    assert isinstance(outcome, KeygenSucceeded)
    assert liar not in outcome.qualified
    key = outcome.key

    payer = helpers.signer("payer")
    account = helpers.public(payer)
    items = [
        envelopes.seal_intent(
            key, Terms(account, k, 5, 9, 50, 0), b"%d" % k, payer, helpers.entropy(n, k)
        )
        for k in range(packing + 1)
    ]
    batch = batches.order(key, helpers.window, 20, items)
    block = final.finalise(helpers.committed((20, b"h", batch.root)), b"h", batch)
    faulty = (n - 1) // 3
    messages = [
        shares.make_shares(
            block, member.held(run.keygen, outcome), final.MemoryRoots(), run.signers[m]
        )
        for m, member in enumerate(run.members)
    ]
    wrong = tuple(group.multiples_g1([2], messages[0].points))
    forged = shares.ShareMessage(20, 3, batch.root, 0, wrong, b"")
    signature = run.signers[0].sign(forged.digest(key))
    messages[0] = shares.ShareMessage(20, 3, batch.root, 0, wrong, signature)
    sent = messages[: n - (faulty - 1)]  # f − 1 absent and one liar
    found, refused = reveal.recover(batch, sent)
    assert {m: error.rule for m, error in refused.items()} == {0: "PX-18"}
    assert reveal.open_batch(batch, found) == tuple(b"%d" % k for k in range(packing + 1))


def test_the_page_runs(capsys) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102
    printed = capsys.readouterr().out
    assert "(b'10 X for 5 Y',) {}" in printed
    assert "protected" not in printed


def test_the_pages_table_is_what_parameters_say() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == 5
    for n, quorum, privacy, packing in (map(int, row) for row in rows):
        parameters = Parameters.of_equals(n)
        assert (parameters.quorum, parameters.packing) == (quorum, packing)
        assert parameters.privacy == privacy


def test_the_spec_begins_with_what_matters_most() -> None:
    spec = (PAGE.parents[1] / "private_exec/SPEC.md").read_text(encoding="utf-8")
    assert spec.splitlines()[0] == (
        "No share of a ciphertext exists before the block that orders it is final."
    )
