"""docs/gossip.md: its code runs as it stands there, and prints what stands there."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "gossip.md"


def test_the_example_prints_what_the_page_says(capsys) -> None:
    ((code, printed),) = re.findall(
        r"```python\n(.*?)```\s+```\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    exec(compile(code, str(PAGE), "exec"), {"__name__": "page"})  # noqa: S102
    assert capsys.readouterr().out == printed
