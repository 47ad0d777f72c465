"""Entity tags of large bodies without MD5, which takes longer than everything else that is done with them.

S3's are no MD5 either where a customer key encrypts, as it does in the app's buckets, and never of a whole
upload in parts: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html (read 2026-11-22). There the
same bytes have another tag whenever they are written, and so they have here.
"""

from __future__ import annotations

import hashlib
import os
from types import ModuleType
from typing import Any

from ministack.services import s3

from sandbox.emulator.hook import Function, Hook

LARGE_BYTES = 5 * 1024 * 1024  # a part of an upload has at least that

_HASH = Hook("ministack.services.s3", "md5_hash", ("data",))
_COMPLETE = Hook(
    "ministack.services.s3",
    "_complete_multipart_upload",
    ("bucket_name", "key", "body", "query_params", "headers"),
)

HOOKS = (_HASH, _COMPLETE)


def install() -> None:
    """Tag large bodies at random, when they arrive and when parts are put together."""
    _HASH.replace(_tagged)
    _COMPLETE.replace(_put_together)


def _tagged(original: Function) -> Function:
    def tag(data: bytes) -> str:
        return str(original(data)) if len(data) < LARGE_BYTES else _Tag().hexdigest()

    return tag


def _put_together(original: Function) -> Function:
    """Tag the whole without reading it again; whoever sends Content-MD5 is still told the truth."""
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
    """Looks like an MD5 object to whoever only asks for its result, and is no digest of anything."""

    def __init__(self) -> None:
        self._tag = os.urandom(16)

    def digest(self) -> bytes:
        """Return 16 bytes."""
        return self._tag

    def hexdigest(self) -> str:
        """Return them in hex."""
        return self._tag.hex()


def _md5(data: bytes = b"", **named: Any) -> Any:
    return hashlib.md5(data, **named) if len(data) < LARGE_BYTES else _Tag()  # noqa: S324  as S3 does
