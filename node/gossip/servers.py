"""Which NATS servers carry the overlay, and how a node shows who it is there. Rule GO-36.

Secrets lie in files that only their owner reads, and are in no URL: addresses stand in argument
lists and logs. An nkey never leaves the machine: the server gets a signature of its own challenge.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nats.aio.client import Client
from nats.errors import Error as NatsError

from node.core.errors import NodeError
from zk.files import OpenToOthers, read_private

PORT: Final = 4222
MOST_SERVERS: Final = 16
_MOST_FILE: Final = 4096
_SEED: Final = 18 << 3
_USER: Final = 20 << 3
"""First bytes of nkeys: a seed, a user's public key."""


class BadServer(NodeError):
    """An address or a file for NATS that cannot be used."""

    code = "GOS-005"
    exit_code = 2
    why = "who can read the credentials of a node can send in its place and shut it out"
    fix = "give nats://HOST:PORT or tls://HOST:PORT, and files with mode 600 for what is secret"

    @property
    def id(self) -> str:
        return "GO-36"


@dataclass(frozen=True, slots=True)
class Files:
    """What a server asks for, each in a file.

    Attributes:
        nkey: seed of a user (`SU…`).
        login: a name and a password, a line each.
        authority: certificates that a server's must come from; None: those of the system.
        certificate, key: this node's, for servers that ask.
    """

    nkey: Path | None = None
    login: Path | None = None
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Servers:
    """Where to connect: the first that answers, in an order of each node's own.

    Attributes:
        urls: `nats://host:port` or `tls://host:port`; all of one cluster.
        files: credentials.
    """

    urls: tuple[str, ...]
    files: Files = field(default_factory=Files)

    def __post_init__(self) -> None:
        """GO-36. Raises BadServer."""
        if not 1 <= len(self.urls) <= MOST_SERVERS:
            raise BadServer(f"GO-36: {len(self.urls)} servers, not 1 to {MOST_SERVERS}")
        for url in self.urls:
            _check(url)
        if self.files.nkey is not None and self.files.login is not None:
            raise BadServer("GO-36: an nkey and a password", fix="give one of them")
        if (self.files.certificate is None) != (self.files.key is None):
            raise BadServer("GO-36: a certificate and its key come together")

    @staticmethod
    def parse(text: str, files: Files | None = None) -> Servers:
        """URLs with commas between them. Raises BadServer."""
        return Servers(tuple(item.strip() for item in text.split(",")), files or Files())

    def options(self, url: str) -> dict[str, Any]:
        """Arguments of `Connection.connect`, but for callbacks. Reads the files.

        Raises:
            BadServer: one of them cannot be used.
        """
        found: dict[str, Any] = {"servers": [url]}
        if url.startswith("tls://"):
            found["tls"] = self._context()
        if self.files.login is not None:
            lines = _private(self.files.login).split("\n")
            if len(lines) != 2 or not all(lines):
                raise BadServer("GO-36: not a name and a password", where=str(self.files.login))
            found["user"], found["password"] = lines
        return found

    def _context(self) -> ssl.SSLContext:
        files = self.files
        try:
            context = ssl.create_default_context(cafile=files.authority)
            if files.certificate is not None and files.key is not None:
                _private(files.key)
                # a key under a passphrase is refused: a process asks nobody
                context.load_cert_chain(files.certificate, files.key, password="")
        except (OSError, ssl.SSLError) as error:
            raise BadServer(
                f"GO-36: the certificates cannot be read: {error.strerror}",
                where=str(files.certificate or files.authority),
            ) from None
        return context


class Connection(Client):
    """A NATS client that signs challenges by itself and insists on the encryption it was told of.

    Args:
        servers: of which one is given to `connect`.
        url: that one.

    Raises:
        BadServer: GO-36, the nkey.
    """

    def __init__(self, servers: Servers, url: str) -> None:
        super().__init__()
        self._encrypted = url.startswith("tls://")
        self.signing: Final = None if servers.files.nkey is None else Nkey.load(servers.files.nkey)
        if self.signing is not None:
            self._public_nkey = self.signing.public

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        """GO-36: before anything is said to a server, see that it will be encrypted."""
        if self._encrypted and not info.get("tls_required"):
            raise NatsError("GO-36: the server does not encrypt, and tls:// was asked for")
        await super()._process_info(info, initial_connection)


class Nkey:
    """A user's Ed25519 key as NATS writes it. Its repr shows the public half."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        body = bytes((_USER,)) + self._key.public_key().public_bytes_raw()
        self.public: Final = base64.b32encode(body + _sum(body)).rstrip(b"=").decode()

    def __repr__(self) -> str:
        return f"<Nkey: {self.public[:16]}…>"

    def sign(self, nonce: str) -> bytes:
        """What a server's challenge is answered with."""
        return base64.b64encode(self._key.sign(nonce.encode()))

    @staticmethod
    def load(path: Path) -> Nkey:
        """From a file with the seed and a newline. Raises BadServer (GO-36)."""
        text = _private(path)
        try:
            data = base64.b32decode(text + "=" * (-len(text) % 8))
        except (binascii.Error, ValueError):
            data = b""
        body, check = data[:-2], data[-2:]
        kind = bytes((_SEED | _USER >> 5, (_USER & 31) << 3))
        if len(body) != 34 or body[:2] != kind or _sum(body) != check:
            raise BadServer("GO-36: this is no seed of a user", where=str(path))
        return Nkey(body[2:])


def _sum(body: bytes) -> bytes:
    return binascii.crc_hqx(body, 0).to_bytes(2, "little")


def _private(path: Path) -> str:
    """The text of a secret file, without the newline at its end."""
    try:
        data = read_private(path, _MOST_FILE)
    except OpenToOthers as error:
        raise BadServer(
            f"GO-36: {error.strerror}",
            where=str(path),
            fix="`chmod 600` it, and think about who may have read it",
        ) from None
    except OSError as error:
        raise BadServer(f"GO-36: cannot be read: {error.strerror}", where=str(path)) from None
    if len(data) > _MOST_FILE or not data.isascii():
        raise BadServer("GO-36: no such file has more than a few lines of text", where=str(path))
    return data.decode("ascii").removesuffix("\n")


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = PORT if parts.port is None else parts.port
    except ValueError:
        raise BadServer("GO-36: this is no address of a server") from None
    if "@" in url:
        raise BadServer(
            "GO-36: the address holds a name or a password",
            why="addresses stand in argument lists and logs",
            fix="put them in a file: --nats-login, --nats-nkey",
        )
    plain = not (parts.path or parts.query or parts.fragment)
    if parts.scheme not in {"nats", "tls"} or not parts.hostname or not plain or port < 1:
        raise BadServer("GO-36: an address is not nats://HOST:PORT or tls://HOST:PORT")
