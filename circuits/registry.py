"""Which statements exist: explicit, one line each. A changed statement takes a new version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from circuits.statement import Statement
from zk.errors import UnknownKey


def _action() -> Statement[Any, Any]:
    from circuits.action import Action

    return Action()


def _transit() -> Statement[Any, Any]:
    from circuits.transit import Transit

    return Transit()


def _donation() -> Statement[Any, Any]:
    from circuits.donation import Donation

    return Donation()


STATEMENTS: Final[dict[str, Callable[[], Statement[Any, Any]]]] = {
    "action/1": _action,
    "transit/1": _transit,
    "donation/1": _donation,
}


def statement(identifier: str) -> Statement[Any, Any]:
    """The statement of that id.

    Raises:
        UnknownKey: no such statement.
    """
    if identifier not in STATEMENTS:
        raise UnknownKey(
            f"no statement is called {identifier}",
            fix=f"use one of: {', '.join(STATEMENTS)}",
        )
    return STATEMENTS[identifier]()
