"""What a light client keeps: the last block that it verified, and where that began.  Rule LC-13.

One file, `light.json`, private: which chain, which nodes are asked, and the block, whole, so that
the next run can start from its validators. Beside it lies genesis. The height never goes down.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from node.core.genesis import Genesis
from node.core.genesis_file import format_genesis, load_genesis
from node.light.block import LightBlock
from node.light.errors import LightRefused
from node.light.root import genesis_validators
from node.light.verify import Trusted
from zk import files, jsontext
from zk.errors import DecodeError

FILE: Final = "light.json"
GENESIS_FILE: Final = "genesis.toml"
_SCHEMA: Final = "chiaro.light/1"
_MEMBERS: Final = {"schema", "chain_id", "anchor", "block", "primary", "witnesses"}
_MAX_FILE: Final = 4 * 1024 * 1024
FROM_GENESIS: Final = "genesis"


@dataclass(frozen=True, slots=True)
class Record:
    """The file.

    Attributes:
        chain_id: of genesis.
        anchor: `genesis`, or HEIGHT:HASH that somebody vouched for.
        primary: address of the node that is asked.
        witnesses: addresses of those that are asked for their opinion.
        block: the last one verified; None: only genesis is known.
    """

    chain_id: bytes
    anchor: str
    primary: str
    witnesses: tuple[str, ...]
    block: LightBlock | None = None

    @property
    def height(self) -> int:
        """Of the last verified block; 0: none."""
        return 0 if self.block is None else self.block.height


class TrustStore:
    """A folder with what is trusted of one chain.

    Args:
        folder: private; made by `create`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder

    @property
    def exists(self) -> bool:
        """Whether `create` was here."""
        return (self._folder / FILE).is_file()

    def create(self, genesis: Genesis, record: Record) -> None:
        """Begin. What was there is gone: whoever asks for that says so."""
        files.make_private_folder(self._folder)
        (self._folder / FILE).unlink(missing_ok=True)
        text = format_genesis(genesis, json_format=False)
        files.write(self._folder / GENESIS_FILE, text.encode(), durable=True)
        self._write(record)

    def genesis(self) -> Genesis:
        """Of the chain. Raises DecodeError."""
        return load_genesis(self._folder / GENESIS_FILE)

    def load(self) -> Record:
        """What is trusted.

        Raises:
            LightRefused: LC-13, the file is damaged, or of another chain than the genesis beside.
        """
        path = self._folder / FILE
        try:
            record = _read(path)
        except (OSError, ValueError, KeyError, TypeError, DecodeError) as error:
            raise LightRefused(
                "LC-13",
                f"the file of what is trusted cannot be read ({type(error).__name__})",
                where=str(path),
                fix="begin again: `chiaro light init --reset`",
            ) from error
        if record.chain_id != self.genesis().chain_id:
            raise LightRefused(
                "LC-13",
                "the trusted block is of another chain than the genesis beside it",
                where=str(path),
                fix="begin again: `chiaro light init --reset`",
            )
        return record

    def trusted(self) -> Trusted:
        """Where the next check starts."""
        record = self.load()
        if record.block is not None:
            return Trusted.of(record.block)
        genesis = self.genesis()
        return Trusted.genesis(genesis_validators(genesis), genesis.time_ms)

    def move(self, block: LightBlock) -> Record:
        """LC-13: to a block above the last one; the same one again is nothing.

        Raises:
            LightRefused: LC-13, it is below, or another one of the same height.
        """
        with files.locked(self._folder):
            record = self.load()
            if record.block is not None:
                if block.height < record.height:
                    raise LightRefused(
                        "LC-13", f"block {record.height} is trusted, this one is below it",
                        where=f"block {block.height}",
                    )  # fmt: skip
                if block.height == record.height:
                    if block.hash != record.block.hash:
                        raise LightRefused(
                            "LC-13", "another block of this height is trusted",
                            where=f"block {block.height}",
                        )  # fmt: skip
                    return record
            moved = replace(record, block=block)
            self._write(moved)
            return moved

    def ask(self, primary: str, witnesses: tuple[str, ...]) -> Record:
        """Other nodes from now on; what is trusted stays."""
        with files.locked(self._folder):
            changed = replace(self.load(), primary=primary, witnesses=witnesses)
            self._write(changed)
            return changed

    def _write(self, record: Record) -> None:
        document = {
            "schema": _SCHEMA,
            "chain_id": record.chain_id.hex(),
            "anchor": record.anchor,
            "block": None if record.block is None else record.block.to_bytes().hex(),
            "primary": record.primary,
            "witnesses": list(record.witnesses),
        }
        data = json.dumps(document, indent=1).encode() + b"\n"
        files.write(self._folder / FILE, data, mode=files.PRIVATE, durable=True)


def _read(path: Path) -> Record:
    document = jsontext.loads(path.read_bytes(), most_bytes=_MAX_FILE)
    if not isinstance(document, dict) or set(document) != _MEMBERS:
        raise ValueError("members")
    if document["schema"] != _SCHEMA:
        raise ValueError("schema")
    block = document["block"]
    witnesses = document["witnesses"]
    if not isinstance(witnesses, list):
        raise TypeError("witnesses")
    return Record(
        bytes.fromhex(_text(document["chain_id"])),
        _text(document["anchor"]),
        _text(document["primary"]),
        tuple(map(_text, witnesses)),
        None if block is None else LightBlock.from_bytes(bytes.fromhex(_text(block))),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value
