"""Wallets on disk: making them, opening them, unlocking them. No questions and no printing here."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.cli import keystore
from node.cli.keystore import Keystore, NoSuchWallet, ViewOnly, WalletError
from node.cli.session import Places, Session
from node.cli.wallet_db import WalletDb
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from node.rpc.client import NodeClient
    from shielded.keys import FullViewingKey, SpendingKey, ViewingKey
    from shielded.wallet import WalletState
    from transparent.signature import SigningKey

DEFAULT_NAME: Final = "main"
LOCK_FILE: Final = "lock"
LOCK_SECONDS: Final = 3.0
_BIRTHDAY_TREE: Final = "birthday_tree"
_ADDRESSES: Final = "addresses"
_NETWORK: Final = re.compile(r"[a-z0-9]{1,16}")


class WalletBusy(ChiaroError):
    """Another command has this wallet open."""

    code = "WOP-001"
    exit_code = 5
    why = "two commands at once could spend the same notes"
    fix = "wait for the other command (a proof, a `sync --watch`) or stop it"


class WrongProfile(ChiaroError):
    """A wallet of another profile's chain."""

    code = "WOP-002"
    exit_code = 5
    why = "a wallet belongs to one kind of chain; its addresses carry the name"
    fix = "choose the profile or the wallet: `--profile NAME`, `--wallet NAME`"


class WrongViewingKey(ChiaroError):
    """Text that is no viewing key of this network, or a damaged one."""

    code = "WOP-020"
    exit_code = 3
    why = "a wallet made of a wrong key would show nothing, or another person's payments"
    fix = "ask for the viewing key again, whole: `chiaro wallet viewkey export` writes it"


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What an unlocked wallet can sign with."""

    spending: SpendingKey
    signing: SigningKey

    def __repr__(self) -> str:
        return "<Secrets: hidden>"


@dataclass(slots=True, repr=False)
class Wallet:
    """An open wallet; its lock is held and its database open.

    Attributes:
        keystore: what the file says.
        key: the viewing key.
        db: scanned state and operations.
        state: what was scanned.
    """

    keystore: Keystore
    key: ViewingKey
    db: WalletDb
    state: WalletState

    def __repr__(self) -> str:
        return f"<Wallet: {self.keystore.name}>"

    @property
    def network(self) -> str:
        return self.keystore.profile

    @property
    def account(self) -> bytes:
        """The transparent account, 32 bytes.

        Raises:
            ViewOnly: made from a viewing key, it has none.
        """
        if not self.keystore.account:
            raise ViewOnly(f"wallet {self.keystore.name} is view-only and has no account")
        return bytes.fromhex(self.keystore.account)

    @property
    def full_key(self) -> FullViewingKey:
        """The full viewing key. Raises ViewOnly for the lesser ones."""
        from shielded.keys import FullViewingKey

        if not isinstance(self.key, FullViewingKey):
            raise ViewOnly(f"wallet {self.keystore.name} holds only an incoming or outgoing key")
        return self.key

    @property
    def addresses(self) -> int:
        """How many addresses were handed out."""
        return int(self.db.get(_ADDRESSES) or b"1")

    def new_address(self) -> int:
        """Index of the next address."""
        index = self.addresses
        self.db.put(_ADDRESSES, str(index + 1).encode())
        return index

    def save(self) -> None:
        """Write the scanned state."""
        from shielded import wallet_json

        self.db.save_state(wallet_json.encode(self.state))


def choose(session: Session, name: str | None = None) -> str:
    """The wallet meant: named, configured, the only one, or `main`.

    Raises:
        NoSuchWallet: there is none, or several and none chosen.
    """
    chosen = name or session.wallet
    if chosen:
        return keystore.check_name(chosen)
    found = keystore.names(session.places)
    if len(found) == 1 or DEFAULT_NAME in found:
        return found[0] if len(found) == 1 else DEFAULT_NAME
    if not found:
        raise NoSuchWallet("there is no wallet yet", where=str(session.places.wallets))
    raise NoSuchWallet(
        f"several wallets and none chosen: {', '.join(found)}",
        fix="name one with `--wallet NAME`, or `chiaro wallet use NAME`",
    )


@contextmanager
def locked(places: Places, name: str, timeout: float | None = None) -> Iterator[Path]:
    """Hold a wallet's lock; waits `timeout` seconds for it, by default LOCK_SECONDS.

    Raises:
        NoSuchWallet: none of that name.
        WalletBusy: another process holds it.
    """
    from filelock import FileLock, Timeout

    folder = keystore.folder(places, name)
    if not (folder / "keystore.json").exists():
        keystore.load(places, name)  # says what is wrong
    lock = FileLock(folder / LOCK_FILE, mode=0o600)
    try:
        lock.acquire(timeout=LOCK_SECONDS if timeout is None else timeout)
    except Timeout:
        raise WalletBusy(f"wallet {name} is in use by another command") from None
    try:
        yield folder
    finally:
        lock.release()


@contextmanager
def opened(
    places: Places, name: str, *, profile: str | None = None, timeout: float | None = None
) -> Iterator[Wallet]:
    """Open a wallet under its lock.

    Raises:
        NoSuchWallet, WalletError: missing or damaged.
        WalletBusy: in use.
        WrongProfile: it is of another profile.
    """
    with locked(places, name, timeout) as folder:
        stored = keystore.load(places, name)
        if profile is not None and stored.profile != profile:
            raise WrongProfile(f"wallet {name} is of profile {stored.profile}, not {profile}")
        db = WalletDb(folder)
        try:
            key = viewing_key(stored)
            yield Wallet(stored, key, db, load_state(db, key))
        finally:
            db.close()


def viewing_key(stored: Keystore) -> ViewingKey:
    """The viewing key in a keystore file."""
    from shielded.keys import decode_viewing_key

    return decode_viewing_key(stored.viewing_key, stored.profile)


def load_state(db: WalletDb, key: ViewingKey) -> WalletState:
    """What was scanned so far, or a new state at the wallet's birthday.

    Raises:
        DecodeError, DigestMismatch: the stored state is damaged or of another key.
    """
    from shielded import wallet_json

    document = db.load_state()
    return fresh_state(db, key) if document is None else wallet_json.decode(key, document)


def fresh_state(db: WalletDb, key: ViewingKey) -> WalletState:
    """An empty state at the birthday, whose note tree was stored with it; else at genesis."""
    from shielded.tree import NoteTree
    from shielded.wallet import WalletState

    stored = db.get(_BIRTHDAY_TREE)
    if stored is None:
        return WalletState(key)
    height = int.from_bytes(stored[:8], "little")
    return WalletState(key, birthday=height, tree=NoteTree.from_bytes(stored[8:]))


def check_spends(stored: Keystore, doing: str = "cannot spend", fix: str | None = None) -> None:
    """Refuse a view-only wallet, before anything is fetched or asked.

    Raises:
        ViewOnly: there is no spending key.
    """
    if stored.secret is None:
        raise ViewOnly(f"wallet {stored.name} is view-only ({stored.kind}): it {doing}", fix=fix)


def unlock(wallet: Wallet, password: str) -> Secrets:
    """Decrypt the secret and derive the keys.

    Raises:
        Locked: wrong password.
        ViewOnly: nothing to unlock.
        WalletError: the secret is of another viewing key than the file shows.
    """
    return secrets_of(wallet.keystore, keystore.decrypt(wallet.keystore, password))


def secrets_of(stored: Keystore, entropy: bytes) -> Secrets:
    """Keys of an entropy, compared with what the keystore shows in the clear."""
    found = derive(entropy)
    encoded = found.spending.full_viewing_key.encode(stored.profile)
    if (encoded, found.signing.account.hex()) != (stored.viewing_key, stored.account):
        raise WalletError(f"the keystore of wallet {stored.name} is damaged")
    return found


def derive(entropy: bytes) -> Secrets:
    """Spending key and account key of 32 bytes of entropy."""
    from shielded.keys import SpendingKey
    from transparent.signature import SigningKey

    seed = keystore.seed_of(entropy)
    return Secrets(SpendingKey.from_seed(seed), SigningKey.from_seed(seed))


def create(
    places: Places,
    name: str,
    profile: str,
    entropy: bytes,
    password: str,
    *,
    birthday: Birthday | None = None,
) -> Keystore:
    """Write a new spending wallet.

    Args:
        places: where.
        name: of the wallet.
        profile: whose chain it belongs to; the network in its addresses.
        entropy: 32 bytes (`keystore.new_entropy`, `keystore.from_words`).
        password: at least eight characters.
        birthday: where scanning starts (`birthday_at`); None: at genesis, which is always right.

    Raises:
        WalletExists: never overwritten.
        Locked: the password is too short.
    """
    found = derive(entropy)
    clear = Keystore(
        name=keystore.check_name(name),
        kind="spending",
        profile=profile,
        viewing_key=found.spending.full_viewing_key.encode(profile),
        account=found.signing.account.hex(),
        birthday=0 if birthday is None else birthday.height,
        secret=None,
    )
    stored = keystore.encrypt(clear, entropy, password)
    _store(places, stored, birthday)
    return stored


def create_view_only(
    places: Places, name: str, profile: str, text: str, *, birthday: Birthday | None = None
) -> Keystore:
    """Write a wallet that sees and does not spend.

    Raises:
        WrongViewingKey: not a viewing key of this network.
        WalletExists: never overwritten.
    """
    from shielded.viewing import view_of

    key = read_viewing_key(text, profile)
    kind = str(view_of(key))
    height = 0 if birthday is None else birthday.height
    stored = Keystore(
        keystore.check_name(name), kind, profile, key.encode(profile), "", height, None
    )
    _store(places, stored, birthday)
    return stored


def read_viewing_key(text: str, network: str) -> ViewingKey:
    """A viewing key of `network`, or an error that says what the text is instead; never the text.

    Raises:
        WrongViewingKey.
    """
    from shielded.keys import decode_viewing_key

    stripped = text.strip()
    try:
        return decode_viewing_key(stripped, network)
    except ChiaroError as error:
        raise WrongViewingKey(_what_is(stripped, network) or error.message) from error


def _what_is(text: str, network: str) -> str:
    """A guess at the mistake, from the form alone; empty where there is none."""
    purpose, _, rest = text.lower().partition("_")
    other = rest.partition("1")[0]
    if purpose == "chiaro" and rest:
        return "this is an address, which shows nothing; a viewing key is needed"
    if purpose in {"chiarofvk", "chiaroivk", "chiaroovk"} and other != network:
        return (
            f"this viewing key belongs to another network, the wallet would be of {network!r}"
            if not _NETWORK.fullmatch(other)
            else f"this viewing key belongs to network {other!r}, the wallet to {network!r}"
        )
    if len(text.split()) > 1:
        return "this is more than one word; a viewing key is one (the 24 words restore a wallet)"
    return ""


@dataclass(frozen=True, slots=True)
class Birthday:
    """A height before which a wallet has no notes, and the note tree there."""

    height: int
    tree: bytes
    chain_id: bytes


def birthday_at(client: NodeClient, height: int | None = None) -> Birthday:
    """A birthday at the tip, or at a recent height, checked against the node's anchor there.

    Raises:
        NotFound: the node no longer keeps that height's tree.
        BadAnswer: the tree does not lead to the anchor.
    """
    from node.rpc.errors import BadAnswer
    from node.rpc.text import bytes_of, element_of
    from shielded.tree import NoteTree

    status, view = client.status(), client.anchor(height)
    tree = NoteTree.from_bytes(bytes_of(view.tree))
    if tree.root != element_of(view.anchor):
        raise BadAnswer("the note tree does not lead to its anchor", where=f"height {view.height}")
    return Birthday(view.height, tree.to_bytes(), bytes_of(status.chain_id, 32))


def _store(places: Places, stored: Keystore, birthday: Birthday | None) -> None:
    folder = keystore.folder(places, stored.name)
    keystore.save(places, stored)
    if birthday is not None:
        db = WalletDb(folder)
        try:
            with db.transaction():
                db.put(_BIRTHDAY_TREE, birthday.height.to_bytes(8, "little") + birthday.tree)
                db.put("chain_id", birthday.chain_id)
        finally:
            db.close()


def change_password(places: Places, name: str, old: str, new: str) -> None:
    """Encrypt the secret under another password; the old file is replaced in one step.

    Raises:
        Locked: the old password is wrong, or the new one too short.
        ViewOnly: there is no secret.
    """
    with locked(places, name):
        stored = keystore.load(places, name)
        entropy = keystore.decrypt(stored, old)
        keystore.save(
            places, keystore.encrypt(replace(stored, secret=None), entropy, new), replace=True
        )


def remove(places: Places, name: str) -> None:
    """Delete a wallet's folder.

    Raises:
        NoSuchWallet: none of that name.
        WalletBusy: in use.
    """
    with locked(places, name) as folder:
        trash = places.data / f".removed-{name}"
        shutil.rmtree(trash, ignore_errors=True)
        # Renamed first: a removal that is interrupted leaves no half of a wallet under its name.
        folder.rename(trash)
    shutil.rmtree(trash, ignore_errors=True)
