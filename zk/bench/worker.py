"""A process that does our works on request: this prover as a peer like any other.

    python -m zk.bench.worker --backend NAME --threads N

It speaks chiaro-peer/1 on standard input and output, and says more than the protocol asks: the
backend, the memory before the work, the times of phases. Clock and memory are read here, around
the work alone; what starts and prepares is timed by whoever asks.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Final

from zk import jsontext
from zk.bench import host
from zk.bench.tasks import TASKS, Make, Task, backend_with
from zk.errors import ChiaroError
from zk.interfaces import Backend
from zk.phases import Phases

PROTOCOL: Final = "chiaro-peer/1"
NAME: Final = "chiaro"
_MAX_REQUEST: Final = 1 << 20


class Worker:
    """Answers requests with one backend.

    Args:
        backend: what computes.
        threads: how many threads it uses; a request for another number is refused.
        tasks: works by name.
    """

    def __init__(self, backend: Backend, threads: int, tasks: Mapping[str, Make] = TASKS) -> None:
        self._backend = backend
        self._threads = threads
        self._tasks = tasks
        self._task: Task | None = None
        self._base_mb = host.resident_mb()[0]
        self._known: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "hello": self._hello,
            "prepare": self._prepare,
            "run": self._run,
            "memory": self._memory,
        }

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request; what goes wrong is an answer, too."""
        known = self._known.get(str(request.get("op")))
        if known is None:
            return {"ok": False, "error": f"no operation is called {request.get('op')!r}"}
        try:
            return {"ok": True, **known(request)}
        except ChiaroError as error:
            return {"ok": False, "error": f"[{error.id}] {error.message} {error.where}".strip()}
        except (KeyError, TypeError, ValueError, OSError) as error:
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}

    def _hello(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "protocol": PROTOCOL,
            "peer": NAME,
            "version": host.commit().version,
            "backend": self._backend.name,
            "works": list(self._tasks),
            "threads": [self._threads],
        }

    def _prepare(self, request: Mapping[str, Any]) -> dict[str, Any]:
        work, threads = str(request["work"]), int(request["threads"])
        if work not in self._tasks:
            return {"ok": False, "error": f"no work is called {work!r} here"}
        if threads != self._threads:
            return {"ok": False, "error": f"this process has {self._threads} threads"}
        self._task = None
        gc.unfreeze()
        gc.collect()
        counted = host.reset_peak()
        began = time.perf_counter()
        self._task = self._tasks[work](self._backend, int(request["size"]), request["inputs"])
        gc.collect()
        gc.freeze()  # what is prepared stays; a collection in each run would empty the caches
        return {"prepare_ms": (time.perf_counter() - began) * 1e3, "peak_counted": counted}

    def _run(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        if self._task is None:
            return {"ok": False, "error": "nothing is prepared"}
        phases = Phases()
        gc.disable()
        try:
            wall, cpu = time.perf_counter(), host.cpu_seconds()
            result = self._task.run(phases)
            wall_ms = (time.perf_counter() - wall) * 1e3
            cpu_ms = (host.cpu_seconds() - cpu) * 1e3
        finally:
            gc.enable()
        return {
            "wall_ms": wall_ms,
            "cpu_ms": cpu_ms,
            "output": self._task.answer(result),
            "phases": phases.times,
        }

    def _memory(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        return {"peak_rss_mb": host.resident_mb()[1], "base_rss_mb": self._base_mb}


def serve(worker: Worker, requests: IO[str], answers: IO[str]) -> None:
    """Answer until `quit` or the end of the input."""
    for line in requests:
        try:
            request = jsontext.loads(line.encode(), most_bytes=_MAX_REQUEST)
            if not isinstance(request, dict):
                raise ValueError("a request is an object")
        except ValueError as error:
            answer = {"ok": False, "error": f"not a request: {error}"}
        else:
            if request.get("op") == "quit":
                return
            answer = worker.answer(request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main(arguments: Sequence[str] | None = None, tasks: Mapping[str, Make] = TASKS) -> int:
    """Serve on standard input and output."""
    parser = argparse.ArgumentParser(description="this prover behind chiaro-peer/1")
    parser.add_argument("--backend", required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args(arguments)
    answers, sys.stdout = sys.stdout, sys.stderr  # nothing but answers may reach the reader
    try:
        worker = Worker(backend_with(options.backend, options.threads), options.threads, tasks)
    except ChiaroError as error:
        answers.write(json.dumps({"ok": False, "error": error.message}) + "\n")
        answers.flush()
        return error.exit_code
    serve(worker, sys.stdin, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
