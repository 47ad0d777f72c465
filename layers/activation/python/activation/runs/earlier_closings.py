"""What the earlier closings of a folder, and of those above it, took of its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from activation.drops.folder_closing import Before
from activation.drops.folder_listing import FolderListing, load_listing
from activation.drops.messages import Work
from activation.drops.places import Place
from activation.drops.sources import Origin
from activation.errors import ConfigError, Rejected, Retryable
from activation.ledger.folders import Closing
from activation.ledger.runs import FINAL, STOPPED, Run, RunState
from activation.model import Drop
from activation.runs.cold_start import Connector

SEVERAL_S = 15 * 60  # two manifests, or two files below one replace, that come in this time belong together or not
LISTING_S = 3 * 3600.0  # of a list not stored so long after its closing: longer than a message stays hidden
UNSENT = STOPPED | {RunState.SUPERSEDED}


def origin_of(connector: Connector, drop: Drop) -> Origin:
    """Return where a drop is."""
    return connector.settings.origins.of(drop.bucket, drop.key)


def closings_above(
    connector: Connector, work: Work, place: Place, holds: Callable[[Closing, str], bool]
) -> Sequence[Closing]:
    """Return the closings of the folders above a folder that took files of it.

    `holds` says whether a closing took a file below a prefix. A folder that was begun after them is its own.
    """
    origin, drop = origin_of(connector, work.drop), work.drop
    prefix = origin.key(place.folder)
    keys = (connector.folders.key(drop.bucket, origin.key(one), work.ad_account) for one in place.folders[1:])
    found = (closing for key in keys for closing in connector.folders.read(key).closings if closing.listing)
    return [one for one in found if holds(one, prefix)]


def before_of(connector: Connector, closings: Sequence[Closing]) -> Before:
    """Return what earlier closings took; those whose run has failed, or is blocked or superseded, took nothing.

    Raises Retryable while one of them is still being listed: whether it takes its files is not known yet.
    """
    files: set[tuple[str, str, float]] = set()
    signs: set[str] = set()
    at, has_all, last = 0.0, True, None
    for one in closings:
        run = connector.ledger.read(one.run_id) if one.listing else None
        if not took_files(one, run):
            continue
        at = max(at, one.stored_at)
        if connector.clock() - one.at >= SEVERAL_S:
            signs.add(one.sign_key)
        listing = stored_listing(connector, one.listing)
        if listing is None and run is not None and run.state not in FINAL:
            raise Retryable("folder_busy", "an earlier closing of the folder is still being listed", after_s=5)
        # Of a list that was deleted since, the time of its sign still says what is older.
        files |= listing.marks if listing else frozenset()
        has_all = has_all and listing is not None
        last = one if last is None or one.at > last.at else last
    return Before(at, frozenset(files), frozenset(signs), has_all, last.sign_key if last else None)


def took_files(one: Closing, run: Run | None) -> bool:
    """Return whether a closing took files: it was not refused, nor has its run failed, been blocked or superseded.

    `run` is its run, None where the ledger has none any more.
    """
    return bool(one.listing) and (run is None or run.state not in UNSENT)


def stored_listing(connector: Connector, key: str) -> FolderListing | None:
    """Return a list that a closing names, None when it is not stored yet or was deleted; raises Retryable."""
    try:
        return load_listing(connector.clients.s3, connector.settings.receipts_bucket, key)
    except (Rejected, ConfigError):
        return None
