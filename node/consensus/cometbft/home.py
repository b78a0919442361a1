"""CometBFT's folder: keys, genesis and configuration, made from ours.

    abci.sock, rpc.sock               sockets; its RPC is on no network, unless that is asked for
    config/genesis.json, config.toml  of the chain and of this node
    config/priv_validator_key.json    the validator's consensus key, again; private
    config/node_key.json              of its peers' encryption; private
    data/                             blocks, votes, write-ahead log: CometBFT's own

One key signs two kinds of message, which never have one length: votes are of more than 32 bytes,
digests of the sealed lane of exactly 32.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.consensus.cometbft import mapping
from node.core.block import MAX_TX_BYTES
from node.core.errors import ConsensusFault
from node.core.genesis import Genesis
from node.core.place import is_place
from zk import files, tomltext
from zk.errors import DecodeError

VERSION: Final = "v0.38.25"
ABCI_SOCKET: Final = "abci.sock"
RPC_SOCKET: Final = "rpc.sock"
CONFIG_FILE: Final = "config.toml"
BUILT: Final = Path(".cache/cometbft") / VERSION / "cometbft"
"""Where `make cometbft` puts it, in a checkout."""
_PEER: Final = re.compile(r"[0-9a-f]{40}@\S{3,320}")
MEMPOOL_TXS: Final = 5000
"""Of CometBFT's, which asks about each of them again after every block and answers nothing else
meanwhile. Ours has fewer, so what ours takes finds a place."""
MEMPOOL_BYTES: Final = 32 * 1024 * 1024
RECHECK: Final = "1s"
"""After that it goes on with what was asked so far: a slow answer delays no proposal for longer."""
_ENVELOPE: Final = 64
_HOUR_NS: Final = 3600 * 10**9


def binary() -> Path | None:
    """CometBFT, on PATH or where `make cometbft` puts it; None: neither."""
    found = shutil.which("cometbft")
    if found is not None:
        return Path(found)
    built = Path(__file__).resolve().parents[3] / BUILT
    return built if built.is_file() else None


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a round waits, in milliseconds.

    Attributes:
        propose: for a proposal.
        vote: for more votes than are needed, in each of the two steps.
        more: what each further round waits longer.
    """

    propose: int = 3000
    vote: int = 1000
    more: int = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node's CometBFT listens.

    Attributes:
        node: seed of its node key, 32 bytes.
        address: host and port, for its peers.
    """

    node: bytes
    address: str

    @property
    def peer(self) -> str:
        """As others name it."""
        return f"{mapping.address_of(_public(self.node)).hex()}@{self.address}"

    def __repr__(self) -> str:
        return f"Place({self.peer})"


@dataclass(frozen=True, slots=True)
class StateSync:
    """Whom to begin from in place of genesis.

    Attributes:
        servers: RPC of the CometBFT of others, as URLs; light blocks come from them.
        height: of a header that is trusted.
        hash: of that header, 32 bytes.
    """

    servers: tuple[str, ...]
    height: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Network:
    """How a node's CometBFT meets others, where they are on other machines.  CH-58.

    Attributes:
        peers: `ID@HOST:PORT`, connected to for good.
        private: ids among them that are told to nobody, and connected however many others are: a
            sentry's validator.
        exchange: tell peers of other peers, and be told; a validator behind sentries does not.
        external: `HOST:PORT` that others are told; empty: where it listens.
        rpc: `HOST:PORT` where CometBFT's RPC is served as well, for the light clients of those who
            join; empty: on no network.
        sync: begin with a snapshot of others, and not with genesis.

    Raises:
        DecodeError: CH-58.
    """

    peers: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    exchange: bool = False
    external: str = ""
    rpc: str = ""
    sync: StateSync | None = None

    def __post_init__(self) -> None:
        for peer in self.peers:
            check_peer(peer)
        for address in (self.external, self.rpc):
            if address:
                check_address(address)
        unknown = set(self.private) - {peer.partition("@")[0] for peer in self.peers}
        if unknown:
            raise DecodeError(
                f"CH-58: {min(unknown)[:64]} is private, and no peer",
                where="private",
                why="a node keeps quiet about peers that it has",
                fix="name it as a peer, too",
            )


def check_peer(text: str) -> None:
    """CH-58: `ID@HOST:PORT`, as `chiaro node init` prints it.

    Raises:
        DecodeError: CH-58.
    """
    if not _PEER.fullmatch(text):
        raise DecodeError(
            f"CH-58: {text[:96]!r} is no peer",
            where="peer",
            why="what stands here goes into CometBFT's configuration",
            fix="write ID@HOST:PORT, the id in 40 hexadecimal digits; its operator has it",
        )
    check_address(text.partition("@")[2])


def check_address(text: str) -> None:
    """CH-58: `HOST:PORT`.

    Raises:
        DecodeError: CH-58.
    """
    if not is_place(text, least=1):
        raise DecodeError(f"CH-58: {text[:96]!r} is no HOST:PORT", where="address")


def make(
    folder: Path,
    genesis: Genesis,
    seed: bytes | None,
    place: Place,
    peers: Sequence[Place] = (),
    timing: Timing | None = None,
    network: Network | None = None,
) -> None:
    """Make CometBFT's folder of one node of the chain.

    Args:
        folder: new.
        genesis: of the chain.
        seed: of the validator's consensus key, 32 bytes; None: a node that does not vote.
        place: its own.
        peers: others', who are connected to for good.
        timing: of rounds; the pause between blocks is the chain's `block_time_ms`.
        network: the same of other machines, and what they are told.
    """
    for part in (folder / "config", folder / "data"):
        files.make_private_folder(part)
    own = Ed25519PrivateKey.generate().private_bytes_raw() if seed is None else seed
    config = folder / "config"
    _write_json(config / "genesis.json", genesis_document(genesis))
    _write_json(config / "priv_validator_key.json", _key_document(own), private=True)
    _write_json(config / "node_key.json", {"priv_key": _secret(place.node)}, private=True)
    _write_json(
        folder / "data" / "priv_validator_state.json", {"height": "0", "round": 0, "step": 0}
    )
    met = network or Network()
    met = replace(met, peers=(*(peer.peer for peer in peers), *met.peers))
    text = _config(folder.resolve(), genesis, place, met, timing or Timing())
    files.write(config / CONFIG_FILE, text.encode())


def syncs(folder: Path) -> bool:
    """Whether this CometBFT begins with a snapshot, if it has no blocks yet.

    Raises:
        ConsensusFault: the configuration cannot be read.
    """
    path = folder / "config" / CONFIG_FILE
    try:
        document = tomltext.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConsensusFault(
            "CometBFT's configuration cannot be read",
            where=str(path),
            why=type(error).__name__,
            fix="make the engine's folder again",
        ) from error
    section = document.get("statesync")
    return isinstance(section, dict) and section.get("enable") is True


def _text(value: str) -> str:
    """As TOML has it: folders may have any name."""
    return json.dumps(value, ensure_ascii=False)


def genesis_document(genesis: Genesis) -> dict[str, Any]:
    """CometBFT's genesis of the chain: the same on every node (CH-38)."""
    seconds, ms = divmod(genesis.time_ms, 1000)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "genesis_time": f"{moment}.{ms:03d}Z",
        "chain_id": mapping.engine_chain_id(genesis),
        "initial_height": "1",
        "consensus_params": {
            "block": {"max_bytes": str(mapping.block_bytes(genesis)), "max_gas": "-1"},
            "evidence": {
                "max_age_num_blocks": str(mapping.MAX_AGE_BLOCKS),
                "max_age_duration": str(mapping.MAX_AGE_HOURS * _HOUR_NS),
                "max_bytes": str(mapping.EVIDENCE_BYTES),
            },
            "validator": {"pub_key_types": [mapping.KEY_TYPE]},
            "version": {"app": str(mapping.APP_VERSION)},
            "abci": {"vote_extensions_enable_height": "1"},
        },
        "validators": [
            {
                "address": mapping.address_of(key).hex().upper(),
                "pub_key": _key("PubKey", key),
                "power": str(power),
                "name": "",
            }
            for key, power in mapping.powers(genesis).items()
        ],
        "app_hash": "",
        "app_state": mapping.app_state(genesis),
    }


def _config(folder: Path, genesis: Genesis, place: Place, network: Network, timing: Timing) -> str:
    """What differs from CometBFT's defaults."""
    limits = genesis.parameters
    private = ",".join(network.private)
    served = f"unix://{folder / RPC_SOCKET}" + (f",tcp://{network.rpc}" if network.rpc else "")
    return f"""\
proxy_app = {_text(f"unix://{folder / ABCI_SOCKET}")}
moniker = "chiaro"

[rpc]
laddr = {_text(served)}

[p2p]
laddr = "tcp://{place.address}"
external_address = "{network.external}"
persistent_peers = "{",".join(network.peers)}"
private_peer_ids = "{private}"
unconditional_peer_ids = "{private}"
pex = {str(network.exchange).lower()}
addr_book_strict = false
allow_duplicate_ip = true

[mempool]
size = {MEMPOOL_TXS}
max_txs_bytes = {MEMPOOL_BYTES}
recheck = true
recheck_timeout = "{RECHECK}"
max_tx_bytes = {min(limits.max_tx_bytes, MAX_TX_BYTES) + _ENVELOPE}

[consensus]
timeout_propose = "{timing.propose}ms"
timeout_propose_delta = "{timing.more}ms"
timeout_prevote = "{timing.vote}ms"
timeout_prevote_delta = "{timing.more}ms"
timeout_precommit = "{timing.vote}ms"
timeout_precommit_delta = "{timing.more}ms"
timeout_commit = "{max(limits.block_time_ms, 1)}ms"

[tx_index]
indexer = "null"
""" + ("" if network.sync is None else _state_sync(folder, network.sync))


def _state_sync(folder: Path, sync: StateSync) -> str:
    """The light client wants two servers; one that is alone is its own witness."""
    servers = sync.servers if len(sync.servers) > 1 else sync.servers * 2
    return f"""
[statesync]
enable = true
rpc_servers = {_text(",".join(servers))}
trust_height = {sync.height}
trust_hash = "{sync.hash.hex().upper()}"
trust_period = "{mapping.TRUSTED_HOURS}h0m0s"
discovery_time = "5s"
temp_dir = {_text(str(folder / "data"))}
"""


def _public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _key(kind: str, data: bytes) -> dict[str, str]:
    return {"type": f"tendermint/{kind}Ed25519", "value": base64.b64encode(data).decode()}


def _secret(seed: bytes) -> dict[str, str]:
    return _key("PrivKey", seed + _public(seed))


def _key_document(seed: bytes) -> dict[str, Any]:
    public = _public(seed)
    return {
        "address": mapping.address_of(public).hex().upper(),
        "pub_key": _key("PubKey", public),
        "priv_key": _secret(seed),
    }


def _write_json(path: Path, document: object, *, private: bool = False) -> None:
    mode = files.PRIVATE if private else files.ORDINARY
    files.write(path, json.dumps(document, indent=2).encode() + b"\n", mode=mode, durable=private)
