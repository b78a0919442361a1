"""Makes what a backend's cache lacks, several libraries at a time.

llvmlite lets one thread at a time into LLVM, so a library is compiled by a process of its own: a
Python that reads names of libraries from its standard input, puts them into the cache, and answers
one line each. The calling process compiles as well. Whatever goes wrong with the others costs only
time, since whoever needs a library makes it if it is not there.

    python -m zk.kernels.ahead ifma
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass

from zk import jsontext
from zk.kernels import compile as compiler
from zk.kernels import libraries, objects

Report = Callable[[str, float], None]
"""A library's name, and 0.0 when it is begun, 1.0 when it is there."""


"""More processes than libraries help nobody."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One library that can be loaded now.

    Attributes:
        name: of the library.
        cached: whether it was in the cache before.
        milliseconds: to check or to make it.
        size: bytes of machine code.
    """

    name: str
    cached: bool
    milliseconds: float
    size: int


def prepare(
    backend: str,
    *,
    processes: int | None = None,
    progress: Report | None = None,
    verify: bool = False,
) -> list[Prepared]:
    """Make every library of a backend that the cache lacks.

    Args:
        backend: its name.
        processes: most that compile at the same time, this one included; by default as many as
            there are processors.
        progress: told which library is begun and which is there, from several threads.
        verify: read what is cached, write its IR, too, and make anew what was of another one.

    Returns:
        What was made; with `verify`, every library. Nothing where there is no cache.

    Raises:
        BackendError: the backend cannot run here, or a library cannot be compiled.
    """
    recipes = libraries.of(backend)
    if objects.folder() is None:
        return []
    tell: Report = progress or (lambda _name, _share: None)
    done: dict[str, Prepared] = {}
    waiting: deque[compiler.Recipe] = deque()

    def finish(made: Prepared) -> None:
        done[made.name] = made
        tell(made.name, 1.0)

    for recipe in recipes:
        if verify:
            began = time.perf_counter()
            if compiler.verified(recipe):
                tell(recipe.name, 0.0)
                finish(_obtain(recipe, began))
                continue
        elif compiler.present(recipe):
            continue
        waiting.append(recipe)
    missing = list(waiting)
    if missing:
        count = min(_processors() if processes is None else processes, len(missing))
        _make(waiting, _start(backend, count - 1), tell, finish)
    for recipe in missing:
        if recipe.name not in done:  # its process failed
            finish(_obtain(recipe))
    return [done[recipe.name] for recipe in recipes if recipe.name in done]


def _make(
    waiting: deque[compiler.Recipe],
    others: list[subprocess.Popen[str]],
    tell: Report,
    finish: Callable[[Prepared], None],
) -> None:
    """Compile until nothing waits, here and in other processes."""

    def drive(process: subprocess.Popen[str]) -> None:
        with contextlib.suppress(OSError, ValueError, TypeError):  # it died, or says nonsense
            while (recipe := _next(waiting)) is not None:
                tell(recipe.name, 0.0)
                finish(Prepared(**jsontext.loads(_ask(process, recipe.name).encode())))

    threads = [threading.Thread(target=drive, args=(process,)) for process in others]
    for thread in threads:
        thread.start()
    try:
        while (recipe := _next(waiting)) is not None:
            tell(recipe.name, 0.0)
            finish(_obtain(recipe))
    except BaseException:
        for process in others:
            process.kill()
        raise
    finally:
        for thread in threads:
            thread.join()
        for process in others:
            process.communicate()


def _ask(process: subprocess.Popen[str], line: str) -> str:
    if process.stdin is None or process.stdout is None:
        raise ValueError("no pipes")
    print(line, file=process.stdin, flush=True)
    return process.stdout.readline()


def _next(waiting: deque[compiler.Recipe]) -> compiler.Recipe | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None


def _obtain(recipe: compiler.Recipe, began: float | None = None) -> Prepared:
    began = time.perf_counter() if began is None else began
    data, cached = compiler.obtain(recipe)
    return Prepared(recipe.name, cached, (time.perf_counter() - began) * 1e3, len(data))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start(backend: str, count: int) -> list[subprocess.Popen[str]]:
    """Other processes that compile and import as this one does, if a Python can be started."""
    if not sys.executable or hasattr(sys, "frozen"):
        return []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-P", "-m", "zk.kernels.ahead", backend]
    started = []
    with contextlib.suppress(OSError):
        for _ in range(count):
            started.append(  # noqa: PERF401 — those that did start must be kept
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                    text=True,
                )
            )
    return started


def main(backend: str) -> None:
    """Answer names of libraries with what `prepare` tells of each."""
    recipes = {recipe.name: recipe for recipe in libraries.of(backend)}
    for line in sys.stdin:
        sys.stdout.write(json.dumps(asdict(_obtain(recipes[line.strip()]))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
