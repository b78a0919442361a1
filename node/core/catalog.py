"""Everything that `chiaro explain` can explain: error codes and numbered rules.

Error codes come from the classes themselves, rules from the `SPEC.md` files that ship in the
packages: nothing is written twice, so nothing can drift.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from zk.errors import ChiaroError, FormatError

PACKAGES: Final = ("circuits", "node", "private_exec", "shielded", "transparent", "zk")
_RULE: Final = re.compile(r"^[\s#>*|\-`]*([A-Z]{2,3}-\d+)\b(.*)$")
_CODE: Final = re.compile(r'^    code(?:: ClassVar\[str\])? = "', re.MULTILINE)
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


@cache
def _import_error_modules() -> None:
    """Load the modules whose source defines an error code; the others may be heavy."""
    for package in PACKAGES:
        for path in _files(package, ".py"):
            if _CODE.search(path.read_text(encoding="utf-8")):
                import_module(_module_name(package, path))


def _module_name(package: str, path: Traversable) -> str:
    root = Path(str(resources.files(package)))
    relative = Path(str(path)).relative_to(root).with_suffix("")
    return ".".join((package, *relative.parts))


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
    from zk.formats.errors import DOCUMENT_REFUSALS, FILE_REFUSALS

    for code, refusal in {**DOCUMENT_REFUSALS, **FILE_REFUSALS}.items():
        found[code] = Entry(
            code=code,
            title="refusal of a document or file",
            text=refusal.title,
            why=refusal.why,
            fix=refusal.fix,
            exit_code=FormatError.exit_code,
            source="zk.formats",
        )
    from zk.groth16.ceremony.errors import FIX, REFUSALS, exit_code_of

    for code, (title, why) in REFUSALS.items():
        found[code] = Entry(
            code=code,
            title="refusal of a ceremony's file",
            text=title,
            why=why,
            fix=FIX,
            exit_code=exit_code_of(code),
            source="zk.groth16.ceremony",
        )
    return found


def rules() -> dict[str, Entry]:
    """Rule id → the paragraph of the SPEC that defines it."""
    found: dict[str, Entry] = {}
    for package in PACKAGES:
        for path in _files(package, "SPEC.md"):
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
                text = "\n".join(paragraph).strip().replace("**", "")
                found[match[1]] = Entry(
                    code=match[1],
                    title="rule",
                    text=text,
                    source=f"{package}/{_below(package, path)}",
                )
    return found


def _below(package: str, path: Traversable) -> str:
    return Path(str(path)).relative_to(Path(str(resources.files(package)))).as_posix()


def _files(package: str, ending: str) -> Iterator[Traversable]:
    def walk(folder: Traversable) -> Iterator[Traversable]:
        for child in sorted(folder.iterdir(), key=lambda item: item.name):
            if child.is_dir() and not child.name.startswith((".", "_")):
                yield from walk(child)
            elif child.name.endswith(ending) and not child.name.startswith("__"):
                yield child

    yield from walk(resources.files(package))


def look_up(code: str) -> Entry | None:
    """The entry of a code or rule id, in any case; None when there is none."""
    wanted = code.upper()
    return errors().get(wanted) or rules().get(wanted) or _carried(wanted)


def _carried(wanted: str) -> Entry | None:
    """A security rule of the protocol, S-n: what here carries it."""
    if not re.fullmatch(r"S-\d+", wanted):
        return None
    named = re.compile(rf"\b{wanted}\b")
    carriers = {
        code: entry.text
        for code, entry in sorted({**errors(), **rules()}.items())
        if named.search(f"{entry.text} {entry.why}")
    }
    if not carriers:
        return None
    lines = [
        f"{code}: {' '.join(text.split()).removeprefix(code).strip(' |')}"
        for code, text in carriers.items()
    ]
    return Entry(
        code=wanted,
        title="security rule of the protocol",
        text="\n".join([f"carried by {', '.join(carriers)}", *lines]),
    )
