"""docs/cli.md and the command tree say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from node.cli import main as entry

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"


def commands(group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        here = (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, here)
        else:
            yield here


@pytest.mark.parametrize(
    "command", list(commands(typer.main.get_command(entry.build()))), ids=" ".join
)
def test_every_command_is_on_the_page(command: tuple[str, ...]) -> None:
    *groups, name = command
    text = PAGE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if all(group in line for group in groups)]
    assert any(re.search(rf"[` ]{re.escape(name)}[` \n]", line) for line in lines)


def test_every_command_on_the_page_exists() -> None:
    known = list(commands(typer.main.get_command(entry.build())))
    named = re.findall(r"`chiaro ([a-z]+(?: [a-z][a-z-]+)*)", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 20
    for words in named:
        path = tuple(words.split())
        assert any(command[: len(path)] == path[: len(command)] for command in known), words
