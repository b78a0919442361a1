"""Logs as lines of JSON: time, level, event, and the fields that the caller named. No secrets.

RPC-18: transactions, memos, accounts and addresses are not logged; ids of blocks and roots are.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final, TextIO

from zk import files

MAX_BYTES: Final = 4 * 1024 * 1024
KEPT: Final = 2
_FIELDS: Final = (
    "chain", "height", "round", "txs", "refused", "root", "url", "path", "code", "problem",
)  # fmt: skip
"""What a record may carry beside its message: a closed list, so that nothing slips in."""


class JsonLines(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "source": record.name,
            "event": record.getMessage(),
        }
        for name in _FIELDS:
            if (value := getattr(record, name, None)) is not None:
                line[name] = value
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def to_stream(stream: TextIO) -> logging.Handler:
    """The same on a stream, for whoever runs the node and keeps its words."""
    return _install(logging.StreamHandler(stream))


def to_file(path: Path) -> logging.Handler:
    """Send everything from INFO on to `path`, which is turned over at four megabytes.

    Tracebacks show lines of code, never values of variables.
    """
    files.make_private_folder(path.parent)
    return _install(
        RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8")
    )


def _install(handler: logging.Handler) -> logging.Handler:
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return handler
