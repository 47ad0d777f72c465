"""Values as they are sent, reduced to what a list of suppressed people keeps of them: 8 bytes of a digest each.

A hashed value is known by the first 8 bytes of its own digest, whatever its spelling on the wire (hexadecimal or
base64); one that travels as plaintext, such as an advertising id, by those of its SHA-256. So a list holds no
plain identifier, and a connector asks it with what it sends and hashes nothing more. Of a billion values, one is
taken for one of a million others with a chance of about 1 in 20,000; it is then not sent, which harms nobody.
"""

from __future__ import annotations

import sys
from base64 import b64decode
from binascii import unhexlify
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.digest import sha256
from activation.identifiers.table import Digest
from activation.identifiers.widths import texts_of

HEAD_BYTES = 8
_SHA256_BYTES = 32
assert sys.byteorder == "little"  # noqa: S101  as Lambda's and every developer's processor; stored sets rely on it


@dataclass(frozen=True)
class Cells:
    """The cells of one column that are not null, as bytes of one width each.

    `data` are the bytes, `width` is each cell's, `hexadecimal` says that they are hexadecimal digits and not the
    bytes of a digest. `values` is the column without its lists, and `parents` the row of each value of a list,
    None where it has none.
    """

    data: memoryview | bytes | bytearray = field(repr=False)
    width: int
    hexadecimal: bool
    values: pa.Array = field(repr=False)
    parents: pa.Array | None = None

    def rows(self, indexes: pa.Array) -> pa.Array:
        """Return the rows of the column (int64) that cells are in, by the cells' indexes."""
        if self.values.null_count:
            indexes = pc.indices_nonzero(self.values.is_valid()).take(indexes)
        return (indexes if self.parents is None else self.parents.take(indexes)).cast(pa.int64())

    def __len__(self) -> int:
        return len(self.data) // self.width

    def low_words(self) -> pa.Buffer | bytes:
        """Return the first 4 bytes of each cell's digest."""
        words = pc.binary_slice(self._cells(), 0, 8 if self.hexadecimal else 4).buffers()[1]
        return unhexlify(words) if self.hexadecimal else words

    def heads(self, of: pa.Array | None = None) -> pa.Array:
        """Return the heads (uint64) of all cells, or of those with the indexes `of`."""
        data, width = memoryview(self.data), self.width
        if of is not None:
            data = memoryview(self._cells().take(of).buffers()[1])[: len(of) * width]
        if self.hexadecimal:
            data, width = memoryview(unhexlify(data)), width // 2
        return array_of(data.cast("B").cast("Q")[:: width // HEAD_BYTES].tobytes())

    def _cells(self) -> pa.Array:
        return pa.Array.from_buffers(pa.binary(self.width), len(self), [None, pa.py_buffer(self.data)])


def array_of(data: bytes | bytearray | memoryview) -> pa.Array:
    """Return heads, 8 bytes each, as an array (uint64) without a copy."""
    return pa.Array.from_buffers(pa.uint64(), len(data) // HEAD_BYTES, [None, pa.py_buffer(data)])


def cells_of(kind: Digest, values: pa.Array) -> Cells:
    """Return the cells of a column as it is sent (string, or a list of strings), without its nulls.

    `kind` is how the column's field travels.
    """
    parents = None
    if pa.types.is_list(values.type):
        parents, values = pc.list_parent_indices(values), values.flatten()
    if not pa.types.is_string(values.type):
        values = values.cast(pa.string())
    if kind is Digest.PLAIN:
        dense = values.drop_null() if values.null_count else values
        return Cells(sha256(dense), _SHA256_BYTES, hexadecimal=False, values=values, parents=parents)
    data = texts_of(values)
    if kind is not Digest.SHA256_BASE64 and len(data) == kind.width * (len(values) - values.null_count):
        return Cells(data, kind.width, hexadecimal=True, values=values, parents=parents)
    return Cells(_decoded(kind, values), HEAD_BYTES, hexadecimal=False, values=values, parents=parents)


def _decoded(kind: Digest, values: pa.Array) -> bytes:
    """Return the heads of digests one by one; no platform that this release sends to takes base64."""
    decode = b64decode if kind is Digest.SHA256_BASE64 else unhexlify
    return b"".join([decode(text)[:HEAD_BYTES] for text in values.drop_null().to_pylist()])
