"""`chiaro`: assembles the commands, turns every outcome into a message and an exit code.

Exit codes: 0 ok, 1 the answer is no, 2 usage, 3 malformed input, 4 locked, 5 refused by policy,
6 unreachable, 7 still pending, 8 key or circuit mismatch, 70 bug, 130 interrupted.

Commands import what they need inside their functions: `chiaro --help` must not pay for NumPy or
LLVM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from types import FrameType
from typing import Any, Final, NoReturn

import typer
from typer.exceptions import Abort, Exit, TyperException

from node.cli import output
from node.cli.session import HELP, Session, UsageError, open_session, private_folder, split_flags
from node.cli.verify import Unreadable
from zk import files
from zk.errors import ChiaroError
from zk.secrecy import forbid_core_dumps

BUG: Final = 70
INTERRUPTED: Final = 130

# Module of `node.cli` → name of the group it forms; "" puts its commands at the top level.
GROUPS: Final = (
    ("demo", ""),
    ("local", ""),
    ("start", ""),
    ("explorer", ""),
    ("wallet", "wallet"),
    ("address", "address"),
    ("transfer", ""),
    ("tx", "tx"),
    ("intent", "intent"),
    ("solver", "solver"),
    ("private", "private"),
    ("validator", "validator"),
    ("localnet", "localnet"),
    ("node", "node"),
    ("light", "light"),
    ("chain", "chain"),
    ("da", "da"),
    ("guardian", "guardian"),
    ("audit", "audit"),
    ("verify", ""),
    ("proof", "proof"),
    ("explain", ""),
    ("doctor", ""),
    ("circuit", "circuit"),
    ("ceremony", "ceremony"),
    ("setup", "setup"),
    ("bench", "bench"),
    ("config", "config"),
)


class Bug(ChiaroError):
    """Anything that is not a ChiaroError is our mistake."""

    code = "BUG-001"
    exit_code = BUG
    why = "this is a fault of the program, not of what you typed"
    fix = "please report it with the file named above; it holds no secrets"


def build() -> typer.Typer:
    """The command tree."""
    app = typer.Typer(
        name="chiaro",
        help="A privacy ledger: light where people want to be seen, shadow where they don't.",
        epilog=HELP,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback(invoke_without_command=True)
    def root(
        context: typer.Context,
        *,
        version: bool = typer.Option(False, "--version", help="Print the version and exit."),
    ) -> None:
        if version:
            from importlib.metadata import version as installed

            version_data = {"version": installed("chiaroscuro")}
            output.emit(
                context.obj,
                "version",
                version_data,
                lambda out: out.print(f"chiaro {version_data['version']}"),
            )
            raise typer.Exit
        if context.invoked_subcommand is None:
            if context.obj.json:
                raise UsageError("no command given")
            typer.echo(context.get_help())
            raise typer.Exit(UsageError.exit_code)

    for module, group in GROUPS:
        commands: typer.Typer = import_module(f"node.cli.{module}").app
        app.add_typer(commands, name=group or None)
    return app


def run(arguments: Sequence[str], session: Session) -> int:
    """Run one command; return its exit code. Nothing escapes but what the interpreter raises."""
    try:
        command = typer.main.get_command(build())
        result: Any = command.main(
            args=list(arguments), prog_name="chiaro", standalone_mode=False, obj=session
        )
    except (KeyboardInterrupt, Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader left (`| head`): not an error, and nothing may be flushed to it any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exit as stop:
        return stop.exit_code
    except ChiaroError as error:
        output.emit_error(session, error)
        return error.exit_code
    except TyperException as error:
        usage = UsageError(error.format_message())
        output.emit_error(session, usage)
        return usage.exit_code
    except OSError as error:
        if error.filename is None and error.errno not in files.OF_A_DISK:
            output.emit_error(session, _report(session, error))
            return BUG
        where = "" if error.filename is None else str(error.filename)
        refused = Unreadable(error.strerror or "cannot be used", where=where)
        output.emit_error(session, refused)
        return refused.exit_code
    except Exception as error:
        output.emit_error(session, _report(session, error))
        return BUG
    return result if isinstance(result, int) and result else session.exit_code


def _report(session: Session, error: Exception) -> Bug:
    """Write the traceback, without values of variables, where the user can find it."""
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f") + ".txt"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{type(error).__name__}", *traceback.format_list(frames)]
    bug = Bug(f"unexpected {type(error).__name__}")
    try:
        folder = private_folder(session.places.state / "reports")
        (folder / name).write_text("\n".join(lines))
        bug.where = str(folder / name)
    except OSError as failed:
        bug.where = f"no report: {failed.strerror}"
    return bug


def _check_text(words: Sequence[str]) -> None:
    """That every word is text: what is not could stand in no document.

    Raises:
        UsageError: which word.
    """
    for number, word in enumerate(words, start=1):
        try:
            word.encode()
        except UnicodeEncodeError:
            raise UsageError(f"word {number} of the command is no UTF-8 text") from None


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, as a class of our own.

    CPython notes a plain KeyboardInterrupt that passes through `exec` of a text, as dataclasses and
    named tuples do while they are imported, and at its end dies by SIGINT whoever caught it.
    """


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the `chiaro` script."""
    forbid_core_dumps()
    ours = threading.current_thread() is threading.main_thread()
    if ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    words = sys.argv[1:] if arguments is None else list(arguments)
    fallback = open_session({"json": "--json" in words}, {}) if "--json" in words else None
    try:
        _check_text(words)
        flags, rest = split_flags(words)
        session = open_session(flags, os.environ)
    except ChiaroError as error:
        output.emit_error(fallback or open_session({}, {"CHIARO_HOME": os.devnull}), error)
        sys.exit(error.exit_code)
    code = run(rest, session)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()
