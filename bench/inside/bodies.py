"""Our path: a file's bytes to Meta's request bodies, in one thread, with the line's own modules."""

from __future__ import annotations

import sys
from pathlib import Path

from activation.buffers import from_malloc
from activation.drops.open import open_drop
from activation.drops.source import FileSource
from activation.model import RAW, Audience

from bench.inside.line import batcher_of, encode_all
from bench.inside.meter import metered
from lambdas.meta.platform import PLATFORM


def bodies(path: Path) -> dict[str, int]:
    """Generate every body of the file, as the connector would; return counts."""
    reader = open_drop(FileSource(path))
    return encode_all(PLATFORM, batcher_of(PLATFORM, reader.header, RAW), reader, Audience("meta", "bench"))


if __name__ == "__main__":
    from_malloc()
    PLATFORM.load()  # imports are not measured, the floor's neither
    metered(lambda: dict(bodies(Path(sys.argv[1]))))
