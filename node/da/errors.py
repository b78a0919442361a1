"""Refusals of the data availability domain; each carries the rule (DA-n) that refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.core.errors import NodeError
from zk.errors import ChiaroError, Ruled

if TYPE_CHECKING:
    from node.da.blob import Evidence


class DataRefused(Ruled):
    """Rows, a certificate, a proof or a step of a batch that a numbered rule refuses."""

    code = "DAV-001"
    exit_code = 5
    why = "what is ordered must be readable by everybody, and read the same by everybody"


class TooFewRows(NodeError):
    """Fewer proved rows than the code needs; nothing is known of the blob yet (DA-3)."""

    code = "DAV-002"
    why = "below K rows every content is still possible"
    fix = "ask more members for their rows; those of any third of the stake are enough"

    @property
    def id(self) -> str:
        return "DA-3"


class BadEncoding(ChiaroError):
    """The uploader's rows are no encoding of anything: the batch is ⊥ for every reader (DA-5).

    Attributes:
        evidence: rows with proofs that show it to anybody.
    """

    code = "DAV-003"
    exit_code = 1
    why = "different rows would give different readers different content"
    fix = "treat the batch as empty; the evidence shows the uploader's fault to anybody"

    def __init__(self, message: str, evidence: Evidence, *, where: str = "") -> None:
        super().__init__(message, where=where)
        self.evidence = evidence

    @property
    def id(self) -> str:
        return "DA-5"


class NotAvailable(NodeError):
    """Sampled rows are missing, more of them than may be (DA-20).

    Attributes:
        missing: indices of the rows that were not served, or not proved.
    """

    code = "DAV-004"
    why = "rows that nobody serves may be all that was left out to make the batch unreadable"
    fix = "ask other members, later or with a new seed; do not rely on the batch before"

    def __init__(self, message: str, missing: tuple[int, ...], *, where: str = "") -> None:
        super().__init__(message, where=where)
        self.missing = missing

    @property
    def id(self) -> str:
        return "DA-20"
