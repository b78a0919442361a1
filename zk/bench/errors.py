"""What can go wrong with a measurement."""

from __future__ import annotations

from zk.errors import ChiaroError


class BenchError(ChiaroError):
    """A measurement that cannot be made as asked."""

    code = "BEN-001"
    exit_code = 2
    why = "a figure that was measured otherwise than asked would mislead"
    fix = "see `chiaro bench list` for works, sizes, backends and peers"


class PeerMissing(BenchError):
    """A peer that is not installed here."""

    code = "BEN-002"
    why = "a comparison needs the other program on the same machine, in the same run"
    fix = "build the peers with `make peers` (snarkjs: `make oracles`), or name your own: --peer"


class PeerFailed(BenchError):
    """A peer that died, fell silent, or does not speak the protocol."""

    code = "BEN-003"
    exit_code = 6
    why = "its times cannot be trusted"
    fix = "run the peer by hand: it reads one JSON object a line (docs/bench.md)"


class PeerRefused(BenchError):
    """A peer that answered with an error: it does not do this work, size or number of threads."""

    code = "BEN-004"
    exit_code = 2
    why = "this row has no comparison"
    fix = "leave the peer out of --compare for this work"


class ResultsMalformed(BenchError):
    """A file that is not a result file of this schema."""

    code = "BEN-005"
    exit_code = 3
    why = "figures are only compared with figures that were measured the same way"
    fix = "write the file with `chiaro bench run … --out FILE`"


class OutputsDiffer(BenchError):
    """Two programs, or two runs of one, gave different answers to the same question."""

    code = "BEN-006"
    exit_code = 1
    why = "the time of a wrong answer is no measurement"
    fix = "find out which one is wrong before measuring"
