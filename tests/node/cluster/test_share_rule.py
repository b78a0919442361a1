"""PX-1 over whole runs: no share of a batch exists unless its block became final at its height.

Validators ask for their share whenever they learn anything: a proposal, a vote, a certificate, a
restart. Crashes, refused proposals and changes of round make blocks lose. The last tests take the
guard away and show that the same checker, over the same seeds, then finds shares of lost blocks.
"""

from __future__ import annotations

import pytest

from node.consensus import certificate
from node.consensus.finality import CertifiedBlock
from private_exec.errors import NotFinal


def judge(storm, n: int, seeds: range) -> tuple[int, int, int]:
    """Run and judge; (shares made, crashes, blocks proposed that lost)."""
    shares = crashes = lost = 0
    for seed in seeds:
        made = storm(seed, n)
        made.finish()
        shares += len(made.checker.shares)
        crashes += sum(" dies at " in line for line in made.lines)
        final = {block.header.hash.hex()[:12] for block, _ in made.checker.final.values()}
        decided = max(made.checker.final)
        lost += len(
            {
                line.rsplit(" ", 1)[1]
                for line in made.lines
                if " says proposal " in line
                and int(line.split(" says proposal ")[1].split("/")[0]) <= decided
            }
            - final
        )
    return shares, crashes, lost


def test_px1_no_share_of_a_block_that_is_not_final_n4(storm) -> None:
    shares, crashes, lost = judge(storm, 4, range(1, 61))
    assert shares > 300
    assert crashes > 40
    assert lost > 20


def test_px1_no_share_of_a_block_that_is_not_final_n7(storm) -> None:
    shares, crashes, lost = judge(storm, 7, range(1, 9))
    assert shares > 80
    assert crashes > 10
    assert lost > 3


@pytest.mark.slow
@pytest.mark.parametrize(("n", "seeds"), [(4, range(61, 901)), (7, range(9, 121))])
def test_px1_no_share_of_a_block_that_is_not_final_long(storm, n, seeds) -> None:
    judge(storm, n, seeds)


def first_lost(storm, seeds: range, **options) -> int | None:
    """The first seed in which a share of a block was made whose height another block took."""
    for seed in seeds:
        checker = storm(seed, 4, **options).checker
        if any(share.height in checker.final for share in checker.early_shares()):
            return seed
    return None


def trusts_a_proposal(self, height, block_hash, batch_root) -> None:
    """Deleted guard."""


def trusts_a_precommit(self, height, block_hash, batch_root) -> None:
    if not self.certificate.signers:
        raise NotFinal("PX-1", "nobody precommitted")


@pytest.mark.parametrize("confirm", [trusts_a_proposal, trusts_a_precommit])
def test_px1_without_the_guard_shares_of_lost_blocks_are_found(storm, monkeypatch, confirm) -> None:
    monkeypatch.setattr(CertifiedBlock, "confirm", confirm)
    assert first_lost(storm, range(1, 201)) is not None


def test_cl2_without_the_weight_shares_of_lost_blocks_are_found(storm, monkeypatch) -> None:
    monkeypatch.setattr(certificate, "_check_weight", lambda weight, committee: None)
    assert first_lost(storm, range(1, 201)) is not None
