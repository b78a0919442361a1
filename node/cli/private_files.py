"""Programs by name: those of the house, and those in somebody's own Python file, which is run."""

from __future__ import annotations

import re
import runpy
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from node.cli.session import UsageError
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from private_exec.programs.program import PrivateProgram, Program


_FILE: Final = re.compile(r"(.+\.py)(?::(.*))?")


class BrokenProgram(ChiaroError):
    """A file that is no program, or that fails when it runs."""

    code = "PRG-004"
    exit_code = 3
    why = "a program is run once, on values that it cannot see, before anything is known of it"
    fix = "docs/private.md shows how one is written"


def program_at(name: str, sizes: dict[str, int]) -> Program:
    """The program of this name, or `FILE.py`, or `FILE.py:NAME` where a file has several.

    Raises:
        UnknownProgram, BrokenProgram: there is none, or it fails.
        ProgramRefused: what it breaks.
    """
    from private_exec.programs import library

    named = _FILE.fullmatch(name)
    if named is None:
        return library.program(name).at(**sizes)
    file, wanted = Path(named[1]), named[2] or ""
    with _blamed(file):
        found = _programs(runpy.run_path(str(file)))
        return _chosen(found, wanted, file).at(**sizes)


def _programs(scope: dict[str, Any]) -> dict[str, PrivateProgram]:
    """By the names that they declare; the last of one name, as Python has it."""
    from private_exec.programs.program import PrivateProgram

    made = (value for value in scope.values() if isinstance(value, PrivateProgram))
    return {program.declaration.name: program for program in made}


def _chosen(found: dict[str, PrivateProgram], wanted: str, file: Path) -> PrivateProgram:
    names = ", ".join(found)
    if not found:
        raise BrokenProgram("the file declares no private program", where=str(file))
    if wanted and wanted not in found:
        raise UsageError(f"the file has {names}, and no {wanted}", where=str(file))
    if not wanted and len(found) > 1:
        raise UsageError(f"the file has {names}", where=str(file), fix=f"write {file}:NAME")
    return found[wanted] if wanted else next(iter(found.values()))


@contextmanager
def _blamed(file: Path) -> Iterator[None]:
    """Whatever a file does wrong is said with its line."""
    try:
        yield
    except ChiaroError:
        raise
    except OSError as error:
        raise BrokenProgram(error.strerror or "cannot be read", where=str(file)) from None
    except (Exception, SystemExit) as error:
        inside = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
        line = (
            error.lineno if isinstance(error, SyntaxError) else inside[-1].lineno if inside else 0
        )
        text = f"{type(error).__name__}: {error}"
        raise BrokenProgram(text, where=f"{file}, line {line}") from None
