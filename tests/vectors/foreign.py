"""Makes the committed files of foreign provers again: `python tests/vectors/foreign.py [NAME …]`.

gnark       needs Go; gnark/main.go, versions pinned in gnark/go.mod. Its setup is random, so each
            run gives other bytes; all of them must be read and verified.
arkworks    needs Cargo; arkworks/src/main.rs, versions pinned in arkworks/Cargo.lock. Its random
            numbers come from a seed: each run gives the same bytes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
COMMAND = "python tests/vectors/foreign.py"
PUBLIC = ["35", "9"]


def gnark() -> dict[str, Any]:
    """Keys and a proof, `WriteTo` and `WriteRawTo`."""
    pinned = (HERE / "gnark/go.mod").read_text()
    version = re.search(r"consensys/gnark (v[0-9.]+)", pinned)
    assert version is not None
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["go", "run", ".", folder], cwd=HERE / "gnark", check=True)
        files = {path.name: path.read_bytes().hex() for path in sorted(Path(folder).iterdir())}
    oracle = f"gnark {version[1]} (groth16, bn254)"
    return {"source": COMMAND, "oracle": oracle, "public": PUBLIC, "files": files}


def arkworks() -> dict[str, Any]:
    """A key, a proof and points, `serialize_compressed` and `serialize_uncompressed`."""
    pinned = (HERE / "arkworks/Cargo.toml").read_text()
    crates = ("ark-groth16", "ark-serialize", "ark-bn254")
    versions = [re.search(rf'^{name} = .*"=([0-9.]+)"', pinned, re.MULTILINE) for name in crates]
    oracle = ", ".join(
        f"{name} {version[1]}"
        for name, version in zip(crates, versions, strict=True)
        if version is not None
    )
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            ["cargo", "run", "--release", "--locked", "--quiet", "--target-dir", folder],
            cwd=HERE / "arkworks",
            check=True,
            capture_output=True,
        )
    return {"source": COMMAND, "oracle": oracle, **json.loads(made.stdout)}


ORACLES = {"gnark": gnark, "arkworks": arkworks}


def main(names: list[str]) -> None:
    """Write NAME.json of each oracle asked for; of all by default."""
    for name in names or ORACLES:
        text = json.dumps(ORACLES[name](), indent=1) + "\n"
        (HERE / f"{name}.json").write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
