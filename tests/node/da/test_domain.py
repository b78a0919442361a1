"""Parameters of domains."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.core.ids import Height
from node.da.codec import Coding
from node.da.domain import REVEAL_WINDOW, CloseRule, Domains, Placement
from node.da.errors import DataRefused
from private_exec.reveal import EXPIRES_AFTER
from zk.errors import ChiaroError


def refused(rule: str, call, *arguments, **fields) -> DataRefused:
    with pytest.raises(DataRefused) as caught:
        call(*arguments, **fields)
    assert caught.value.rule == rule
    return caught.value


@pytest.fixture(scope="module")
def domain(make_domain):
    return make_domain()


@pytest.mark.parametrize(
    "fields",
    [{"id": bytes(31)}, {"criterion": ""}, {"criterion": "Surplus"}, {"criterion": "a" * 65},
     {"criterion": "surplus\n"}, {"fee": -1}, {"fee": 2**48 + 1}, {"max_batch_bytes": 0},
     {"max_batch_bytes": 8 * 1024 * 1024 + 1}, {"inline_bytes": 64 * 1024 + 1},
     {"inline_bytes": -1}, {"reveal_window": 0}, {"reveal_window": 11}, {"solve_period": 0},
     {"lifetime": 0}, {"retention": 0}, {"retention": 2**32}],
    ids=str,
)  # fmt: skip
def test_da21_parameters_out_of_range_are_refused(domain, fields) -> None:
    refused("DA-21", replace, domain, **fields)


@pytest.mark.parametrize(("first", "period"), [(0, 1), (2**63, 1), (1, -1), (1, 2**32)])
def test_da21_close_rules_out_of_range_are_refused(first, period) -> None:
    refused("DA-21", CloseRule, Height(first), period)


def test_da7_a_domain_has_a_committee_that_can_keep_its_rows(make_domain) -> None:
    refused("DA-7", make_domain, *[1] * 33)
    make_domain(*[1] * 33, coding=Coding(64, 256))


@given(st.integers(1, 50), st.integers(0, 20), st.integers(0, 200))
def test_next_close_is_the_first_that_is_due(first, period, height) -> None:
    closes = [first + i * period for i in range(202)] if period else [first]
    expected = next((close for close in closes if close >= height), None)
    assert CloseRule(Height(first), period).next(Height(height)) == expected


def test_da22_domains_are_sorted_once_each_and_known(make_domain) -> None:
    first, second = make_domain(id=b"\1" * 32), make_domain(3, 1, 1, 1, id=b"\2" * 32)
    domains = Domains((first, second))
    assert domains.get(b"\2" * 32) is second
    assert list(domains) == [first, second]
    refused("DA-22", domains.get, b"\3" * 32)
    for wrong in ((second, first), (first, first), (first,) * 257):
        refused("DA-22", Domains, wrong)


def test_da23_small_batches_lie_in_the_block_and_large_ones_are_refused(domain) -> None:
    assert domain.placement(1) is domain.placement(100) is Placement.INLINE
    assert domain.placement(101) is domain.placement(64 * 1024) is Placement.DISPERSED
    for size in (0, 64 * 1024 + 1):
        refused("DA-23", domain.placement, size)


def test_batches_expire_when_reveals_of_the_cryptography_do() -> None:
    assert REVEAL_WINDOW == EXPIRES_AFTER


def test_default_sizes_are_those_of_the_specification(make_domain) -> None:
    domain = replace(make_domain(coding=Coding()), max_batch_bytes=2**20, inline_bytes=4096)
    assert domain.placement(4096) is Placement.INLINE
    assert domain.placement(4097) is domain.placement(2**20) is Placement.DISPERSED


def test_fees_are_per_started_kibibyte(domain) -> None:
    assert [domain.fee_of(size) for size in (1, 1024, 1025, 4096)] == [3, 3, 6, 12]


def test_domains_have_one_encoding(make_domain) -> None:
    domains = Domains(
        (make_domain(id=b"\1" * 32), make_domain(3, 1, 2, coding=Coding(64, 256), lifetime=7))
    )
    data = domains.to_bytes()
    assert Domains.from_bytes(data) == domains
    for wrong in (data[:-1], data + b"\0", data[:2] + b"\xff" + data[3:], b"\1\2" + data[2:]):
        with pytest.raises(ChiaroError):
            Domains.from_bytes(wrong)
