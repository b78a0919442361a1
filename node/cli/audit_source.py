"""Which history `chiaro audit export` and `chiaro chain audit` mean: a node's, or a folder's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from node.cli import connection
from node.cli.session import Session

if TYPE_CHECKING:
    from node.audit.sources import Source


@contextmanager
def live(session: Session, to: int | None) -> Iterator[Source]:
    """The chain of the session: over the RPC, or from the folder of this home's stopped node.

    The folder is read where no node was named (flag, environment, configuration), none runs in this
    home, and there is a chain in it; a running node is asked.

    Raises:
        Unreachable: nobody answers, and there is no folder.
        NotFound: the chain does not reach height `to`.
    """
    from node.app import process
    from node.app.process import GENESIS_FILE, PROCESS_FILE
    from node.audit import sources

    places = session.places
    named = session.settings["node"][1] not in {"default", str(places.state / PROCESS_FILE)}
    stopped = (places.node / GENESIS_FILE).is_file() and (
        process.find(places.node, places.state) is None
    )
    if stopped and not named:
        with sources.opened(places.node, to) as folder:
            yield folder
        return
    with connection.connected(session) as client:
        yield sources.NodeSource(client, to)
