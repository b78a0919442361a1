"""Everything that `chiaro explain` can explain: error codes and numbered rules.

Error codes come from the classes themselves, rules from the `SPEC.md` files that ship in the
packages: nothing is written twice, so nothing can drift.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, resources
from typing import Final

from zk.errors import ChiaroError

PACKAGES: Final = ("circuits", "node", "private_exec", "shielded", "transparent", "zk")
_RULE: Final = re.compile(r"^[\s#>*|\-`]*([A-Z]{2,3}-\d+)\b(.*)$")
_CLAUSE: Final = re.compile(r"^#+\s*`?(A\d)\b`?(.*)$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One code: what it is, why it matters, what to do."""

    code: str
    title: str
    text: str
    why: str = ""
    fix: str = ""
    exit_code: int | None = None
    source: str = ""


def _import_error_modules() -> None:
    """Load every module that may define error classes, lightest first."""
    for package in PACKAGES:
        root = import_module(package)
        for module in pkgutil.walk_packages(root.__path__, package + "."):
            if module.name.rpartition(".")[2] in {"errors", "session", "main"}:
                import_module(module.name)


def _subclasses(cls: type[ChiaroError]) -> Iterator[type[ChiaroError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _subclasses(child)


def errors() -> dict[str, Entry]:
    """Code → entry, for every error class that is loaded."""
    _import_error_modules()
    found: dict[str, Entry] = {}
    for cls in _subclasses(ChiaroError):
        found.setdefault(
            cls.code,
            Entry(
                code=cls.code,
                title=cls.__name__,
                text=inspect.getdoc(cls) or "",
                why=cls.why,
                fix=cls.fix,
                exit_code=cls.exit_code,
                source=cls.__module__,
            ),
        )
    return found


def rules() -> dict[str, Entry]:
    """Rule id → the paragraph of the SPEC that defines it."""
    found: dict[str, Entry] = {}
    for package in PACKAGES:
        for path in _specs(package):
            lines = path.read_text(encoding="utf-8").splitlines()
            for index, line in enumerate(lines):
                match = _RULE.match(line) or _CLAUSE.match(line)
                if match is None or match[1] in found:
                    continue
                paragraph = [line.strip().lstrip("#-*|> ")]
                for following in lines[index + 1 :]:
                    if _RULE.match(following) or following.startswith("#"):
                        break
                    paragraph.append(following.rstrip())
                text = "\n".join(paragraph).strip()
                found[match[1]] = Entry(
                    code=match[1], title="rule", text=text, source=f"{package}/SPEC.md"
                )
    return found


def _specs(package: str) -> Iterator[resources.abc.Traversable]:
    def walk(folder: resources.abc.Traversable) -> Iterator[resources.abc.Traversable]:
        for child in sorted(folder.iterdir(), key=lambda item: item.name):
            if child.is_dir() and not child.name.startswith((".", "_")):
                yield from walk(child)
            elif child.name == "SPEC.md":
                yield child

    yield from walk(resources.files(package))


def look_up(code: str) -> Entry | None:
    """The entry of a code or rule id, in any case; None when there is none."""
    wanted = code.upper()
    return errors().get(wanted) or rules().get(wanted)
