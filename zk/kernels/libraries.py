"""Which libraries each backend computes with, so that they can be made before they are needed."""

from __future__ import annotations

from zk.kernels import library, linear, verification
from zk.kernels.compile import Recipe
from zk.kernels.vector import (
    fixed_base_library,
    linear_library,
    ntt_library,
    pairing_library,
    poseidon_library,
)
from zk.kernels.vector import library as vector


def of(backend: str) -> tuple[Recipe, ...]:
    """Recipes of a backend's libraries, those that take longest first.

    Raises:
        BackendUnavailable: this machine lacks the instructions; no IR was written.
    """
    if backend == "reference":
        return ()
    if backend == "portable":
        return (library.recipe(), verification.recipe(), linear.recipe())
    modules = (
        vector,
        pairing_library,
        fixed_base_library,
        ntt_library,
        poseidon_library,
        linear_library,
    )
    vectors = (vector.recipe(backend, module.build) for module in modules)
    return (*vectors, library.recipe(beside=True), verification.recipe(), linear.recipe())
