"""A mirror's difference in a process of its own: `mirror.py make|floor|compare|same FOLDER [LINES]`.

`make` writes two snapshots of people with eight identifiers, the second with 1 % others, 0.5 % with a new phone,
and in another order. `floor` reads all cells of both files, and `compare` and `same` do a difference's work, with
the modules of Meta's function loaded.
"""

from __future__ import annotations

import random
import shutil
import sys
from binascii import hexlify
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from activation.mirror.difference import compare
from activation.mirror.snapshot import Snapshot, SnapshotWriter
from activation.mirror.state import MirrorState
from activation.mirror.store import LocalPieces
from activation.records import from_json, to_json

from bench.inside.meter import metered

ALONE = ("EMAIL", "PHONE", "MADID")
SHARES = {"EMAIL": 0.95, "PHONE": 0.60, "MADID": 0.20}  # of the people who have one
VALUES = {"FN": 2_000, "LN": 20_000, "ZIP": 8_000, "COUNTRY": 12, "DOBY": 80}  # how many different ones there are
COLUMNS = (*SHARES, *VALUES)
OTHERS, NEW_PHONE = 0.01, 0.005
AT_ONCE = 100_000
_NONE = pa.scalar(None, pa.string())


def make(folder: Path, lines: int) -> dict[str, Any]:
    """Write both snapshots and their records."""
    pools = {name: _digests(name, count) for name, count in VALUES.items()}
    blocks = range(-(-lines // AT_ONCE))
    for name, order in (("old", [*blocks]), ("new", _random("blocks").sample(blocks, len(blocks)))):
        writer, row = SnapshotWriter(LocalPieces(folder), f"{name}/", COLUMNS, table_version="1"), 1
        for block in order:
            count = min(AT_ONCE, lines - block * AT_ONCE)
            cells = _people(f"{block}", count, pools)
            if name == "new":
                cells = _changed(cells, f"{block}", count, pools)
            writer.write(pa.table({"row": pa.arange(row, row + count), **cells}))
            row += count
        (folder / f"{name}.json").write_text(to_json(writer.close()))
    return {"lines": lines}


def _people(seed: str, count: int, pools: dict[str, pa.Array]) -> dict[str, pa.Array]:
    cells = {name: _digests(seed + name, count) for name in SHARES}
    has = {name: _share(seed + name, count, share) for name, share in SHARES.items()}
    has["PHONE"] = pc.or_(has["PHONE"], pc.invert(has["EMAIL"]))
    cells = {name: pc.if_else(has[name], column, _NONE) for name, column in cells.items()}
    for name, pool in pools.items():
        numbers = pc.divide(pc.multiply(_numbers(seed + name, count), len(pool)), 2**32)
        cells[name] = pool.take(numbers)
    return cells


def _changed(cells: dict[str, pa.Array], seed: str, count: int, pools: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Return people of whom some are others, and some have a new phone, in another order."""
    others = _people(f"other{seed}", count, pools)
    is_other, phones = _share(f"is other{seed}", count, OTHERS), _share(f"phone{seed}", count, NEW_PHONE)
    cells["PHONE"] = pc.if_else(phones, others["PHONE"], cells["PHONE"])
    order = pa.array(_random(seed).sample(range(count), count))
    return {name: pc.if_else(is_other, others[name], column).take(order) for name, column in cells.items()}


def _random(seed: str) -> random.Random:
    """Return what draws the same people on every machine."""
    return random.Random(seed)


def _numbers(seed: str, count: int) -> pa.Array:
    """Return random numbers below 2**32."""
    data = _random(seed + "numbers").randbytes(4 * count)
    return pa.Array.from_buffers(pa.uint32(), count, [None, pa.py_buffer(data)]).cast(pa.int64())


def _share(seed: str, count: int, share: float) -> pa.Array:
    return pc.less(_numbers(seed + "share", count), int(share * 2**32))


def _digests(seed: str, count: int) -> pa.Array:
    digits = hexlify(_random(seed).randbytes(32 * count))
    offsets = pc.multiply(pa.arange(0, count + 1), 64).cast(pa.int32())
    return pa.Array.from_buffers(pa.string(), count, [None, offsets.buffers()[1], pa.py_buffer(digits)])


def read(folder: Path) -> dict[str, Any]:
    """Read every cell of both snapshots, in batches, as values."""
    lines = 0
    for path in sorted(folder.glob("*/*.cells")):
        file = pq.ParquetFile(pa.OSFile(str(path)), buffer_size=2 << 20, pre_buffer=False)
        lines += sum(len(batch) for batch in file.iter_batches(32_768, use_threads=False))
    return {"lines": lines}


def compared(folder: Path, old: str) -> dict[str, Any]:
    """Compare the new snapshot with an old one, by the connector's own code."""
    known, candidate = (from_json((folder / f"{name}.json").read_text(), Snapshot) for name in (old, "new"))
    pieces = LocalPieces(folder)
    found = compare(candidate, MirrorState(snapshot=known), pieces, ALONE, "delta/")
    return {name: getattr(found, name) for name in ("unchanged", "joined", "changed", "resent", "left", "held")}


def main(word: str, folder: Path) -> None:
    """Do one of the works and print what it took."""
    if word == "make":
        metered(lambda: make(folder, int(sys.argv[3])))
    elif word == "floor":
        metered(lambda: read(folder))
    else:
        for module in ("lambdas.meta.handler", "lambdas.meta.publisher", "boto3"):
            import_module(module)
        metered(lambda: compared(folder, "old" if word == "compare" else "new"))
        shutil.rmtree(folder / "delta", ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
