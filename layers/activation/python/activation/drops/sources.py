"""Buckets of other owners: an object below a source's prefix is a drop for the audience that the settings name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from activation.errors import Rejected


@dataclass(frozen=True)
class BucketSource:
    """A bucket that the app reads and never writes, with what its keys do not say.

    `prefix` ends in a slash, or is "" for the whole bucket. `audience`, `identifiers` and `action` are as in a
    drop's key. `account` is the AWS account that owns the bucket, "" for the function's own.
    """

    bucket: str
    prefix: str
    audience: str
    identifiers: str
    action: str = "add"
    account: str = ""

    def holds(self, bucket: str, key: str) -> bool:
        """Return whether an object is one of this source's."""
        return bucket == self.bucket and key.startswith(self.prefix)


@dataclass(frozen=True)
class Origins:
    """Where the drops of one connector may be: in the app's own bucket below its name, and in its sources."""

    connector: str
    drops_bucket: str
    sources: Sequence[BucketSource] = ()

    def source_of(self, bucket: str, key: str) -> BucketSource | None:
        """Return the source that an object belongs to, None for the app's own bucket.

        The settings refuse sources of one connector that hold the same object.

        Raises Rejected: foreign_bucket for any other object.
        """
        if bucket == self.drops_bucket:
            return None
        for source in self.sources:
            if source.holds(bucket, key):
                return source
        raise Rejected("foreign_bucket", "the event is of another bucket or prefix than this connector's drops")

    def layout_key(self, bucket: str, key: str) -> str:
        """Return the key that an object would have in the app's own bucket, for `locate` to read.

        What follows a source's prefix is a file, or a folder's part, exactly as what follows the action in the
        app's own layout; everything else about keys is decided there, in one place.

        Raises Rejected: foreign_bucket.
        """
        source = self.source_of(bucket, key)
        if source is None:
            return key
        below = key.removeprefix(source.prefix)
        return "/".join((self.connector, source.audience, source.identifiers, source.action, below))
