"""A valid bundle with one thing replaced and all outer digests fitting: the inner rule refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

import shielded.env
import transparent.env
from circuits.key_registry import Registry
from node.audit import bundle, engine, keys, supply, work
from node.audit.engine import Audit
from node.audit.errors import ChainRefused
from node.audit.sources import FolderSource
from node.audit.supply import SupplyAudit
from node.core.block import Block, Transaction, tx_root
from node.core.genesis import Parameters
from node.core.genesis_file import format_genesis
from node.core.ids import NATIVE, EnvironmentId, Height
from node.execution import run as execution
from node.execution import turnstile
from node.execution.executor import Executor
from node.store.chain import decode_receipts, encode_receipts
from node.testing.ledger import FAUCET, Ledger, Pool, envelope, transfer
from node.testing.nodes import development_genesis
from shielded.transaction import ShieldedTx
from transparent.accounts import balance_key
from transparent.transaction import TransparentTx

UNIT = 10**6


def only(report):
    """The one culprit; the report refuses, and says it as an error, too."""
    assert not report.valid
    with pytest.raises(ChainRefused) as refused:
        report.require_valid()
    assert (refused.value.id, refused.value.exit_code) == ("AUD-012", 1)
    (culprit,) = report.culprits
    return culprit


def place(culprit):
    return culprit.height, culprit.index, culprit.rule


def decoded(tx: bytes) -> ShieldedTx:
    return ShieldedTx.from_bytes(Transaction.from_bytes(tx).payload)


def with_action(tx: bytes, **changes) -> bytes:
    """The same transaction with something else in its first action."""
    found = decoded(tx)
    party = found.parties[0]
    action = replace(party.actions[0], **changes)
    actions = (action, *party.actions[1:])
    return envelope(replace(found, parties=(replace(party, actions=actions), *found.parties[1:])))


def decided(story, changes: dict[tuple[int, int], bytes]) -> Ledger:
    """The story's chain by validators who do not look: some transactions are others."""
    ledger = Ledger(story.ledger.genesis)
    for height, txs in enumerate(story.blocks, 1):
        ledger.block(*(changes.get((height, index), tx) for index, tx in enumerate(txs)))
    return ledger


def audit_of(ledger: Ledger, **options):
    """Audit a chain as its validators have it."""
    source = FolderSource(ledger.store, ledger.genesis, "memory", None)
    chosen, _ = keys.choose(source.genesis, {}, Registry.load())
    with work.in_memory(source.genesis) as journal:
        return Audit(source, chosen, journal, **options).run()


# --- what holds -----------------------------------------------------------------------------------


def test_a_chain_that_holds(story, audit) -> None:
    report = audit(story.path)
    report.require_valid()
    counts = report.counts
    assert (report.height, report.executed, counts.blocks) == (5, 5, 5)
    assert (counts.transactions, counts.refused) == (6, 1)
    assert (counts.shielded, counts.private_transfers, counts.proofs) == (4, 2, 4)
    assert report.state_root == story.ledger.store.root
    assert report.tip == story.ledger.chain.header(Height(5)).hash
    assert report.run_proofs == 4
    native = next(row for row in report.supply if row.kind == NATIVE)
    assert native.adds_up
    held = [point.held[NATIVE][EnvironmentId.SHIELDED] for point in report.points]
    fee = 1000
    assert held == [0, 20 * UNIT, 20 * UNIT - 2 * fee, 19 * UNIT - 3 * fee, 19 * UNIT - 3 * fee]
    assert native.shielded == held[-1]
    assert [key.origin for key in report.keys] == ["dev"]


@pytest.mark.parametrize("window", [1, 2, 3, 1000])
def test_windows_change_nothing(story, audit, window) -> None:
    report = audit(story.path, window=window)
    assert report.valid
    assert report.run_proofs == 4


def test_an_empty_chain_holds(bundled, audit, tmp_path) -> None:
    report = audit(bundled(Ledger(), tmp_path / "b"))
    report.require_valid()
    assert (report.height, report.counts.blocks, report.points) == (0, 0, [])
    assert report.supply


def test_no_more_is_held_than_a_window(story, monkeypatch) -> None:
    ledger = Ledger()
    for _ in range(60):
        ledger.block()
    source = FolderSource(ledger.store, ledger.genesis, "memory", None)
    honest, taken, most = source.blocks, [0], [0]

    def counted(first):
        for raw in honest(first):
            taken[0] = raw.height
            yield raw

    def progress(done, of) -> None:
        most[0] = max(most[0], taken[0] - done)

    monkeypatch.setattr(source, "blocks", counted)
    monkeypatch.setattr(engine, "WINDOW_BLOCKS", 7)
    with work.in_memory(source.genesis) as journal:
        assert Audit(source, {}, journal, progress=progress).run().valid
    assert (taken[0], most[0]) == (60, 6)


def test_many_points_are_runs_of_blocks(audit, bundled, tmp_path) -> None:
    ledger = Ledger()
    for _ in range(500):
        ledger.block()
    report = audit(bundled(ledger, tmp_path / "b"))
    assert report.valid
    assert len(report.points) == 167
    assert sum(point.blocks for point in report.points) == 500
    assert report.points[-1].height == 500


# --- transactions that validators should have refused ---------------------------------------------


def test_aud012_a_false_proof_is_named(story) -> None:
    first, second = story.blocks[2]
    ledger = decided(story, {(3, 1): with_action(second, proof=decoded(first).actions[0].proof)})
    report = audit_of(ledger)
    culprit = only(report)
    assert place(culprit) == (3, 1, "PRF-001")
    assert culprit.tx_id == decoded(second).id
    assert report.executed == 2
    assert "block 3" in report.stopped


def test_aud012_a_flipped_byte_of_a_proof_is_named(story) -> None:
    first, _ = story.blocks[2]
    proof = bytearray(decoded(first).actions[0].proof)
    codes = set()
    for byte in (0, 40, 100):
        flipped = bytes(proof[:byte]) + bytes([proof[byte] ^ 1]) + bytes(proof[byte + 1 :])
        culprit = only(audit_of(decided(story, {(3, 0): with_action(first, proof=flipped)})))
        assert culprit.height == 3
        assert culprit.index == 0
        codes.add(culprit.rule)
    assert codes <= {"PRF-001", "ENC-002", "ENC-004", "ENC-005", "ENC-006"}


def test_aud012_all_false_proofs_of_the_file_are_named(story) -> None:
    (shield,), (first, second), (leave, _) = story.blocks[1], story.blocks[2], story.blocks[3]
    wrong = decoded(shield).actions[0].proof
    changes = {
        (2, 0): with_action(shield, proof=decoded(first).actions[0].proof),
        (3, 1): with_action(second, proof=wrong),
        (4, 0): with_action(leave, proof=wrong),
    }
    report = audit_of(decided(story, changes))
    assert [place(c) for c in report.culprits] == [
        (2, 0, "PRF-001"),
        (3, 1, "PRF-001"),
        (4, 0, "PRF-001"),
    ]
    assert report.executed == 1


def test_aud012_a_forged_signature_is_named(story, monkeypatch) -> None:
    first, _ = story.blocks[2]
    auth = decoded(story.blocks[2][1]).actions[0].auth
    with monkeypatch.context() as lying:
        lying.setattr(shielded.env.checks, "check_signatures", lambda _tx: None)
        ledger = decided(story, {(3, 0): with_action(first, auth=auth)})
    assert {r.code for r in ledger.chain.receipts(Height(3))} == {"ok"}
    assert place(only(audit_of(ledger))) == (3, 0, "SH-16")


def test_aud012_a_balance_that_nobody_signed(story, monkeypatch) -> None:
    leave, _ = story.blocks[3]
    tx = decoded(leave)
    more = replace(tx.public_values[0], amount=tx.public_values[0].amount + 1)
    with monkeypatch.context() as lying:
        lying.setattr(shielded.env.checks, "check_signatures", lambda _tx: None)
        ledger = decided(story, {(4, 0): envelope(replace(tx, public_values=(more,)))})
    culprits = audit_of(ledger).culprits
    assert [(c.height, c.index) for c in culprits] == [(4, 0)]
    assert culprits[0].rule in {"SH-16", "SH-19"}


def test_aud012_an_altered_amount_is_named(story, monkeypatch) -> None:
    (faucet,) = story.blocks[0]
    tx = TransparentTx.from_bytes(Transaction.from_bytes(faucet).payload)
    more = replace(tx.transfers[0], amount=tx.transfers[0].amount + 1)
    altered = Transaction(
        EnvironmentId.TRANSPARENT, replace(tx, transfers=(more,)).to_bytes()
    ).to_bytes()
    with monkeypatch.context() as lying:
        lying.setattr(transparent.env, "check_signature", lambda *_args, **_kw: None)
        ledger = decided(story, {(1, 0): altered})
    assert ledger.chain.receipts(Height(1))[0].ok
    assert place(only(audit_of(ledger))) == (1, 0, "TR-4")


def test_aud012_what_is_no_transaction_is_named(story) -> None:
    ledger = decided(story, {(4, 1): b"\x01\x02not a transaction"})
    culprit = only(audit_of(ledger))
    assert (culprit.height, culprit.index) == (4, 1)
    assert len(culprit.tx_id) == 32


# --- headers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"chain_id": bytes(32)}, "CH-1"),
        ({"height": 7}, "CH-2"),
        ({"previous": bytes(32)}, "CH-3"),
        ({"state_root": bytes(32)}, "CH-4"),
        ({"time_ms": 0}, "CH-5"),
        ({"tx_root": bytes(32)}, "CH-6"),
    ],
)
def test_aud012_an_altered_header(members, audit, tmp_path, change, rule) -> None:
    members.change_header(3, **change)
    report = audit(members.write(tmp_path / "b"))
    first = report.culprits[0]
    assert place(first) == (3, None, rule)
    assert {c.rule for c in report.culprits[1:]} <= {
        "CH-2",
        "CH-3",
    }
    assert report.executed == 2


def test_aud012_a_block_that_was_left_out(members, audit, tmp_path) -> None:
    kept = {n: members.block(n) for n in (1, 2, 4, 5)}
    receipts = {n: members[bundle.receipts_file(n)] for n in kept}
    frame, end = members.list[:4], members.list[-1:]
    blocks = []
    for number, height in enumerate(kept, 1):
        blocks.append((bundle.block_file(number), kept[height].to_bytes()))
        blocks.append((bundle.receipts_file(number), receipts[height]))
    members.list = [*frame, *blocks, *end]
    members.set_manifest(height=4)
    members.set_end(height=4)
    report = audit(members.write(tmp_path / "b"))
    assert place(only(report)) == (3, None, "CH-2")
    assert report.executed == 2


def test_aud012_a_transaction_that_was_left_out(members, audit, tmp_path) -> None:
    block = members.block(3)
    members.set_block(3, Block(block.header, block.txs[:1]))
    report = audit(members.write(tmp_path / "b"))
    assert place(report.culprits[0]) == (3, None, "CH-6")
    header = replace(block.header, tx_root=tx_root(block.txs[:1]))
    members.set_block(3, Block(header, block.txs[:1]))
    report = audit(members.write(tmp_path / "c"))
    assert (3, None, "AUD-013") in {place(c) for c in report.culprits}
    assert (4, None, "CH-3") in {place(c) for c in report.culprits}


def test_aud012_more_than_a_block_may_hold() -> None:
    genesis = development_genesis(Parameters(block_time_ms=0, max_block_txs=1))
    ledger = Ledger(genesis)
    ledger.block(*(transfer(ledger, FAUCET.account, 1, sequence=n) for n in range(2)))
    assert place(only(audit_of(ledger))) == (1, None, "CH-7")


def test_aud012_another_genesis(members, story, audit, tmp_path) -> None:
    genesis = replace(story.ledger.genesis, time_ms=story.ledger.genesis.time_ms + 1)
    members[bundle.GENESIS] = genesis.to_bytes()
    members[bundle.GENESIS_TEXT] = format_genesis(genesis, json_format=False).encode()
    members.set_manifest(chain_id=genesis.chain_id.hex())
    report = audit(members.write(tmp_path / "b"))
    assert place(report.culprits[0]) == (1, None, "CH-1")
    assert report.executed == 0


# --- what execution finds -------------------------------------------------------------------------


def test_aud013_a_double_spend_is_named(monkeypatch) -> None:
    def careless(self, tag, nullifier, draft, _context) -> None:
        draft.nullifiers.add((tag, nullifier))
        key = execution.nullifier_key(tag, nullifier)
        draft.state.put(key, self._context.height.to_bytes(8, "little"))

    ledger = Ledger()
    pool = Pool(ledger)
    shield = pool.shield(1, 10 * UNIT)
    ledger.block(shield)
    pool.settle(shield)
    held = pool._free[0]
    first = pool.pay()
    pool._free.insert(0, held)
    second = pool.pay()
    assert set(decoded(first).nullifiers) & set(decoded(second).nullifiers)
    ledger.block(first)
    with monkeypatch.context() as lying:
        lying.setattr(execution.BlockRun, "_spend", careless)
        assert ledger.block(second)[0].ok
    culprit = only(audit_of(ledger))
    assert place(culprit) == (3, 0, "EX-7")
    assert culprit.tx_id == decoded(second).id
    assert "recorded as ok" in culprit.message


def test_aud013_an_altered_receipt_is_named(members, story, audit, tmp_path) -> None:
    name = bundle.receipts_file(4)
    receipts = list(decode_receipts(members[name]))

    def with_changed(index: int, **changes) -> bytes:
        changed = [*receipts]
        changed[index] = replace(changed[index], **changes)
        return encode_receipts(changed)

    cases: dict[str, tuple[int, bytes, str]] = {
        "a refusal made a success": (1, with_changed(1, code="ok", message=""), "TR-6"),
        "a success made a refusal": (0, with_changed(0, code="EX-7", events=()), "AUD-013"),
        "another fee": (0, with_changed(0, fee=7), "AUD-013"),
        "another wording": (1, with_changed(1, message="no"), "AUD-013"),
        "another height": (0, with_changed(0, height=9), "AUD-013"),
    }
    for number, (index, data, rule) in enumerate(cases.values()):
        members[name] = data
        culprit = only(audit(members.write(tmp_path / str(number))))
        assert place(culprit) == (4, index, rule)
        assert culprit.by == "AUD-013"
        assert culprit.tx_id == receipts[index].tx_id
    members[name] = with_changed(0, code="X" * 100_000)
    assert len(only(audit(members.write(tmp_path / "long"))).message) < 200
    members[name] = encode_receipts(receipts[:1])
    assert place(only(audit(members.write(tmp_path / "short")))) == (4, None, "AUD-013")


def test_aud014_the_end_names_another_state(members, audit, tmp_path) -> None:
    members.set_end(state_root="00" * 32)
    assert place(only(audit(members.write(tmp_path / "b")))) == (5, None, "AUD-014")


def test_aud015_the_end_names_another_block(members, audit, tmp_path) -> None:
    members.set_end(tip="00" * 32)
    assert place(only(audit(members.write(tmp_path / "b")))) == (5, None, "AUD-015")


def test_aud014_money_that_genesis_did_not_issue(monkeypatch) -> None:
    honest = Executor.genesis

    def inflated(self):
        writes = dict(honest(self))
        key = balance_key(FAUCET.account, NATIVE)
        writes[key] = (int.from_bytes(writes[key], "little") + 1).to_bytes(8, "little")
        return writes

    with monkeypatch.context() as lying:
        lying.setattr(Executor, "genesis", inflated)
        ledger = Ledger()
    ledger.block()
    culprit = only(audit_of(ledger))
    assert (place(culprit), culprit.by) == ((1, None, "CH-4"), "AUD-014")


def test_aud014_money_that_appears_on_the_way(monkeypatch) -> None:
    honest = transparent.env.TransparentEnvironment.execute

    def generous(self, tx, state, context):
        effects = honest(self, tx, state, context)
        gift = (balance_key(FAUCET.account, NATIVE), (10**17).to_bytes(8, "little"))
        return replace(effects, writes=(*effects.writes, gift))

    ledger = Ledger()
    with monkeypatch.context() as lying:
        lying.setattr(transparent.env.TransparentEnvironment, "execute", generous)
        ledger.block(transfer(ledger, FAUCET.account, 1, sequence=0))
    ledger.block()
    culprit = only(audit_of(ledger))
    assert place(culprit) == (2, None, "CH-4")


def test_aud016_receipts_that_move_more_than_there_is(members, audit, tmp_path) -> None:
    name = bundle.receipts_file(4)
    first, second = decode_receipts(members[name])
    moved = [e for e in first.events if e.name == turnstile.EVENT]
    data = tuple((k, str(10**18) if k == "amount" else v) for k, v in moved[0].data)
    events = tuple(replace(e, data=data) if e is moved[0] else e for e in first.events)
    members[name] = encode_receipts((replace(first, events=events), second))
    report = audit(members.write(tmp_path / "b"))
    assert [place(c) for c in report.culprits] == [(4, None, "EX-11"), (4, 0, "AUD-013")]
    assert report.culprits[0].by == "AUD-016"


@pytest.mark.parametrize("amount", [-(10**15), 0, 2**64])
def test_aud016_receipts_that_move_no_amount(members, audit, tmp_path, amount) -> None:
    name = bundle.receipts_file(4)
    first, second = decode_receipts(members[name])
    moved = next(e for e in first.events if e.name == turnstile.EVENT)
    data = tuple((k, str(amount) if k == "amount" else v) for k, v in moved.data)
    events = tuple(replace(e, data=data) if e is moved else e for e in first.events)
    members[name] = encode_receipts((replace(first, events=events), second))
    report = audit(members.write(tmp_path / "b"))
    assert [(place(c), c.by) for c in report.culprits] == [
        ((4, None, "ENC-001"), "AUD-016"),
        ((4, 0, "AUD-013"), "AUD-013"),
    ]


class Altered:
    """A state in which one entry is another."""

    def __init__(self, state, key: bytes, value: bytes) -> None:
        self.state, self.key, self.value = state, key, value

    def get(self, key: bytes):
        return self.value if key == self.key else self.state.get(key)

    def iterate(self, prefix: bytes):
        for key, value in self.state.iterate(prefix):
            yield key, self.value if key == self.key else value


def test_aud016_turnstile_and_balances_are_compared_with_the_state(story) -> None:
    ledger = story.ledger
    followed = SupplyAudit(ledger.genesis)
    for height in range(1, 6):
        followed.follow(ledger.chain.receipts(Height(height)))
    state = ledger.store.reader()
    assert followed.fault(5, state, last=True) is None
    key = turnstile.totals_key(EnvironmentId.SHIELDED, NATIVE)
    totals = turnstile.totals(state, EnvironmentId.SHIELDED, NATIVE)
    more = turnstile.Totals(totals.entered + 1, totals.left).to_bytes()
    assert followed.fault(5, Altered(state, key, more), last=False)[0] == "EX-15"
    key = balance_key(FAUCET.account, NATIVE)
    more = (int.from_bytes(state.get(key), "little") + 1).to_bytes(8, "little")
    rule, message = followed.fault(5, Altered(state, key, more), last=True)
    assert rule == "AUD-016"
    assert "were issued" in message


def test_aud016_balances_are_summed_less_often_where_there_are_many(story) -> None:
    state = story.ledger.store.reader()
    followed = SupplyAudit(story.ledger.genesis, state)
    followed.fault(5, state, last=False)
    assert (followed.walks, followed._due) == (1, 6)

    followed._due = 100  # as after a walk over very many
    followed.fault(7, state, last=False)
    assert followed.walks == 1
    followed.fault(8, state, last=True)
    assert followed.walks == 2


def test_aud016_all_balances_are_summed_after_the_last_block(story, audit, monkeypatch) -> None:
    monkeypatch.setattr(supply, "ENTRIES_PER_BLOCK", 1)  # the next walk would be far away
    assert audit(story.path).balances_audited == 2


def test_aud016_what_was_issued_is_what_genesis_says(story) -> None:
    state = story.ledger.store.reader()
    one, *others = story.ledger.genesis.allocations
    less = replace(one, amount=one.amount - 1)
    genesis = replace(story.ledger.genesis, allocations=(less, *others))
    rule, message = SupplyAudit(genesis, state).fault(5, state, last=True)
    assert rule == "AUD-016"
    assert "genesis says" in message
