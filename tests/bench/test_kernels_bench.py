"""Timings of the kernels at the sizes of a proof; `make bench`."""

from __future__ import annotations

import random

import pytest

from zk import backends
from zk.backends.portable import PortableBackend
from zk.field.arrays import to_array, to_montgomery
from zk.field.params import FR
from zk.kernels import library

pytestmark = pytest.mark.bench

N = 1 << 14


@pytest.fixture(scope="module", params=[1, None], ids=["one-thread", "all-threads"])
def backend(request):
    return PortableBackend(threads=request.param)


@pytest.fixture(scope="module")
def scalars():
    rng = random.Random(1)
    return to_array(rng.randrange(FR.modulus) for _ in range(N))


@pytest.fixture(scope="module")
def bits():
    """A witness as it mostly is: nine bits in ten values."""
    rng = random.Random(2)
    return to_array(
        rng.randrange(FR.modulus) if rng.random() < 0.1 else rng.randrange(2) for _ in range(N)
    )


@pytest.fixture(scope="module")
def g1(scalars):
    return backends.get("portable").fixed_base_g1(scalars)


@pytest.fixture(scope="module")
def g2(scalars):
    return backends.get("portable").fixed_base_g2(scalars)


@pytest.fixture
def run(benchmark):
    def measure(function, *arguments, rounds: int = 5, **options):
        benchmark.extra_info["rows"] = len(arguments[0])
        return benchmark.pedantic(
            function, arguments, options, rounds=rounds, warmup_rounds=1, iterations=1
        )

    return measure


@pytest.mark.benchmark(group="msm")
def test_msm_g1(run, backend, g1, scalars):
    run(backend.msm_g1, g1, scalars)


@pytest.mark.benchmark(group="msm")
def test_msm_g1_of_bits(run, backend, g1, bits):
    run(backend.msm_g1, g1, bits)


@pytest.mark.benchmark(group="msm")
def test_msm_g2(run, backend, g2, scalars):
    run(backend.msm_g2, g2, scalars, rounds=3)


@pytest.mark.benchmark(group="fixed base")
def test_fixed_base_g1(run, backend, scalars):
    run(backend.fixed_base_g1, scalars, rounds=3)


@pytest.mark.benchmark(group="fixed base")
def test_fixed_base_g2(run, backend, scalars):
    run(backend.fixed_base_g2, scalars, rounds=3)


@pytest.mark.benchmark(group="Fr")
def test_ntt(run, backend, scalars):
    run(backend.ntt, scalars)


@pytest.mark.benchmark(group="Fr")
def test_fr_mul(run, backend, scalars):
    run(backend.fr_mul, scalars, scalars)


@pytest.mark.benchmark(group="pairing")
def test_pairing_check_of_four(run, backend, g1, g2):
    run(backend.pairing_check, g1[:4], g2[:4])


@pytest.mark.benchmark(group="pairing")
def test_subgroup_check(run, backend, g2):
    run(backend.in_g2_subgroup, g2[:1])


@pytest.mark.benchmark(group="start")
def test_cold_compilation(benchmark, tmp_path):
    folders = iter(tmp_path / str(i) for i in range(3))

    def compile_all():
        folder = next(folders)
        folder.mkdir()
        assert not library.load(folder).cached

    benchmark.pedantic(compile_all, rounds=2, iterations=1)


@pytest.mark.benchmark(group="start")
def test_warm_load(benchmark, tmp_path):
    library.load(tmp_path)

    def load_all():
        assert library.load(tmp_path).cached

    benchmark.pedantic(load_all, rounds=5, iterations=1)


@pytest.mark.benchmark(group="reference")
def test_reference_msm_g1_of_64(run, g1, scalars):
    run(backends.get("reference").msm_g1, g1[:64], scalars[:64], rounds=3)


@pytest.mark.benchmark(group="reference")
def test_reference_pairing_check_of_four(run, g1, g2):
    run(backends.get("reference").pairing_check, g1[:4], g2[:4], rounds=3)


@pytest.mark.benchmark(group="Fr")
def test_powers(benchmark, backend):
    base = to_array(to_montgomery([FR.root_of_unity], FR.modulus))
    benchmark(backend.fr_powers, base, N)
