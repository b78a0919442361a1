"""Makes the committed files of foreign provers again: `python tests/vectors/foreign.py`.

gnark's setup is random, so each run gives other bytes; all of them must be read and verified. Needs
Go. The program is `gnark/main.go`, its versions are pinned in `gnark/go.mod`.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMMAND = "python tests/vectors/foreign.py"
PUBLIC = ["35", "9"]


def main() -> None:
    """Write gnark.json."""
    pinned = (HERE / "gnark/go.mod").read_text()
    version = re.search(r"consensys/gnark (v[0-9.]+)", pinned)
    assert version is not None
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["go", "run", ".", folder], cwd=HERE / "gnark", check=True)
        files = {path.name: path.read_bytes().hex() for path in sorted(Path(folder).iterdir())}
    document = {
        "source": COMMAND,
        "oracle": f"gnark {version[1]} (groth16, bn254)",
        "public": PUBLIC,
        "files": files,
    }
    (HERE / "gnark.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
