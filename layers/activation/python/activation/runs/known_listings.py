"""Which files are in a folder's listings, read once for all the files that are announced after them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from activation.drops.folder_listing import identity, load_listing
from activation.errors import ConfigError, Rejected
from activation.ledger.folders import Folder
from activation.model import Drop

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEPT = 4  # listings in memory, of up to 10,000 files each


@dataclass(frozen=True)
class KnownListings:
    """The listings in the receipts bucket `bucket`; one never changes once it is written."""

    client: S3Client
    bucket: str

    def have(self, folder: Folder, drop: Drop) -> bool:
        """Return whether one of a folder's listings has the file; one that is not written yet has none."""
        mine = identity(drop.key, drop.version_id, drop.etag)
        for one in folder.closings:
            try:
                if one.listing and mine in self._identities(one.listing):
                    return True
            except (Rejected, ConfigError):  # not there yet, or deleted: the file's next look asks again
                continue
        return False

    @cached_property
    def _identities(self) -> Any:
        return lru_cache(KEPT)(self._load)

    def _load(self, key: str) -> frozenset[tuple[str, str]]:
        return load_listing(self.client, self.bucket, key).identities
