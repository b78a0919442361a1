"""A node's own part in keeping blobs: on its disk, before it signs, for as long as it must."""

from __future__ import annotations

import pytest

from node.app.homes import SHARDS_FOLDER, open_rows
from node.core.errors import StoreError
from node.core.genesis import Genesis
from node.core.ids import Height
from node.da.certificate import check_certificate
from node.da.errors import DataRefused
from node.lane import domains, payload
from node.lane.blobs import blob as blobs
from node.lane.blobs import dispersal
from node.lane.blobs.availability import Availability
from node.lane.blobs.blob import NoBlobs, NoBytes
from node.lane.payload import SealTx
from node.lane.validator.identity import ConsensusKey
from node.testing.dispersal import sealed
from node.testing.lane import RICH, LaneChain, entropy, envelope_of


@pytest.fixture
def alone(with_keys) -> LaneChain:
    """One validator: a committee of one."""
    return with_keys(1)


def keeper_of(home, genesis: Genesis, validator: int = 0) -> Availability:
    secrets = [ConsensusKey(entropy("signer", "validator", k)) for k in range(4)]
    found = {key.public: key for key in secrets}
    return Availability(genesis, open_rows(home, genesis), found[genesis.validators[validator]])


def at(chain: LaneChain):
    """Where a blob would be ordered."""
    return chain.executor, chain.state, chain.next_height


def test_what_it_keeps_is_there_after_a_restart(alone, tmp_path) -> None:
    data = blobs.encode(sealed(alone))
    keeper = keeper_of(tmp_path, alone.genesis)
    kept = keeper.put(0, data, *at(alone))
    assert (kept.entries, kept.commitment.size) == (6, len(data))
    domain = domains.domain_of(alone.genesis, 0)
    check_certificate(kept.certificate, domain, alone.genesis.chain_id, alone.next_height)
    keeper.close()
    assert (tmp_path / SHARDS_FOLDER).is_dir()
    again = keeper_of(tmp_path, alone.genesis)
    assert again.blob(kept.commitment) == data
    assert again.put(0, data, *at(alone)) == kept
    again.close()


def test_the_only_validator_keeps_everything_for_good(alone, chain, tmp_path) -> None:
    keeper = keeper_of(tmp_path / "alone", alone.genesis)
    kept = keeper.put(0, blobs.encode(sealed(alone)), *at(alone))
    source = alone.copy(blobs=keeper)
    (receipt,) = source.step(dispersal.wire(0, kept.certificate))
    assert receipt.ok
    keeper.committed(source.last_block(), [receipt], source.state)
    assert keeper.prune(Height(10**6), source.state) == 0
    assert keeper.blob(kept.commitment)
    keeper.close()
    rows = open_rows(tmp_path / "four", chain.genesis)
    assert not rows.archival
    rows.close()


def test_one_of_several_validators_signs_for_its_rows_and_is_no_quorum(chain, tmp_path) -> None:
    keeper = keeper_of(tmp_path, chain.genesis, 1)
    with pytest.raises(DataRefused) as caught:
        keeper.put(0, blobs.encode(sealed(chain)), *at(chain))
    assert caught.value.rule == "DA-12"
    keeper.close()


def test_da9_the_payers_must_have_the_fees_of_all_entries_together(alone, tmp_path) -> None:
    payer = alone.payers[0]
    half = RICH * 2 // 3
    rich = [envelope_of(alone.seal(b"dear", payer=payer, fee=half)) for _ in range(2)]
    keeper = keeper_of(tmp_path, alone.genesis)
    executor, state, height = at(alone)
    wires = [payload.wire(SealTx(0, item)) for item in rich]
    assert all(answer.error is None for answer in executor.check(wires, state, height))
    with pytest.raises(DataRefused) as caught:
        keeper.put(0, blobs.encode([*sealed(alone), *rich]), *at(alone))
    assert (caught.value.rule, "entry 7" in caught.value.message) == ("DA-9", True)
    keeper.close()


def test_rows_of_another_chain_are_left_alone(alone, with_keys, tmp_path) -> None:
    open_rows(tmp_path, alone.genesis).close()
    with pytest.raises(StoreError, match="DA-14"):
        open_rows(tmp_path, with_keys(4).genesis)


def test_ln37_no_source_has_nothing(alone, tmp_path) -> None:
    keeper = keeper_of(tmp_path, alone.genesis)
    kept = keeper.put(0, blobs.encode(sealed(alone)), *at(alone))
    with pytest.raises(NoBytes) as caught:
        NoBlobs().blob(kept.commitment)
    assert caught.value.id == "LN-37"
    keeper.close()
