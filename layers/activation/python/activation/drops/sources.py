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
class Origin:
    """Where an object is, and what stands in front of its key in the layout that `locate` reads.

    The key of an object in the app's own bucket is the layout's. In a source, `layout_prefix` stands in place of
    the source's `prefix`, and what follows is a file, or a folder and its parts, as it is after the action in the
    app's own layout. So files and folders of both are told apart in one place, and a key or folder that was found
    in the layout is turned back into the bucket's own with `key`.
    """

    bucket: str
    prefix: str = ""
    layout_prefix: str = ""
    account: str = ""

    @property
    def is_source(self) -> bool:
        """Return whether the bucket is another owner's."""
        return self.layout_prefix != ""

    def layout_key(self, key: str) -> str:
        """Return the key that an object, or a folder, would have in the app's own bucket."""
        return self.layout_prefix + key.removeprefix(self.prefix)

    def key(self, layout_key: str) -> str:
        """Return the bucket's own key of an object or folder of the layout."""
        return self.prefix + layout_key.removeprefix(self.layout_prefix)


@dataclass(frozen=True)
class Origins:
    """Where the drops of one connector may be: in the app's own bucket below its name, and in its sources."""

    connector: str
    drops_bucket: str
    sources: Sequence[BucketSource] = ()

    def of(self, bucket: str, key: str) -> Origin:
        """Return where an object is.

        The settings refuse sources of one connector that hold the same object.

        Raises Rejected: foreign_bucket for an object that is in none of the connector's places.
        """
        if bucket == self.drops_bucket:
            return Origin(bucket)
        for source in self.sources:
            if source.holds(bucket, key):
                layout = "/".join((self.connector, source.audience, source.identifiers, source.action, ""))
                return Origin(bucket, source.prefix, layout, source.account)
        raise Rejected("foreign_bucket", "the event is of another bucket or prefix than this connector's drops")
