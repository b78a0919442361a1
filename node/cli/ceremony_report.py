"""The report of a verified ceremony: one HTML page without scripts, fonts or network."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from zk.formats.ceremony import Line

_MEANING: Final = (
    "A key made in a ceremony is safe if at least one contributor drew their secret at random and "
    "forgot it. The checks below show that every contribution is in the key, in this order, and "
    "that its maker knew the secret at the time. They cannot show that it was forgotten, nor that "
    "names are those of different people: that is what the contributors attest, each with the hash "
    "beside their name."
)
_LIMITS: Final = (
    "BN254 gives about 100 bits of security. This software has not been audited. Programs in "
    "Python cannot promise that a secret was erased from memory."
)


def page(data: Mapping[str, Any], lines: Sequence[Line]) -> str:
    """The whole page.

    Args:
        data: what `chiaro ceremony verify --json` says.
        lines: the contributions.
    """
    style = resources.files("node.cli").joinpath("report.css").read_text(encoding="utf-8")
    what = (
        f"Powers of tau, 2^{data['power']}"
        if data["phase"] == "powers"
        else f"Key of {data['circuit']}"
    )
    checks = "".join(
        f"<tr><td>✓ {escape(c['id'])}</td><td>{escape(c['detail'])}</td></tr>"
        for c in data["checks"]
    )
    rows = "".join(map(_row, lines))
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Ceremony: {escape(what)}</title><style>{style}</style></head><body><main>"
        f"<h1>{escape(what)}</h1><p><strong>The ceremony holds.</strong> {escape(_MEANING)}</p>"
        f"<h2>The file</h2><p><code>{escape(data['file'])}</code><br>BLAKE2b-256 "
        f"<code>{escape(data['digest'])}</code>{_circuit(data)}</p>"
        f"<h2>What was checked</h2><table>{checks}</table>"
        "<h2>Who contributed</h2><table><tr><th>#</th><th>name</th><th>hash</th></tr>"
        f"{rows}</table>"
        f"<h2>Again, on your machine</h2><pre>{escape(_command(data))}</pre>"
        f"<p>{escape(_LIMITS)}</p><p>Verified {when}.</p></main></body></html>\n"
    )


def _circuit(data: Mapping[str, Any]) -> str:
    if data["phase"] == "powers":
        return ""
    return "".join(
        f"<br>{what} <code>{escape(data[name])}</code>"
        for what, name in (
            ("circuit", "r1cs"),
            ("verifying key", "verifying_key"),
            ("transcript, which a chain's id covers", "transcript"),
        )
    )


def _row(line: Line) -> str:
    name = escape(line.name) if line.name else "<em>no name given</em>"
    if line.beacon:
        name += (
            f"<br>beacon <code>{line.beacon.hex()}</code>, hashed 2<sup>{line.iterations_exp}</sup>"
            " times"
        )
    return (
        f"<tr><td>{line.number}</td><td>{name}</td><td><code>{line.digest.hex()}</code></td></tr>"
    )


def _command(data: Mapping[str, Any]) -> str:
    file = shlex.quote(data["file"])
    if data["phase"] == "powers":
        return f"chiaro ceremony verify {file}\nsnarkjs powersoftau verify {file}"
    return (
        f"chiaro ceremony verify {file} --ptau FIRST_PHASE.ptau --r1cs CIRCUIT.r1cs\n"
        "snarkjs powersoftau prepare phase2 FIRST_PHASE.ptau PREPARED.ptau\n"
        f"snarkjs zkey verify CIRCUIT.r1cs PREPARED.ptau {file}\n"
        f"chiaro setup import {file} --ptau FIRST_PHASE.ptau --r1cs CIRCUIT.r1cs "
        "--statement NAME/VERSION --params FOLDER"
    )
