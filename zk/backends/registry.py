"""Backends by name, and how one is chosen."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Final

from zk.errors import BackendError, BackendUnavailable
from zk.interfaces import Backend, Progress

ENV_BACKEND: Final = "CHIARO_BACKEND"
DEFAULT_ORDER: Final = ("ifma", "fma", "portable", "reference")


def _reference() -> Backend:
    from zk.backends.reference import ReferenceBackend

    return ReferenceBackend()


def _portable() -> Backend:
    from zk.backends.portable import PortableBackend
    from zk.kernels import ahead

    ahead.prepare("portable")
    return PortableBackend()


def _vector(multiplier: str) -> Callable[[], Backend]:
    def make() -> Backend:
        from zk.backends.vector import VectorBackend
        from zk.kernels import ahead

        ahead.prepare(multiplier)
        return VectorBackend(multiplier)

    return make


_FACTORIES: Final[dict[str, Callable[[], Backend]]] = {
    "ifma": _vector("ifma"),
    "fma": _vector("fma"),
    "portable": _portable,
    "reference": _reference,
}


_running: Final[dict[str, Backend]] = {}


@functools.cache
def _named(name: str) -> Backend:
    backend = _running[name] = _FACTORIES[name]()
    return backend


def get(name: str | None = None) -> Backend:
    """The backend called `name`; else the one `CHIARO_BACKEND` names; else the best that starts.

    Raises:
        BackendError: an unknown name, or a backend asked for by name that cannot start here.
    """
    wanted = name if name is not None else os.environ.get(ENV_BACKEND) or None
    if wanted is not None:
        if wanted not in _FACTORIES:
            raise BackendUnavailable(
                f"no backend is called {wanted!r}",
                where=ENV_BACKEND if name is None else "",
                fix=f"use one of {', '.join(sorted(_FACTORIES))}",
            )
        return _named(wanted)
    return _named(_best())


def started() -> Backend | None:
    """What `get()` gives, if it runs already; starts nothing."""
    name = os.environ.get(ENV_BACKEND) or None
    if name is None and _best.cache_info().currsize:
        name = _best()
    return None if name is None else _running.get(name)


@functools.cache
def _best() -> str:
    """The first of `DEFAULT_ORDER` that starts; decided once, since failing to compile is slow."""
    return next(name for name in DEFAULT_ORDER if _starts(name))


def available() -> tuple[str, ...]:
    """Names that start on this machine, fastest first."""
    return tuple(name for name in DEFAULT_ORDER if _starts(name))


def _starts(name: str) -> bool:
    try:
        _named(name)
    except BackendError:
        return False
    return True


def warm(progress: Progress | None = None) -> str:
    """Compile everything now, so that nothing is compiled later; returns the backend's name."""
    if progress is not None:
        progress("kernels", 0.0)
    backend = get()
    if progress is not None:
        progress("kernels", 1.0)
    return backend.name
