"""`chiaro setup import`, `genesis`: from a ceremony's last key to a chain that uses it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import ceremony, output
from node.cli.session import Session, UsageError
from node.cli.typed import digits
from node.cli.verify import readable, statement_id
from zk import files

if TYPE_CHECKING:
    from rich.console import Console

    from node.core.lane import LaneParameters
    from node.core.stake import StakeParameters
    from zk.interfaces import Progress

app = typer.Typer()

_FOLDER = typer.Option(..., "--params", help="Folder of parameters; made if it is not there yet.")


def verified(
    zkey: Path,
    ptau: Path,
    r1cs: Path | None,
    circuit: str | None,
    initial: Path | None,
    report: Progress,
) -> dict[str, Any]:
    """Verify a key's whole ceremony, and say what belongs together.

    Returns:
        The manifest (`circuits.key_install.manifest`).

    Raises:
        UsageError: a first phase, or options that do not go together.
        ChiaroError: what does not hold.
    """
    from circuits.key_install import manifest
    from circuits.keys import file_digest
    from zk.formats.ceremony import phase_of
    from zk.formats.zkey import read_zkey

    if phase_of(zkey) != "key":
        raise UsageError(f"{zkey} is a first phase; name the key of the second, .zkey")
    found, _ = ceremony.verify_file(zkey, ptau, r1cs, circuit, initial, report)
    return manifest(
        found["circuit"],
        found["r1cs"],
        read_zkey(zkey),  # mapped, not read again
        proving_key=found["digest"],
        first_phase="0x" + file_digest(ptau),
        contributions=found["contributions"],
    )


@app.command("import")
def import_key(
    context: typer.Context,
    zkey: Path = typer.Argument(help="The ceremony's last key, .zkey."),
    folder: Path = _FOLDER,
    ptau: Path = typer.Option(..., "--ptau", help="Powers of tau of the first phase."),
    r1cs: Path | None = typer.Option(None, "--r1cs", help="Circuit of any compiler."),
    circuit: str | None = typer.Option(None, "--circuit", help="Statement of this project."),
    statement: str | None = typer.Option(
        None, "--statement", help="NAME/VERSION that the key is for; with --r1cs."
    ),
    initial: Path | None = typer.Option(None, "--initial", help="As in `ceremony verify`."),
    *,
    replace: bool = typer.Option(
        False, "--replace", help="Also if the folder has another ceremony's key."
    ),
) -> None:
    """Verify a ceremony and install its keys into a folder of parameters: all of it, or nothing.

    Exit 1 if a rule refuses the ceremony (CER-…), 3 for malformed files, 8 when key, circuit and
    folder do not belong together.
    """
    from circuits.key_install import install
    from node.private.program_keys import shape_of

    session: Session = context.obj
    if circuit is not None:
        if statement is not None:
            raise UsageError("--circuit says what the key is for: leave --statement out")
        statement = statement_id(circuit)
    elif statement is None:
        raise UsageError("say what the key of this circuit is for: --statement NAME/VERSION")
    with output.progress(session, "verify") as report, readable(zkey):
        document = verified(zkey, ptau, r1cs, circuit, initial, report)
        with readable(folder):
            report("install", 0.0)
            entry = install(zkey, statement, document, folder, replace=replace, shape=shape_of)
            report("install", 1.0)
    data: dict[str, Any] = {
        "statement": entry.statement,
        "origin": entry.origin,
        "r1cs": "0x" + entry.r1cs,
        "verifying_key": "0x" + entry.verifying_key,
        "proving_key": "0x" + entry.proving_key,
        "transcript": "0x" + entry.transcript,
        "contributions": entry.contributions,
        "beacon": document["contributions"][-1]["beacon"],
        "folder": str(folder),
        "files": [
            entry.verifying_key_file,
            entry.transcript_file,
            f"{entry.origin}/{entry.proving_key_file}",
        ],
    }
    if data["beacon"] is None:
        session.warnings.append(
            "no beacon ends this ceremony: its last contributor chose among keys"
        )

    def render(out: Console) -> None:
        out.print(f"installed {entry.version} in {folder}", style="bold green", markup=False)
        for name in ("r1cs", "verifying_key", "proving_key", "transcript", "contributions"):
            out.print(f"  {name:<14} {data[name]}", markup=False)
        out.print("next")
        out.print(f"  export CHIARO_PARAMS={folder.resolve()}", markup=False)
        out.print("  chiaro setup genesis --profile NAME --name NAME -o genesis.toml")

    output.emit(session, "setup.import", data, render)


@app.command()
def genesis(
    context: typer.Context,
    name: str = typer.Option(..., "--name", help="Of the chain; lower case."),
    out: Path = typer.Option(..., "--out", "-o", help="The genesis, .toml or .json."),
    folder: Path | None = typer.Option(
        None, "--params", help="Folder of parameters; by default the one in use."
    ),
    allocations: Path | None = typer.Option(
        None, "--allocations", help="Who owns what at the beginning: .toml or .json."
    ),
    block_time_ms: int = typer.Option(1000, "--block-time-ms", min=0, help="0: on demand only."),
    time_ms: int | None = typer.Option(
        None, "--time-ms", min=0, help="Of the beginning, since 1970; by default now."
    ),
    guardian: list[str] | None = typer.Option(
        None, "--guardian", help="Key of one who may close a pool (`guardian key`); repeat it."
    ),
    guardian_threshold: int | None = typer.Option(
        None, "--guardian-threshold", min=0, help="How many must sign; by default a majority."
    ),
    validator: list[str] | None = typer.Option(
        None, "--validator", help="Consensus key (`validator init`); repeat it."
    ),
    bond: list[str] | None = typer.Option(
        None, "--bond", help="VALIDATOR:ACCOUNT:AMOUNT, native: chains with stake; repeat it."
    ),
    epoch_heights: int | None = typer.Option(
        None, "--epoch-heights", min=1, help="Between changes of the set of bonded validators."
    ),
    *,
    lane: bool = typer.Option(
        False, "--lane", help="Take sealed intents, in two domains; needs a --validator."
    ),
    private: bool = typer.Option(
        False, "--private", help="Private rounds, and those programs that there are ceremonies of."
    ),
) -> None:
    """The genesis of a chain under ceremonies' keys; its id covers circuits, keys and ceremonies.

    `--profile` names the chain's profile; `dev` is refused, since `chiaro up` makes such chains.
    """
    from circuits.key_registry import REGISTRY, Registry
    from circuits.keys import KeyStore
    from node.app import development, founding
    from node.core.amounts import format_amount
    from node.core.genesis import Parameters
    from node.core.genesis_file import format_genesis, load_allocations
    from node.core.private import PrivateParameters

    session: Session = context.obj
    if out.suffix not in {".toml", ".json"}:
        raise UsageError("a genesis file ends in .toml or .json")
    listed = Registry.load(None if folder is None else folder / REGISTRY)
    count = len(bond or ()) or len(validator or ())
    sealed = _fitting(development.LANE, count) if lane else None
    stake = _stake(bond or (), epoch_heights, sealed)
    if stake is not None and validator:
        raise UsageError("validators of a chain with stake are named by --bond alone")
    if stake is None and epoch_heights is not None:
        raise UsageError("--epoch-heights is of chains with stake: name a --bond")
    owned = () if allocations is None else load_allocations(allocations, development.asset)
    made = founding.genesis(
        name,
        session.profile,
        KeyStore(listed),
        time_ms=time.time_ns() // 1_000_000 if time_ms is None else time_ms,
        parameters=Parameters(block_time_ms=block_time_ms),
        allocations=owned,
        guardians=tuple(digits(text, 32, "--guardian") for text in guardian or ()),
        guardian_threshold=guardian_threshold,
        validators=tuple(digits(text, 32, "--validator") for text in validator or ())
        if stake is None
        else tuple(item.key for item in stake.bonds),
        stake=stake,
        lane=sealed,
        private=PrivateParameters() if private else None,
    )
    assert made.ceremony is not None  # noqa: S101
    text = format_genesis(made, json_format=out.suffix == ".json")
    with readable(out):
        files.write(out, text.encode())
    if not owned:
        session.warnings.append("nobody owns anything on this chain: no --allocations were given")
    if not made.guardians:
        session.warnings.append(
            "no guardians: if a circuit turns out to be broken, nobody can close the pool"
        )
    data: dict[str, Any] = {
        "file": str(out),
        "chain_id": "0x" + made.chain_id.hex(),
        "name": made.name,
        "chain_profile": made.profile,
        "ceremony": "0x" + made.ceremony.hex(),
        "statements": [
            {
                "id": item.statement,
                "r1cs": "0x" + item.r1cs.hex(),
                "verifying_key": "0x" + item.verifying_key.hex(),
                "transcript": "0x" + listed.find(item.statement, made.profile).transcript,
            }
            for item in made.statements
        ],
        "allocations": len(made.allocations),
        "guardians": ["0x" + key.hex() for key in made.guardians],
        "guardian_threshold": made.guardian_threshold,
        "validators": ["0x" + key.hex() for key in made.validators],
        "bonds": [
            {
                "validator": "0x" + item.key.hex(),
                "owner": "0x" + item.owner.hex(),
                "amount": {"amount": format_amount(item.amount), "unit": "native"},
            }
            for item in (() if made.stake is None else made.stake.bonds)
        ],
        "domains": [] if made.lane is None else [domain.name for domain in made.lane.domains],
    }

    def render(console: Console) -> None:
        console.print(f"chain {made.name}, profile {made.profile}: {out}", markup=False)
        console.print(f"  chain id   {data['chain_id']}", markup=False)
        console.print(f"  ceremony   {data['ceremony']}", markup=False)
        for item in data["statements"]:
            console.print(f"  {item['id']:<10} key {item['verifying_key']}", markup=False)
        console.print("publish this file; every member checks it and starts with")
        console.print(f"  chiaro --profile {made.profile} up --genesis {out}", markup=False)

    output.emit(session, "setup.genesis", data, render)


def _fitting(lane: LaneParameters, validators: int) -> LaneParameters:
    """CH-35: with rounds that are long enough for so many."""
    return replace(lane, round_heights=max(lane.round_heights, (validators - 1) // 3 + 1))


def _stake(
    bonds: Sequence[str], epoch_heights: int | None, lane: LaneParameters | None
) -> StakeParameters | None:
    """Of the bonds that were named; None: none were."""
    from node.core.amounts import parse_amount
    from node.core.ids import AccountId
    from node.core.stake import MAX_VALIDATORS, GenesisBond, StakeParameters

    if not bonds:
        return None
    found = []
    for text in bonds:
        parts = text.split(":")
        if len(parts) != 3:
            raise UsageError("a bond is VALIDATOR:ACCOUNT:AMOUNT", where="--bond")
        owner = AccountId(digits(parts[1], 32, "--bond"))
        found.append(GenesisBond(digits(parts[0], 32, "--bond"), owner, parse_amount(parts[2])))
    listed = tuple(sorted(found))
    if lane is not None:
        return StakeParameters(
            listed,
            epoch_heights=epoch_heights or lane.epoch_heights,
            max_validators=min(MAX_VALIDATORS, 3 * lane.round_heights),  # CH-35
        )
    if epoch_heights is not None:
        return StakeParameters(listed, epoch_heights=epoch_heights)
    return StakeParameters(listed)
