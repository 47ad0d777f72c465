"""The checksum that is kept of a deleted drop, by which a person's own copy is told from another file.

S3's ETag does not serve: of an object under a KMS key it is no digest of the bytes
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html, read 2026-12-01). A plain SHA-256 in the ledger
would let its readers try out guesses of a file with few people, and so each try is made to cost time.
"""

from __future__ import annotations

import hashlib
import hmac

from activation.drops.chunk import ByteSource
from activation.drops.limits import MIB
from activation.drops.source import stream
from activation.model import Drop

_PIECE_BYTES = 8 * MIB
_ITERATIONS = 100_000  # 30 ms


def checksum(source: ByteSource, drop: Drop) -> str:
    """Return the checksum of the bytes of a drop, 64 hex digits: PBKDF2 of their SHA-256, salted by the version.

    Reads all of the source; raises what that raises.
    """
    digest = hashlib.sha256()
    for piece in stream(source, 0, _PIECE_BYTES):
        digest.update(piece)
    salt = f"{drop.bucket}\n{drop.key}\n{drop.version_id}".encode()
    return hashlib.pbkdf2_hmac("sha256", digest.digest(), salt, _ITERATIONS).hex()


def is_copy(source: ByteSource, drop: Drop, known: str) -> bool:
    """Return whether a source has the very bytes of a drop whose checksum is `known`."""
    if source.size_bytes != drop.size_bytes:
        return False
    return hmac.compare_digest(checksum(source, drop), known)
