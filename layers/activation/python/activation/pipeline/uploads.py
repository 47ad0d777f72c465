"""The uploads of a batch: which depend on each other, which share rows, and what the ledger calls them."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from activation.errors import Rejected
from activation.ledger.units import Unit
from activation.platforms.upload import Batch, Upload


def unit_of(upload: Upload) -> Unit:
    """Return the unit that the ledger acknowledges for an upload."""
    return Unit(upload.first_row, upload.last_row, upload.key, upload.part)


def chains_of(uploads: Sequence[Upload]) -> list[list[Upload]]:
    """Return the uploads as chains: each after the one it depends on, independent ones apart."""
    chains: list[list[Upload]] = []
    for upload in uploads:
        before = [chain for chain in chains if upload.after and upload.after in (one.key for one in chain)]
        if before:
            before[0].append(upload)
        else:
            chains.append([upload])
    return chains


def are_disjoint(batch: Batch, uploads: Sequence[Upload]) -> bool:
    """Return whether no row of a batch is in more than one of its uploads.

    Raises Rejected with rows_without_upload where a row is in none, which is an error of the publisher.
    """
    if len(uploads) == 1 and uploads[0].rows is batch.rows:
        return True
    carried = pa.concat_arrays([_flat(one.source_rows) for one in uploads])
    different = len(pc.unique(carried))
    if different != len(batch.rows):
        raise Rejected(
            "rows_without_upload", f"the uploads of a batch of {len(batch.rows)} rows carry {different} of them"
        )
    return len(carried) == different


def _flat(rows: pa.Array | pa.ChunkedArray) -> pa.Array:
    return rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows
