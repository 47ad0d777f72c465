"""Entity tags of large bodies without MD5, which would take longer than all other work on them.

In S3, too, tags are not MD5 digests if a customer key encrypts the object, as in the app's buckets, or if it was
uploaded in parts: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html (read 2026-11-22). The same
bytes then get another tag each time they are written, as they do here.
"""

from __future__ import annotations

import hashlib
import os
from types import ModuleType
from typing import Any

from ministack.services import s3

from sandbox.emulator.hook import Function, Hook

LARGE_BYTES = 5 * 1024 * 1024  # a part of an upload is at least this large

_HASH = Hook("ministack.services.s3", "md5_hash", ("data",))
_COMPLETE = Hook(
    "ministack.services.s3",
    "_complete_multipart_upload",
    ("bucket_name", "key", "body", "query_params", "headers"),
)

HOOKS = (_HASH, _COMPLETE)


def install() -> None:
    """Give large bodies random tags, when they arrive and when parts are completed."""
    _HASH.replace(_tagged)
    _COMPLETE.replace(_put_together)


def _tagged(original: Function) -> Function:
    def tag(data: bytes) -> str:
        return str(original(data)) if len(data) < LARGE_BYTES else _Tag().hexdigest()

    return tag


def _put_together(original: Function) -> Function:
    """Tag the completed object without reading it again; a request with Content-MD5 is still checked."""
    cheap = ModuleType("hashlib")
    cheap.__dict__.update(vars(hashlib), md5=_md5)

    def complete(*arguments: Any, **named: Any) -> Any:
        s3.hashlib = cheap
        try:
            return original(*arguments, **named)
        finally:
            s3.hashlib = hashlib

    return complete


class _Tag:
    """An object with MD5's interface that is not a digest of anything."""

    def __init__(self) -> None:
        self._tag = os.urandom(16)

    def digest(self) -> bytes:
        """Return 16 bytes."""
        return self._tag

    def hexdigest(self) -> str:
        """Return the 16 bytes in hex."""
        return self._tag.hex()


def _md5(data: bytes = b"", **named: Any) -> Any:
    return hashlib.md5(data, **named) if len(data) < LARGE_BYTES else _Tag()  # noqa: S324  as S3 does
