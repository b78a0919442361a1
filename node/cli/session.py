"""What one invocation knows: flags, configuration, places on disk.

Global flags may stand anywhere on the command line, before or after the command, so that
`chiaro balance --json` and `chiaro --json balance` are the same. Precedence:

    flag  >  environment CHIARO_*  >  ./chiaro.toml  >  <config>/config.toml
          >  the node of this machine (<state>/node.json)  >  default
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import platformdirs

from zk import files, tomltext
from zk.errors import ChiaroError

APP: Final = "chiaro"
DEFAULT_PROFILE: Final = "dev"
DEFAULT_NODE: Final = "http://127.0.0.1:7420"

_SWITCHES: Final = {
    "--json": "json",
    "-q": "quiet",
    "--quiet": "quiet",
    "-v": "verbose",
    "--verbose": "verbose",
    "--no-color": "no_color",
    "--no-input": "no_input",
    "-y": "yes",
    "--yes": "yes",
}
_VALUES: Final = {
    "--profile": "profile",
    "--home": "home",
    "--node": "node",
    "--wallet": "wallet",
}
KEYS: Final = ("profile", "home", "node", "wallet", "holders")
"""What a configuration file may set."""

HELP: Final = (
    "Global flags, anywhere on the line: --json (one document on stdout), --profile NAME, "
    "--home DIR, --node URL, --wallet NAME, -q/--quiet, -v/--verbose, --no-color, --no-input, "
    "-y/--yes."
)


class UsageError(ChiaroError):
    """The command line itself is wrong."""

    code = "USE-001"
    exit_code = 2
    why = "the command was not run"
    fix = "see `chiaro --help`, or `chiaro COMMAND --help`"


class ConfigError(ChiaroError):
    """A configuration file that does not parse, or a value of the wrong type."""

    code = "CFG-001"
    exit_code = 2
    why = "guessing a setting could spend from the wrong wallet or on the wrong chain"
    fix = "correct the file, or remove it to use the defaults"


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of one installation; `--home` puts all of them below one folder.

    Attributes:
        config: `config.toml`.
        data: `wallets/`, `node/`: what may never be lost.
        state: operation logs, crash reports, process files.
    """

    config: Path
    data: Path
    state: Path

    @property
    def wallets(self) -> Path:
        return self.data / "wallets"

    @property
    def node(self) -> Path:
        return self.data / "node"

    @staticmethod
    def of(home: str | None) -> Places:
        if home:
            root = Path(home).expanduser().resolve()
            return Places(root, root, root / "state")
        return Places(
            Path(platformdirs.user_config_dir(APP)),
            Path(platformdirs.user_data_dir(APP)),
            Path(platformdirs.user_state_dir(APP)),
        )


@dataclass(slots=True)
class Session:
    """One invocation. Commands read it; `exit_code` and `warnings` are all they change."""

    profile: str
    node: str
    places: Places
    wallet: str | None = None
    holders: str = ""
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    interactive: bool = True
    yes: bool = False
    settings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    exit_code: int = 0
    warnings: list[str] = field(default_factory=list)


def split_flags(arguments: Sequence[str]) -> tuple[dict[str, str | bool], list[str]]:
    """Take the global flags out of a command line; everything after `--` is left alone.

    Returns:
        The flags found and the remaining arguments, in order.

    Raises:
        UsageError: a flag that needs a value has none.
    """
    flags: dict[str, str | bool] = {}
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if word == "--":
            rest += [word, *words]
        elif word in _SWITCHES:
            flags[_SWITCHES[word]] = True
        elif name in _VALUES:
            given = value if equals else next(words, None)
            if not given or given.startswith("--"):
                raise UsageError(f"{name} needs a value")
            flags[_VALUES[name]] = given
        else:
            rest.append(word)
    return flags, rest


def load_toml(path: Path) -> dict[str, str]:
    """A configuration file as a flat table; empty when there is none.

    Raises:
        ConfigError: not TOML, an unknown setting, or a value that is not a string.
    """
    if not path.is_file():
        return {}
    try:
        document = tomltext.loads(path.read_bytes())
    except ValueError as error:
        raise ConfigError(f"not a TOML file: {error}", where=str(path)) from None
    for key, value in document.items():
        if key not in KEYS:
            raise ConfigError(f"unknown setting {key!r}; known: {', '.join(KEYS)}", where=str(path))
        if not isinstance(value, str):
            raise ConfigError(f"setting {key!r} must be a string", where=str(path))
    return document


def open_session(flags: Mapping[str, str | bool], environ: Mapping[str, str]) -> Session:
    """Resolve flags, environment and files into a session.

    Raises:
        ConfigError: a configuration file is malformed.
    """
    settings: dict[str, tuple[str, str]] = {
        "profile": (DEFAULT_PROFILE, "default"),
        "node": (DEFAULT_NODE, "default"),
    }
    project = load_toml(Path("chiaro.toml"))
    home = flags.get("home") or environ.get("CHIARO_HOME") or project.get("home")
    places = Places.of(str(home) if home else None)
    layers = (
        local_node(places),
        (load_toml(places.config / "config.toml"), str(places.config / "config.toml")),
        (project, "./chiaro.toml"),
        (
            {k: environ[f"CHIARO_{k.upper()}"] for k in KEYS if environ.get(f"CHIARO_{k.upper()}")},
            "environment",
        ),
        ({k: str(flags[k]) for k in KEYS if k in flags}, "flag"),
    )
    for values, source in layers:
        settings.update({key: (value, source) for key, value in values.items()})
    return Session(
        profile=settings["profile"][0],
        node=settings["node"][0].rstrip("/"),
        wallet=settings.get("wallet", (None, ""))[0],
        holders=settings.get("holders", ("", ""))[0],
        places=places,
        json=bool(flags.get("json")),
        quiet=bool(flags.get("quiet")),
        verbose=bool(flags.get("verbose")),
        color=not flags.get("no_color") and "NO_COLOR" not in environ,
        interactive=not flags.get("no_input") and not flags.get("json"),
        yes=bool(flags.get("yes")),
        settings=settings,
    )


def local_node(places: Places) -> tuple[dict[str, str], str]:
    """Where the node that `chiaro up` started listens, as a layer just above the defaults."""
    file = places.state / "node.json"
    if not file.is_file():
        return {}, ""
    from node.app.process import NodeProcess

    found = NodeProcess.read(places.state)
    return ({} if found is None else {"node": found.url}), str(file)


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner can enter (0700), as any above it that is missing."""
    files.make_private_folder(path).chmod(files.PRIVATE_FOLDER)
    return path


def write_private(path: Path, data: bytes) -> None:
    """Write a file of mode 0600 atomically: a failed command leaves the old file or none."""
    private_folder(path.parent)
    files.write(path, data, mode=files.PRIVATE, durable=True)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all; its folder stays as it is.

    Raises:
        UsageError: there is something of that name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        files.write(path, data, mode=files.PRIVATE, durable=True, new=True)
    except FileExistsError:
        raise UsageError(f"{path} exists; it is not overwritten", fix="name another file") from None


def utf8(text: str, where: str) -> bytes:
    """Text from the command line as bytes. Raises UsageError: a lone surrogate is none."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise UsageError("that is no Unicode text", where=where) from None
