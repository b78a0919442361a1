"""`chiaro private rehearse`, `verify`, `export`: sessions with proofs, and what auditors ask."""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from node.cli import output
from node.cli.private_files import program_at
from node.cli.rehearsal import Rehearsal
from node.cli.session import Session, UsageError, utf8
from node.cli.verify import read_file, readable
from zk import files

if TYPE_CHECKING:
    from private_exec.programs.program import Program
    from private_exec.provable.document import Transition
    from private_exec.provable.transition import Provable
    from zk.groth16.keys import VerifyingKey

ONLY_HERE = "verifies with this project's tools only"
PROVIDED = (
    "provided that one honest contributor from outside the committee took part in the ceremony of "
    "the program's key"
)
"""What holds P2-7 up: a proof says no more than its key is worth."""
UNSAFE = "the key is a development key: its seed is published, and anybody can prove anything"

_MOST_DIGITS: Final = 20
"""Of a size: what is longer Python may not take for a number, and no program."""

_FILE = typer.Argument(metavar="FILE", help="As `chiaro private rehearse -o FILE` writes it.")
_KEY = typer.Option(None, "--vk", help="The verifying key, as snarkjs has it.")
_NAME = typer.Argument(metavar="PROGRAM", help="Of the house (`chiaro private programs`).")
_MEMBERS = typer.Option(4, "--members", help="4, 7, 10 or 13.")
_LIARS = typer.Option(0, "--liars", help="How many of them lie in every round.")
_DRAW = typer.Option("0", "--draw", help="Any text, from which inputs and keys are drawn.")
_SIZES = typer.Option(None, "--size", help="Such as bidders=4; may be repeated.")
_OUT = typer.Option(None, "-o", "--out", help="Write the proof there.")
_ZKEY = typer.Option(None, "--zkey", help="The program's proving key, of a ceremony.")
_R1CS = typer.Option(..., "-o", "--out", help="A file that ends in .r1cs.")


def verify(context: typer.Context, file: Path = _FILE, vk: Path | None = _KEY) -> None:
    """Check that a private session computed what it says, knowing nothing but its proof."""
    from private_exec.provable.document import parse
    from zk import backends

    session: Session = context.obj
    transition = parse(read_file(file), str(file))
    key, unsafe = key_of(session, transition, vk)
    transition.verify(key, backends.get())
    if unsafe:
        session.warnings.append(UNSAFE)
    data = {
        "valid": True,
        "program": transition.program.declaration.name,
        "sizes": dict(transition.program.sizes),
        "session": "0x" + transition.session.hex(),
        "cells_read": len(transition.inputs),
        "cells_made": len(transition.outputs),
        "key": key.id,
        "development_key": unsafe,
        "claim": f"the cells made hold what the program gives for the cells read, {PROVIDED}",
        "note": ONLY_HERE,
    }
    output.emit(session, "private.verify", data)


def rehearse(
    context: typer.Context,
    name: str = _NAME,
    members: int = _MEMBERS,
    liars: int = _LIARS,
    draw: str = _DRAW,
    size: list[str] | None = _SIZES,
    out: Path | None = _OUT,
    zkey: Path | None = _ZKEY,
) -> None:
    """A whole session in this process: inputs drawn, members, liars among them, a proof."""
    from private_exec.mpc.shamir import SIZES
    from private_exec.provable.document import check_sizes, document
    from zk import backends

    session: Session = context.obj
    if members not in SIZES or not 0 <= liars <= members:
        raise UsageError(f"{liars} liars of {members} members", where="--members")
    seed, program = utf8(draw, "--draw"), program_at(name, sizes_of(size or []))
    if out is not None:
        check_sizes(program.sizes, str(out))
    with output.progress(session, "rehearsing") as report:
        report("key", 0.0)
        provable = _provable(session, program, zkey)
        report("session", 0.3)
        values = _drawn(program, draw)
        played = Rehearsal(provable, members, range(1, liars + 1), seed, values)
        proved = played.run()
        report("session", 1.0)
    transition = played.transition(proved)
    transition.verify(provable.verifying_key, backends.get())
    if out is not None:
        with readable(out):
            files.write(out, (json.dumps(document(transition), indent=1) + "\n").encode())
    if provable.key.warning:
        session.warnings.append(provable.key.warning)
    linked = proved.linked
    data = {
        "program": program.declaration.name,
        "sizes": dict(program.sizes),
        "members": members,
        "liars": list(range(1, liars + 1)),
        "named": sorted(played.outcome.accused(played.witness)),
        "outputs": played.opened(),
        "rounds": played.outcome.contexts[played.witness].tally.rounds,
        "bytes_to_each": played.outcome.contexts[played.witness].tally.bytes,
        "proof_bytes": len(linked.hidden.to_bytes()) + len(linked.link.to_bytes()),
        "out": str(out) if out is not None else None,
        "note": ONLY_HERE,
    }
    output.emit(session, "private.rehearse", data)


def export(
    context: typer.Context, name: str = _NAME, size: list[str] | None = _SIZES, out: Path = _R1CS
) -> None:
    """Write a program's constraint system, for a ceremony of its key and for other tools."""
    from private_exec.provable.transition import shape_of_program
    from zk.formats.r1cs import write_r1cs

    session: Session = context.obj
    program = program_at(name, sizes_of(size or []))
    shape = shape_of_program(program)
    with readable(out):
        write_r1cs(shape, out)
    data = {
        "name": shape.name,
        "program": "0x" + program.digest.hex(),
        "digest": "0x" + shape.digest.hex(),
        "rows": shape.rows,
        "public_inputs": shape.publics,
        "hidden": shape.publics - 1,
        "wires": shape.wires,
        "domain": shape.domain,
        "out": str(out),
    }
    output.emit(session, "private.export", data)


def sizes_of(texts: list[str]) -> dict[str, int]:
    """`bidders=8` as a name and a number."""
    parsed: dict[str, int] = {}
    for text in texts:
        name, _, number = text.partition("=")
        is_number = number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS
        if not (name and is_number) or name in parsed:
            raise UsageError(f"`{text}` is no size, or one that was said", where="--size")
        parsed[name] = int(number)
    return parsed


def _provable(session: Session, program: Program, zkey: Path | None) -> Provable:
    """The program with a ceremony's key, or with the development key in that profile."""
    from private_exec.provable.transition import Provable
    from zk import backends
    from zk.formats.zkey import read_zkey

    if zkey is not None:
        with readable(zkey):
            key = read_zkey(zkey)
        _refuse_unsafe(session, unsafe=bool(key.warning), where=zkey)
        return Provable(program, key)
    if session.profile != "dev":
        raise UsageError(
            "no key is known for private programs here", where="--zkey", fix="give a ceremony's key"
        )
    return Provable.unsafe(program, backends.get())


def key_of(session: Session, transition: Transition, vk: Path | None) -> tuple[VerifyingKey, bool]:
    """The key to check with, and whether anybody can forge under it."""
    from circuits.keys import KeyStore
    from private_exec.provable.transition import Provable, name_of
    from zk import backends
    from zk.errors import DevParamsRefused, UnknownKey
    from zk.formats import snarkjs

    if vk is not None:
        data = read_file(vk)
        unsafe = snarkjs.marked_unsafe(data, str(vk))
        _refuse_unsafe(session, unsafe=unsafe, where=vk)
        return snarkjs.read_verifying_key(data, str(vk)), unsafe
    store, statement = KeyStore(), name_of(transition.program)
    with contextlib.suppress(UnknownKey, DevParamsRefused):
        entry = store.entry(statement, session.profile)
        return store.verifying_key(statement, session.profile), bool(entry.unsafe)
    if session.profile != "dev":
        raise UsageError(
            "no key is known for private programs here", where="--vk", fix="give the ceremony's key"
        )
    return Provable.unsafe(transition.program, backends.get()).verifying_key, True


def _refuse_unsafe(session: Session, *, unsafe: bool, where: Path) -> None:
    """Keys that anybody can forge under serve the profile `dev` alone."""
    from zk.errors import DevParamsRefused

    if unsafe and session.profile != "dev":
        raise DevParamsRefused("the key says of itself that it is unsafe", where=str(where))


def _drawn(program: Program, seed: str) -> list[int]:
    """A value for everything that the program reads."""
    from private_exec.provable.lower import ranges

    drawn = random.Random(seed)
    return [drawn.randint(0, most) for most in ranges(program)]


def register(app: typer.Typer) -> None:
    """As commands of the group `private`."""
    app.command()(verify)
    app.command()(rehearse)
    app.command()(export)
