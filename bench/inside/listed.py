"""A stored set of suppressed people who are in no file of the bench: `listed.py FILE PEOPLE`, two identifiers each."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from activation.suppression.heads import HEAD_BYTES, array_of
from activation.suppression.listed import Listed

IDENTIFIERS = 2

if __name__ == "__main__":
    path, people = sys.argv[1:]
    data = Listed.of([array_of(os.urandom(HEAD_BYTES * IDENTIFIERS * int(people)))]).to_bytes()
    Path(path).write_bytes(data)
    print(json.dumps({"bytes": len(data)}))
