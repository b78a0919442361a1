"""Templates to pages: Jinja2 with everything escaped and nothing undefined."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from node.explorer.text import FILTERS

ROOT: Final = "/explorer"
"""Where the explorer is mounted."""
_STATIC: Final = {
    "explorer.css": "text/css; charset=utf-8",
    "explorer.js": "text/javascript; charset=utf-8",
    "sphere.svg": "image/svg+xml",
}


class Static:
    """The explorer's own files, in memory, each under a name that has its digest."""

    def __init__(self) -> None:
        folder = resources.files("node.explorer").joinpath("static")
        self._files: dict[str, tuple[bytes, str]] = {}
        self._names: dict[str, str] = {}
        for name, media in _STATIC.items():
            data = folder.joinpath(name).read_bytes()
            digest = hashlib.blake2b(data, digest_size=8).hexdigest()
            self._names[name] = f"{digest}.{name}"
            self._files[self._names[name]] = data, media

    def find(self, name: str) -> tuple[bytes, str] | None:
        """Bytes and media type of a file, by the name that `url` has."""
        return self._files.get(name)

    def url(self, name: str) -> str:
        """Its address; changes with its bytes, so that browsers may keep it for good."""
        return f"{ROOT}/static/{self._names[name]}"


class Templates:
    """Renders pages.

    Args:
        static: of the explorer.
        site: what every page says of the node and its chain.
    """

    def __init__(self, static: Static, site: Mapping[str, Any]) -> None:
        self._environment: Final = Environment(
            loader=PackageLoader("node.explorer"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(FILTERS)
        self._environment.globals.update(root=ROOT, static=static.url, site=dict(site))

    def render(self, name: str, context: Mapping[str, Any]) -> bytes:
        """A page, in UTF-8. `name` is that of its template, without ending."""
        text = self._environment.get_template(f"{name}.html").render(context)
        return text.encode("utf-8", "replace")
