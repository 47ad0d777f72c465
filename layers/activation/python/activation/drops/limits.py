"""How much a reader may hold or produce, whatever the file says."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True)
class ReadLimits:
    """Caps of one read; all sizes in bytes.

    `record_bytes` bounds one record, so that an endless line is refused before it is buffered. `block_bytes` is
    what is split and parsed at a time; memory follows it, results do not. `inflated_bytes` and `inflated_ratio`
    (decompressed over compressed, judged once `ratio_free_bytes` are out) stop a decompression bomb.
    `head_bytes` is how much of the text is looked at to tell format, encoding and delimiter; a header must fit
    in it. `columns` bounds the header. `slice_rows` is how many rows of a Parquet row group are decoded at a
    time. `buffered_parquet_bytes` bounds a Parquet file that comes inside gzip or zstd and so has to be held
    in memory.
    """

    record_bytes: int = MIB
    block_bytes: int = 3 * MIB // 2
    inflated_bytes: int = 64 * GIB
    inflated_ratio: float = 200.0
    ratio_free_bytes: int = 16 * MIB
    head_bytes: int = 256 * KIB
    columns: int = 2_000
    slice_rows: int = 32_768
    buffered_parquet_bytes: int = 64 * MIB


DEFAULT = ReadLimits()
