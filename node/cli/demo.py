"""`chiaro demo`: a story from end to end, in a temporary folder, offline.

transfer   a node, two wallets, a private transfer, its proof, an audit
intents    four validators, three parties, a ring of sealed intents, a solver
validators the same on four real ones with CometBFT, one of which is killed meanwhile
private    gifts whose sums are opened, an auction, a dark pool; four members, one of them lying
"""

from __future__ import annotations

import shlex
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import output
from node.cli.session import Session, UsageError
from node.core.errors import PolicyRefused

if TYPE_CHECKING:
    from types import FrameType

    from rich.console import Console

    from node.cli.demo_facts import DemoFacts, Step
    from node.cli.demo_intents_facts import IntentsFacts
    from node.cli.demo_private_facts import PrivateFacts

app = typer.Typer()

REPORT: Final = "report.html"
Commands = tuple[tuple[str, str], ...]


class Story(StrEnum):
    """What is shown."""

    TRANSFER = "transfer"
    INTENTS = "intents"
    VALIDATORS = "validators"
    PRIVATE = "private"


TITLES: Final = {
    Story.TRANSFER: "a private transfer, from end to end",
    Story.INTENTS: "a ring of sealed intents, from end to end",
    Story.VALIDATORS: "a ring of sealed intents on four validators, one killed, one lying",
    Story.PRIVATE: "sums, an auction and a dark pool of what nobody can read",
}


@app.command()
def demo(
    context: typer.Context,
    story: Story = typer.Argument(Story.TRANSFER, help="What to show."),
    out_folder: Path | None = typer.Option(
        None, "--out", "-o", help="Keep the report, and what it is about, in this folder."
    ),
    *,
    keep: bool = typer.Option(False, "--keep", help="Keep the temporary folder: chain, wallets."),
    browse: bool = typer.Option(False, "--open", help="Show the report in a browser."),
) -> None:
    """Show a private transfer, a ring of sealed intents, or private programs. Offline.

    `validators` needs CometBFT: see `chiaro localnet`.
    """
    session: Session = context.obj
    if browse and not (out_folder or keep):
        raise UsageError("--open needs a report that stays: add --out DIR or --keep")
    if out_folder is not None:
        _check_folder(out_folder)
    _introduce(session, story)
    show = {
        Story.TRANSFER: _transfer,
        Story.INTENTS: _intents,
        Story.VALIDATORS: _validators,
        Story.PRIVATE: _private,
    }[story]
    with _stopped_cleanly(), _folder(keep=keep) as folder:
        places = [place for place in (out_folder, folder if keep else None) if place is not None]
        with output.progress(session, "proving key") as bar:
            data, valid, written, conclude = show(Stage(session, folder, places, out_folder, bar))
        if browse:
            import webbrowser

            webbrowser.open(Path(written[0]).resolve().as_uri())
    session.exit_code = 0 if valid else 1
    data |= {"story": story.value, "files": written, "kept": str(folder) if keep else None}
    output.emit(session, "demo", data, conclude)


Told = tuple[dict[str, Any], bool, list[str], "Callable[[Console], None]"]
"""The document, whether everything held, files that stay, and how people are told."""


@dataclass(frozen=True)
class Stage:
    """Where a story is shown.

    Attributes:
        session: of the command.
        folder: a temporary one.
        places: that get the report, and what it is about.
        out_folder: one of them, if `--out` named it.
        bar: of a long step.
    """

    session: Session
    folder: Path
    places: Sequence[Path]
    out_folder: Path | None
    bar: output.Report

    def tell(self, step: Step) -> None:
        """A step is done."""
        _tell(self.session, step)


def _transfer(stage: Stage) -> Told:
    from node.cli import exported
    from node.cli.demo_facts import document
    from node.cli.demo_report import render
    from node.cli.demo_run import Run

    run = Run(stage.folder, stage.tell, stage.bar)
    facts = run()
    commands = next_commands(stage.out_folder)
    page = render(facts, commands)
    written: list[str] = []
    for place in stage.places:
        exported.write(run.documents[:1], place)
        (place / REPORT).write_text(page, encoding="utf-8")
        names = (REPORT, exported.PROOF, exported.PUBLIC, exported.KEY)
        written += [str(place / name) for name in names]
    data = {**document(facts), "next": _listed(commands)}
    return data, facts.valid, written, lambda out: _conclude(out, facts, written, commands)


def _intents(stage: Stage) -> Told:
    from node.cli.demo_intents_run import IntentsRun

    facts = IntentsRun(stage.folder, stage.tell, stage.bar)()
    return _sealed(facts, stage, intents_commands(stage.out_folder, facts.bundle))


def _validators(stage: Stage) -> Told:
    from node.app import localnet
    from node.cli.demo_validators_run import ValidatorsRun

    localnet.binary()  # before a minute of work
    facts = ValidatorsRun(stage.folder, stage.tell, stage.bar)()
    commands = (
        ("an operator", "chiaro localnet init && chiaro localnet up"),
        *intents_commands(stage.out_folder, facts.bundle, Story.VALIDATORS)[1:],
    )
    return _sealed(facts, stage, commands)


def _private(stage: Stage) -> Told:
    from node.cli.demo_private_document import document
    from node.cli.demo_private_facts import PROOF
    from node.cli.demo_private_report import render
    from node.cli.demo_private_run import PrivateRun

    facts = PrivateRun(stage.folder, stage.tell, stage.bar)()
    commands = private_commands(stage.out_folder, PROOF)
    written = _keep(stage, render(facts, commands), facts.bundle, PROOF)
    data = {**document(facts), "next": _listed(commands)}
    return data, facts.valid, written, lambda out: _computed(out, facts, written, commands)


def _sealed(facts: IntentsFacts, stage: Stage, commands: Commands) -> Told:
    """Page and chain of a story of sealed intents, where they are wanted."""
    from node.cli.demo_intents_facts import document
    from node.cli.demo_intents_report import render

    written = _keep(stage, render(facts, commands), facts.bundle)
    data = {**document(facts), "next": _listed(commands)}
    return data, facts.valid, written, lambda out: _settled(out, facts, written, commands)


def _keep(stage: Stage, page: str, *names: str) -> list[str]:
    """The page, and files of the story, where they are wanted; all their names."""
    written: list[str] = []
    for place in stage.places:
        (place / REPORT).write_text(page, encoding="utf-8")
        if place != stage.folder:
            for name in names:
                shutil.copyfile(stage.folder / name, place / name)
        written += [str(place / name) for name in (REPORT, *names)]
    return written


def _listed(commands: Commands) -> list[dict[str, str]]:
    return [{"for": who, "command": command} for who, command in commands]


def intents_commands(
    out_folder: Path | None, bundle: str, story: Story = Story.INTENTS
) -> Commands:
    """For whom, and what to type after a story of intents."""
    where = shlex.quote(str(out_folder)) if out_folder is not None else "demo"
    verify = f"chiaro audit verify {where}/{bundle}"
    first = f"chiaro demo {story.value} --out demo"
    return (
        ("a user", "chiaro up && chiaro intent new swap --help"),
        ("an auditor", verify if out_folder is not None else f"{first} && {verify}"),
        ("a solver", "chiaro solver run --help"),
    )


def private_commands(out_folder: Path | None, proof: str) -> Commands:
    """For whom, and what to type after the story of the private environment."""
    where = shlex.quote(str(out_folder)) if out_folder is not None else "demo"
    verify = f"chiaro private verify {where}/{proof}"
    first = f"chiaro demo {Story.PRIVATE.value} --out demo"
    return (
        ("a user", "chiaro up --private && chiaro private fund --help"),
        ("an auditor", verify if out_folder is not None else f"{first} && {verify}"),
        ("a researcher", "chiaro private rehearse auction --liars 1"),
    )


def next_commands(out_folder: Path | None) -> Commands:
    """For whom, and what to type after the story of a transfer."""
    where = shlex.quote(str(out_folder)) if out_folder is not None else "demo"
    verify = f"chiaro verify {where}/proof.json"
    return (
        ("a user", "chiaro up && chiaro init"),
        ("an auditor", verify if out_folder is not None else f"chiaro demo --out demo && {verify}"),
        ("a researcher", "chiaro circuit profile action"),
    )


def _check_folder(folder: Path) -> None:
    """Refuse a place that cannot be written to before half a minute of work.

    Raises:
        UsageError: a file is there, or the system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"cannot write there: {error.strerror}", where=str(folder)) from None


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    """A private temporary folder; removed at the end, whatever the end."""
    folder = Path(tempfile.mkdtemp(prefix="chiaro-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


class Terminated(PolicyRefused):
    """Another process told this one to end."""

    code = "DEM-002"
    exit_code = 130
    why = "another process asked for it"
    fix = "run the demonstration again"


class _Signalled(BaseException):  # not an Exception: no ledger in this process may take it
    """A signal arrived, wherever that was."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _stopped_cleanly() -> Iterator[None]:
    """Make SIGTERM and SIGHUP end the run as Ctrl-C does: node stopped, folder removed.

    Raises:
        Terminated: one of them came.
    """

    def stop(number: int, _frame: FrameType | None) -> None:
        raise _Signalled(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except _Signalled as signalled:
        raise Terminated(f"ended by {signal.Signals(signalled.number).name}") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# --- for people -----------------------------------------------------------------------------------


def _introduce(session: Session, story: Story) -> None:
    if session.quiet or session.json:
        return
    err = output.console(session, stderr=True)
    err.print(f"Chiaroscuro: {TITLES[story]}", style="bold")
    err.print("offline, in a temporary folder; no wallet of yours is touched", style="dim")
    err.print()


def _tell(session: Session, step: Step) -> None:
    if session.quiet or session.json:
        return
    from rich.text import Text

    from node.cli.demo_facts import duration

    line = Text(" ✓ ", style="green")
    line.append(f"{step.title:<30}", style="default")
    line.append(f"{duration(step.seconds):>8}  ", style="bold")
    line.append(step.detail, style="dim")
    output.console(session, stderr=True).print(line)


def _conclude(out: Console, facts: DemoFacts, written: list[str], commands: Commands) -> None:
    from node.cli.demo_facts import duration

    out.print()
    out.print(
        f"proof {duration(facts.prove_seconds)} · verification {duration(facts.verify_seconds)} · "
        f"all of it {duration(facts.seconds)}",
        markup=False,
    )
    verdict = "VALID, AND THE SUPPLY ADDS UP" if facts.valid else "NOT VALID"
    out.print(verdict, style="bold green" if facts.valid else "bold red")
    _last(out, written, commands, "`chiaro demo --out DIR` keeps the report and the proof")


def _settled(out: Console, facts: IntentsFacts, written: list[str], commands: Commands) -> None:
    from node.cli.demo_facts import duration, units

    out.print()
    for party in facts.parties:
        held = [", ".join(units(n, asset) for asset, n in side)
                for side in (party.before, party.after)]  # fmt: skip
        out.print(f"{party.name:<8}{held[0]:<16} → {held[1]}", markup=False)
    ordered, settled = facts.moment("ordered"), facts.moment("settled")
    out.print(
        f"ordered in block {ordered.height}, settled in block {settled.height} · "
        f"all of it {duration(facts.seconds)}",
        markup=False,
    )
    for check in facts.checks:
        if not check.ok:
            out.print(f"{check.id}: {check.detail}", style="red", markup=False)
    verdict = "EVERYONE HAS WHAT THEY WANTED, AND THE CHAIN HOLDS" if facts.valid else "NOT VALID"
    out.print(verdict, style="bold green" if facts.valid else "bold red")
    _last(out, written, commands, "`--out DIR` keeps report and chain")


def _computed(out: Console, facts: PrivateFacts, written: list[str], commands: Commands) -> None:
    from node.cli.demo_facts import duration, units

    liar, auction, pool = facts.liar, facts.auction, facts.pool
    named = ", ".join(map(str, liar.named_by))
    lines = [
        f"{project.name:<14}{project.donations} gift{'s' * (project.donations != 1)}, "
        + ("not opened" if project.total is None else f"{units(project.total)} in all")
        for project in facts.round.projects
    ]
    lines += [
        f"{'auction':<14}{auction.winner} pays {units(auction.price)}",
        f"{'dark pool':<14}{units(pool.price)} a lot of {pool.base}, fills to their owners",
        f"{'the liar':<14}member {liar.member}, by {liar.rule}, named by members {named}",
        f"all of it {duration(facts.seconds)}",
    ]
    out.print()
    for line in lines:
        out.print(line, markup=False)
    for check in facts.checks:
        if not check.ok:
            out.print(f"{check.id}: {check.detail}", style="red", markup=False)
    verdict = "AS IN THE CLEAR, AND NOBODY READ IT" if facts.valid else "NOT VALID"
    out.print(verdict, style="bold green" if facts.valid else "bold red")
    _last(out, written, commands, "`--out DIR` keeps report and chain")


def _last(out: Console, written: list[str], commands: Commands, hint: str) -> None:
    """Files that stay, and what to type next."""
    out.print()
    for path in written:
        out.print(path, markup=False)
    if not written:
        out.print(f"nothing was kept; {hint}")
    out.print()
    out.print("next", style="bold")
    for who, command in commands:
        out.print(f"  {who:<14} {command}", markup=False)
