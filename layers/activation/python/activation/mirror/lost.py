"""What is said when a mirror's state cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from activation.errors import Rejected


def state_lost(what: str) -> Rejected:
    """Return the error for a state that is gone or damaged; `what` says which part of it, without a value."""
    return Rejected(
        "state_lost",
        f"{what}: who is in the audience is no longer known, so nobody was removed",
    )


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Raise Rejected with state_lost for what Arrow raises of a damaged file; what the storage raises passes."""
    try:
        yield
    except (pa.ArrowException, OSError, EOFError):
        damaged = state_lost(f"{what} is damaged")
    else:
        return
    raise damaged  # not in the handler: the library's own text may quote the file
