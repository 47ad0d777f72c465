"""Generates a list of hashes, as a clean room exports them: `hashes.py ROWS FILE`."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

ROWS_AT_ONCE = 100_000


def write(path: Path, rows: int) -> None:
    """Write the SHA-256 of that many addresses, one per line, all different."""
    with path.open("wb") as file:
        for first in range(0, rows, ROWS_AT_ONCE):
            numbers = range(first, min(rows, first + ROWS_AT_ONCE))
            lines = [hashlib.sha256(b"person%d@example.com" % number).hexdigest() for number in numbers]
            file.write(("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    write(Path(sys.argv[2]), int(sys.argv[1]))
    print(json.dumps({"rows": int(sys.argv[1])}))
