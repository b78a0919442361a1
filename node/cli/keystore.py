"""Wallet files: one folder a wallet, the secret under a password, the viewing key beside it.

    wallets/NAME/keystore.json     0600; secret: Argon2id → ChaCha20-Poly1305
    wallets/NAME/wallet.sqlite     scanned notes and the log of operations (`node.cli.wallet_db`)

The 32 bytes of entropy behind the 24 words are what is encrypted. The viewing key is kept in the
clear so that balances need no password: whoever reads the file sees amounts, but cannot spend.
A view-only wallet has no secret at all. The clear fields are authenticated with the secret, so a
viewing key that was swapped is noticed when the wallet is unlocked.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from node.cli.session import Places, write_private
from zk import jsontext
from zk.errors import ChiaroError

VERSION: Final = 1
ENTROPY_BYTES: Final = 32
MIN_PASSWORD: Final = 8
KINDS: Final = ("spending", "full", "incoming", "outgoing")

# Argon2id: RFC 9106's second recommendation (64 MiB, 3 passes), about 0.2 s.
_ITERATIONS: Final = 3
_LANES: Final = 4
_MEMORY_KIB: Final = 64 * 1024
_MAX_MEMORY_KIB: Final = 1024 * 1024
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class WalletError(ChiaroError):
    """A wallet that is missing, exists already, or whose file is damaged."""

    code = "KST-001"
    exit_code = 3
    why = "a wallet file is the only place where its key lies"
    fix = "`chiaro wallet list` shows the wallets; `chiaro wallet restore` makes one from its words"


class NoSuchWallet(WalletError):
    """No wallet of that name."""

    code = "KST-002"
    exit_code = 1
    why = "without a wallet there is nothing to look at or to spend"
    fix = "make one with `chiaro init`, or list them with `chiaro wallet list`"


class WalletExists(WalletError):
    """A wallet of that name is there already; it is never overwritten."""

    code = "KST-003"
    exit_code = 5
    why = "overwriting a wallet destroys its key"
    fix = "choose another name"


class Locked(WalletError):
    """The password is missing or wrong."""

    code = "KST-004"
    exit_code = 4
    why = "the spending key stays encrypted without it"
    fix = "type the password, or name a file that holds it with `--password-file`"


class ViewOnly(WalletError):
    """A wallet that can see but not spend."""

    code = "KST-005"
    exit_code = 5
    why = "this wallet was made from a viewing key; the spending key is elsewhere"
    fix = "use the wallet that holds the words: `chiaro wallet list`"


class BadWords(WalletError):
    """Words that are not a BIP-39 phrase of 24 words."""

    code = "KST-006"
    exit_code = 3
    why = "one wrong word would restore another, empty wallet"
    fix = "check spelling and order against your paper; the last word holds a checksum"


@dataclass(frozen=True, slots=True)
class Keystore:
    """What the file holds.

    Attributes:
        name: of the wallet.
        kind: `spending`, or which viewing key a view-only wallet was made from.
        profile: whose chain it belongs to.
        viewing_key: Bech32m text; in the clear.
        account: hex of the transparent account's public key; empty for a view-only wallet.
        birthday: height before which no note of this wallet can exist.
        secret: salt, nonce and ciphertext, or None.
    """

    name: str
    kind: str
    profile: str
    viewing_key: str
    account: str
    birthday: int
    secret: dict[str, Any] | None

    def __repr__(self) -> str:
        return f"Keystore({self.name!r}, {self.kind!r}, {self.profile!r}, …)"


def check_name(name: str) -> str:
    """A wallet's name: lower case, digits, `-`, `_`; at most 32 characters."""
    if not _NAME.fullmatch(name):
        raise WalletError(
            f"not a wallet name: {name!r}",
            why="the name becomes a folder",
            fix="use a-z, 0-9, - and _, at most 32 characters",
        )
    return name


def folder(places: Places, name: str) -> Path:
    """Folder of one wallet."""
    return places.wallets / check_name(name)


def names(places: Places) -> list[str]:
    """All wallets, sorted."""
    if not places.wallets.is_dir():
        return []
    return sorted(item.parent.name for item in places.wallets.glob("*/keystore.json"))


def new_entropy() -> bytes:
    """32 bytes from the operating system."""
    return secrets.token_bytes(ENTROPY_BYTES)


def to_words(entropy: bytes) -> list[str]:
    """Entropy → 24 English words (BIP-39)."""
    from mnemonic import Mnemonic

    return str(Mnemonic("english").to_mnemonic(entropy)).split()


def from_words(text: str) -> bytes:
    """24 words → entropy.

    Raises:
        BadWords: wrong count, an unknown word (named by position only), or a wrong checksum.
    """
    from mnemonic import Mnemonic

    language = Mnemonic("english")
    words = text.lower().split()
    if len(words) != 24:
        raise BadWords(f"expected 24 words, got {len(words)}")
    unknown = [i + 1 for i, word in enumerate(words) if word not in language.wordlist]
    if unknown:
        raise BadWords(f"not in the word list: word {', '.join(map(str, unknown))}")
    try:
        return bytes(language.to_entropy(words))
    except ValueError:
        raise BadWords("the checksum does not fit: a word is wrong or out of place") from None


def seed_of(entropy: bytes) -> bytes:
    """The 64-byte BIP-39 seed from which all keys derive; no passphrase."""
    from mnemonic import Mnemonic

    return bytes(Mnemonic.to_seed(" ".join(to_words(entropy)), ""))


def _derive(password: str, salt: bytes, iterations: int, lanes: int, memory: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    kdf = Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory)
    return bytes(kdf.derive(password.encode()))


def _associated(keystore: Keystore) -> bytes:
    clear = [keystore.kind, keystore.profile, keystore.viewing_key, keystore.account]
    return json.dumps(clear).encode()


def check_password(password: str) -> str:
    """Refuse a password too short to mean anything."""
    if len(password) < MIN_PASSWORD:
        raise Locked(f"the password has fewer than {MIN_PASSWORD} characters")
    return password


def encrypt(keystore: Keystore, entropy: bytes, password: str) -> Keystore:
    """The keystore with `entropy` under `password`."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    key = _derive(check_password(password), salt, _ITERATIONS, _LANES, _MEMORY_KIB)
    sealed = ChaCha20Poly1305(key).encrypt(nonce, entropy, _associated(keystore))
    secret = {
        "kdf": "argon2id",
        "iterations": _ITERATIONS,
        "lanes": _LANES,
        "memory_kib": _MEMORY_KIB,
        "salt": salt.hex(),
        "cipher": "chacha20-poly1305",
        "nonce": nonce.hex(),
        "ciphertext": sealed.hex(),
    }
    return Keystore(
        keystore.name,
        keystore.kind,
        keystore.profile,
        keystore.viewing_key,
        keystore.account,
        keystore.birthday,
        secret,
    )


def decrypt(keystore: Keystore, password: str) -> bytes:
    """The entropy.

    Raises:
        ViewOnly: there is no secret in this wallet.
        Locked: wrong password, or the file's clear fields were changed.
        WalletError: the secret's fields are malformed.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    if keystore.secret is None:
        raise ViewOnly(f"wallet {keystore.name} is view-only")
    secret = keystore.secret
    try:
        salt, nonce, sealed = (bytes.fromhex(secret[k]) for k in ("salt", "nonce", "ciphertext"))
        cost = (int(secret["iterations"]), int(secret["lanes"]), int(secret["memory_kib"]))
        if (secret["kdf"], secret["cipher"]) != ("argon2id", "chacha20-poly1305"):
            raise ValueError
        # A tampered file must not make the wallet allocate without bound.
        if not (1 <= cost[0] <= 64 and 1 <= cost[1] <= 64 and 8 <= cost[2] <= _MAX_MEMORY_KIB):
            raise ValueError
        key = _derive(password, salt, *cost)
        return bytes(ChaCha20Poly1305(key).decrypt(nonce, sealed, _associated(keystore)))
    except InvalidTag:
        raise Locked("wrong password, or the wallet file was changed") from None
    except (ValueError, KeyError, TypeError):
        raise WalletError(f"the keystore of wallet {keystore.name} is damaged") from None


def save(places: Places, keystore: Keystore, *, replace: bool = False) -> Path:
    """Write the file, mode 0600, atomically.

    Raises:
        WalletExists: unless `replace` (a changed password).
    """
    path = folder(places, keystore.name) / "keystore.json"
    if path.exists() and not replace:
        raise WalletExists(f"wallet {keystore.name} exists", where=str(path))
    document = {
        "version": VERSION,
        "kind": keystore.kind,
        "profile": keystore.profile,
        "viewing_key": keystore.viewing_key,
        "account": keystore.account,
        "birthday": keystore.birthday,
        "secret": keystore.secret,
    }
    write_private(path, json.dumps(document, indent=1).encode())
    return path


def load(places: Places, name: str) -> Keystore:
    """Read a wallet's file.

    Raises:
        NoSuchWallet: none of that name.
        WalletError: the file is damaged or of another version.
    """
    path = folder(places, name) / "keystore.json"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NoSuchWallet(f"no wallet named {name}", where=str(path.parent)) from None
    return parse(name, data, where=str(path))


def parse(name: str, data: bytes, *, where: str) -> Keystore:
    """A wallet file's content, of a wallet or of its backup.

    Raises:
        WalletError: damaged, or of another version.
    """
    try:
        return _parse(name, jsontext.loads(data))
    except (ValueError, KeyError, TypeError):
        raise WalletError(f"the keystore of wallet {name} is damaged", where=where) from None


def _parse(name: str, document: dict[str, Any]) -> Keystore:
    """The file's document; ValueError, KeyError or TypeError when it is not one."""
    texts = [document[key] for key in ("kind", "profile", "viewing_key", "account")]
    birthday, secret = document["birthday"], document["secret"]
    if (
        document["version"] != VERSION
        or not all(isinstance(text, str) for text in texts)
        or texts[0] not in KINDS
        or not isinstance(birthday, int)
        or not isinstance(secret, (dict, type(None)))
    ):
        raise ValueError("not a keystore")
    kind, profile, viewing_key, account = texts
    return Keystore(name, kind, profile, viewing_key, account, birthday, secret)
