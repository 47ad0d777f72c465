"""Which files are in a folder's listings, read once for all the files that are announced after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from activation.drops.folder_listing import identity, load_listing
from activation.errors import ConfigError, Rejected
from activation.ledger.folders import Closing
from activation.model import Drop
from activation.runs.cold_start import Connector
from activation.runs.earlier_closings import LISTING_S

KEPT = 8  # listings in memory, of up to 10,000 files each


@dataclass(frozen=True)
class _Known:
    """A listing's files and the ones that it left over, by what identifies them."""

    files: frozenset[tuple[str, str]]
    left: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class KnownListings:
    """The listings of a connector's folders; one never changes once it is written."""

    connector: Connector

    def have(self, closings: Sequence[Closing], drop: Drop) -> bool:
        """Return whether the listing of a closing has the file; one that is not written yet has none."""
        mine = identity(drop.key, drop.version_id, drop.etag)
        return any(known is not None and mine in known.files for known in map(self._known, closings))

    def left(self, one: Closing) -> frozenset[tuple[str, str]] | None:
        """Return the files that a closing left over and whose time does not say so; None without a listing."""
        known = self._known(one)
        return known.left if known else None

    def is_being_made(self, one: Closing) -> bool:
        """Return whether a closing's listing is not written yet."""
        is_new = self.connector.clock() - one.at < LISTING_S
        return is_new and one.listing != "" and self._known(one) is None

    def holds(self, one: Closing, prefix: str) -> bool:
        """Return whether a closing took a file below a prefix; one that is still being listed may."""
        if (known := self._known(one)) is None:
            return self.is_being_made(one)
        return any(key.startswith(prefix) for key, _ in known.files)

    def _known(self, one: Closing) -> _Known | None:
        """Return what a closing's listing holds, None where it has none, or none yet, or none any more."""
        try:
            known: _Known | None = self._read(one.listing) if one.listing else None
        except (Rejected, ConfigError):
            return None
        return known

    @cached_property
    def _read(self) -> Any:
        return lru_cache(KEPT)(self._load)

    def _load(self, key: str) -> _Known:
        listing = load_listing(self.connector.clients.s3, self.connector.settings.receipts_bucket, key)
        return _Known(listing.identities, frozenset(file.mark[:2] for file in listing.left))
