"""Questions to the person at the terminal. Prompts go to stderr; secrets are read unseen.

Secrets come from the terminal or from a file, never from an argument or the environment: both end
up in process lists, shell histories and logs.
"""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Final

import typer

from node.cli import output
from node.cli.keystore import Locked, check_password
from node.cli.session import Session
from zk.errors import ChiaroError

MAX_SECRET_BYTES: Final = 4096


class ConfirmationNeeded(ChiaroError):
    """A question that nobody is there to answer."""

    code = "USE-002"
    exit_code = 2
    why = "nothing is sent or destroyed without a yes"
    fix = "add `--yes`, or run the command in a terminal"


class InputNeeded(ChiaroError):
    """A value that nobody is there to type."""

    code = "USE-003"
    exit_code = 2
    why = "the command cannot go on without it"
    fix = "give it as an option; see `--help` of this command"


class SecretFile(ChiaroError):
    """A file with a secret that is missing, too large, empty or not text."""

    code = "FIL-002"
    exit_code = 3
    why = "the secret could not be read"
    fix = "name a small text file with the secret on its first line"


def can_ask(session: Session) -> bool:
    """Whether a person can answer: a terminal, no `--json`, no `--no-input`."""
    return session.interactive and sys.stdin.isatty()


def read_secret_file(session: Session, path: Path) -> str:
    """The whole text of a small file, without surrounding blank space.

    Raises:
        SecretFile: unreadable, empty, too large.
    """
    try:
        if path.stat().st_size > MAX_SECRET_BYTES:
            raise SecretFile(f"larger than {MAX_SECRET_BYTES} bytes", where=str(path))
        mode, text = path.stat().st_mode, path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretFile(error.strerror or "cannot be read", where=str(path)) from None
    except UnicodeDecodeError:
        raise SecretFile("not UTF-8 text", where=str(path)) from None
    if not text:
        raise SecretFile("the file is empty", where=str(path))
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        session.warnings.append(f"others can read {path}: `chmod 600` it")
    return text


def password(session: Session, file: Path | None, prompt: str) -> str:
    """An existing password, from a file or typed.

    Raises:
        Locked: there is neither a file nor a person.
    """
    if file is not None:
        return read_secret_file(session, file).splitlines()[0]
    if not can_ask(session):
        raise Locked("no password was given")
    return str(typer.prompt(prompt, hide_input=True, err=True))


def new_password(session: Session, file: Path | None, prompt: str = "Password") -> str:
    """A password to set; typed twice.

    Raises:
        Locked: too short, two that differ, or nobody to ask.
    """
    if file is not None:
        return check_password(password(session, file, prompt))
    if not can_ask(session):
        raise Locked("no password was given")
    first = str(typer.prompt(prompt, hide_input=True, err=True))
    check_password(first)
    if first != typer.prompt("Again", hide_input=True, err=True):
        raise Locked("the two passwords differ", fix="run the command again")
    return first


def text(session: Session, prompt: str, default: str) -> str:
    """A line that is no secret; the default where nobody is asked."""
    if not can_ask(session):
        return default
    return str(typer.prompt(prompt, default=default, err=True)).strip()


def hidden(session: Session, prompt: str) -> str:
    """A line that nobody else shall see, typed unseen.

    Raises:
        InputNeeded: nobody is there to ask.
    """
    if not can_ask(session):
        raise InputNeeded(f"not given: {prompt.lower()}")
    return str(typer.prompt(prompt, hide_input=True, err=True)).strip()


def words(session: Session, file: Path | None) -> str:
    """24 words, from a file or typed unseen.

    Raises:
        InputNeeded: there is neither a file nor a person.
    """
    if file is not None:
        return read_secret_file(session, file)
    if not can_ask(session):
        raise InputNeeded("no words were given", fix="name a file with `--from-words-file`")
    return str(typer.prompt("Your 24 words", hide_input=True, err=True))


def confirm(session: Session, question: str) -> bool:
    """Yes or no; `--yes` answers.

    Raises:
        ConfirmationNeeded: nobody is there.
    """
    if session.yes:
        return True
    if not can_ask(session):
        raise ConfirmationNeeded("this needs a confirmation")
    return typer.confirm(question, err=True)


def show_words(session: Session, phrase: list[str]) -> None:
    """Print the words to the terminal, in four columns, on stderr."""
    err = output.console(session, stderr=True)
    err.print("Your 24 words: write them down, in order; whoever has them can spend.", markup=False)
    for row in range(6):
        cells = (f"{row + 6 * column + 1:>4} {phrase[row + 6 * column]:<10}" for column in range(4))
        err.print("".join(cells).rstrip(), markup=False)


def ask_back(phrase: list[str], positions: tuple[int, ...]) -> None:
    """Ask for some of the words, so that they were written down before they are gone.

    Raises:
        typer.Abort: three wrong answers.
    """
    for position in positions:
        for _ in range(3):
            if typer.prompt(f"Word {position + 1}?", err=True).strip().lower() == phrase[position]:
                break
            typer.echo("That is another word; look at your paper.", err=True)
        else:
            raise typer.Abort
