"""Keys with which a member proves what its committee computed.  Rule PV-190."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from circuits.keys import KeyStore
from node.private.member.errors import MemberRefused
from node.private.sale_program import SaleProgram
from private_exec.provable.transition import Provable
from zk.errors import ChiaroError


class ProvingKeys:
    """Programs of sales that a member can prove; each key is loaded, or made, at its first use.

    Args:
        profile: of the chain.
        named: verifying keys that genesis names, hex, by statement.
        keys: where proving keys come from.
        report: told of each key, and once why there is none.
    """

    def __init__(
        self,
        profile: str,
        named: Mapping[str, str],
        keys: KeyStore,
        report: Callable[[str], None],
    ) -> None:
        self._profile: Final = profile
        self._named: Final = named
        self._keys: Final = keys
        self._report: Final = report
        self._found: dict[SaleProgram, Provable] = {}
        self._refused: set[SaleProgram] = set()

    def __call__(self, program: SaleProgram) -> Provable | None:
        """The program with its key; None: genesis names none, or it is not to be had here."""
        if program in self._found:
            return self._found[program]
        what = f"{program.market.plural} of {program.places} places"
        try:
            made = self._load(program)
        except ChiaroError as error:
            if program not in self._refused:
                self._refused.add(program)
                self._report(f"no key for {what}: {error.id}: {error}")
            return None
        self._found[program] = made
        self._report(f"key for {what}: {made.verifying_key.id[:16]}")
        return made

    def _load(self, program: SaleProgram) -> Provable:
        """Raises MemberRefused: PV-190; and what `KeyStore` raises."""
        statement = program.statement
        entry = self._keys.entry(statement, self._profile)
        if self._named.get(statement) != entry.verifying_key:
            raise MemberRefused(
                "PV-190",
                f"the chain verifies {statement} under another key than this installation's",
                where=f"key {entry.verifying_key[:16]}…",
                why="what is proved under another key is no result",
                fix="set CHIARO_PARAMS to the folder of this chain's keys (`chiaro setup import`)",
            )
        return Provable(program.traced, self._keys.proving_key(statement, self._profile))
