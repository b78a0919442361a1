"""Why a node does not start."""

from __future__ import annotations

from node.core.errors import NodeError


class BadMembersFile(NodeError):
    """The file that says where other members of the committee are cannot be used."""

    code = "APP-020"
    exit_code = 3
    why = "rows of blobs would go nowhere, and a member that nobody reaches cannot sign"
    fix = "docs/da.md has an example; without the file members are heard of on the overlay only"


class BadSettings(NodeError):
    """RPC-50 … RPC-52: settings that do not say what to do, or contradict their folder."""

    code = "APP-008"
    exit_code = 3
    why = "a setting that is passed over in silence is one that its operator relies on"
    fix = "correct the file; docs/production.md lists its keys"


class NotInstalled(NodeError):
    """RPC-15: the interpreter runs in a way in which the node must not."""

    code = "APP-001"
    exit_code = 70
    why = "`python -O` drops checks that the libraries below us rely on"
    fix = "start the node without -O, and unset PYTHONOPTIMIZE"


class ForeignGenesis(NodeError):
    """RPC-14: genesis names circuits or keys that this installation does not have."""

    code = "APP-002"
    exit_code = 8
    why = "a node that verifies other statements than its chain's would accept false proofs"
    fix = "install the version that the chain's founders name, or use another genesis"


class AlreadyRunning(NodeError):
    """RPC-16: another process works in this folder."""

    code = "APP-003"
    exit_code = 5
    why = "two nodes on one store would tear the state apart"
    fix = "use the node that runs (`chiaro status`), or stop it with `chiaro down`"


class NoNode(NodeError):
    """There is no node in this folder, or there is one where a new one was to be made."""

    code = "APP-004"
    exit_code = 5


class StartFailed(NodeError):
    """The process ended before it was ready, or does not end when told to."""

    code = "APP-005"
    exit_code = 6
    fix = "read the log that is named above"


class DiskRefused(NodeError):
    """A file that cannot be read or written, or a disk that takes no more."""

    code = "APP-009"
    exit_code = 3
    why = "a node writes each block before it says that it has it"
    fix = "make room on the disk, or correct the path and its permissions; then start it again"


class OtherRuntime(NodeError):
    """CH-56: this installation computes something else than its chain's founders did."""

    code = "APP-007"
    exit_code = 8
    why = "it would answer some block or proof otherwise than the others, and fork from them"
    fix = (
        "install the version and the libraries that the chain runs on (requirements.lock); compare "
        "`chiaro doctor --json` of both machines, `runtime`, to see which answer differs"
    )
