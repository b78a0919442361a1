"""Backends by name, and how one is chosen."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from zk.errors import BackendError, BackendUnavailable
from zk.interfaces import Backend, Progress

if TYPE_CHECKING:
    from zk.kernels.ahead import Prepared

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
        BackendUnavailable: an unknown name, or one asked for by name that cannot run here.
        BackendError: its kernels cannot be compiled here.
    """
    wanted = name if name is not None else os.environ.get(ENV_BACKEND) or None
    if wanted is not None:
        _check(wanted, ENV_BACKEND if name is None else "")
        return _named(wanted)
    return _named(_best())


def _check(name: str, where: str) -> None:
    if name not in _FACTORIES:
        raise BackendUnavailable(
            f"no backend is called {name!r}",
            where=where,
            fix=f"use one of {', '.join(sorted(_FACTORIES))}",
        )


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


def warm(progress: Progress | None = None) -> list[Prepared]:
    """Compile everything that `get()` will use, so that nothing is compiled later.

    What is cached is compared with the IR that the code writes now, and made anew if it differs.

    Args:
        progress: told which library is begun (0.0) and which is there (1.0), from several threads.

    Returns:
        What each library took; nothing for the reference, or where there is no cache.

    Raises:
        BackendError: as `get`.
    """
    from zk.kernels import ahead

    wanted = os.environ.get(ENV_BACKEND) or None
    if wanted is not None:
        _check(wanted, ENV_BACKEND)
    for name in DEFAULT_ORDER if wanted is None else (wanted,):
        try:
            made = ahead.prepare(name, progress=progress, verify=True)
        except BackendError:
            if wanted is not None:
                raise
            continue
        if get().name == name:
            return made
    return []
