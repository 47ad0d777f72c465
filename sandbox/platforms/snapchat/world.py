"""The state of the simulated Snapchat: tokens, segments and quotas; and how a test changes it.

An audience in `audiences` of the settings has these keys: id, ad_account_id, name, source_type, and size, the
number of matched people to show.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Mapping
from typing import Any

from sandbox.platforms.clock import Clock
from sandbox.platforms.settings import changed
from sandbox.platforms.snapchat.errors import forbidden, not_found, unauthorized
from sandbox.platforms.snapchat.quota import Quota
from sandbox.platforms.snapchat.segments import Segment
from sandbox.platforms.snapchat.settings import DEFAULT_AD_ACCOUNT, SnapchatSettings
from sandbox.platforms.snapchat.tokens import Tokens

FIRST_SEGMENT_ID = 5_677_923_948_298_240  # as long as Snap's
_FORCED = {"name": "name", "source_type": "source_type", "size": "forced_size"}


class World:
    """The platform's whole state, which a reset discards."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.reset()

    def reset(self) -> None:
        """Discard everything but the default ad account, client and refresh token."""
        self.settings = SnapchatSettings()
        self.tokens = Tokens()
        self.quota = Quota()
        self.segments: dict[str, Segment] = {}
        self._ids = itertools.count(FIRST_SEGMENT_ID, 64)

    def authorize(self, authorization: str) -> None:
        """Check the header's access token and count the call; raises SnapError 401 or 429."""
        scheme, _, token = authorization.partition(" ")
        now, settings = self.clock.now(), self.settings
        if scheme.lower() != "bearer" or settings.revoked or not self.tokens.accepts(token, now):
            raise unauthorized()
        self.quota.charge(token, now, settings)

    def check_account(self, ad_account_id: str) -> None:
        """Raise SnapError for an ad account that the user may not act for, whether it exists or not."""
        if ad_account_id not in self.settings.ad_accounts:
            raise forbidden()

    def segment(self, segment_id: str) -> Segment:
        """Return a segment by its id; raises SnapError 404, or 403 if its ad account is somebody else's."""
        found = self.segments.get(segment_id)
        if found is None:
            raise not_found()
        self.check_account(found.ad_account_id)
        return found

    def of_account(self, ad_account_id: str, *, ordered: bool) -> list[Segment]:
        """Return the segments of an ad account: by creation, or in no order that a client could rely on."""
        found = [one for one in self.segments.values() if one.ad_account_id == ad_account_id]
        return found if ordered else sorted(found, key=lambda one: hashlib.sha256(one.id.encode()).digest())

    def create(self, ad_account_id: str, name: str, **attributes: Any) -> Segment:
        """Create a segment, even if the name exists."""
        segment = Segment(str(next(self._ids)), ad_account_id, name, self.clock.now(), **attributes)
        self.segments[segment.id] = segment
        return segment

    def spends_soft_error(self) -> bool:
        """Return whether this write is one of the remaining `soft_errors`, and decrement their number."""
        left = self.settings.soft_errors
        if left > 0:
            self.settings = dataclasses.replace(self.settings, soft_errors=left - 1)
        return left > 0

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change the settings and audiences; raises ValueError and changes nothing else."""
        wanted = changes.get("audiences", [])
        if not isinstance(wanted, list) or not all(isinstance(one, Mapping) for one in wanted):
            raise ValueError("audiences is a list of objects")
        unknown = {key for one in wanted for key in one} - {*_FORCED, "id", "ad_account_id"}
        if unknown:
            raise ValueError(f"audiences: unknown keys {sorted(unknown)}")
        self.settings = changed(self.settings, {key: changes[key] for key in changes if key != "audiences"})
        for one in wanted:
            self._force(one)

    def _force(self, wanted: Mapping[str, Any]) -> None:
        account, name = str(wanted.get("ad_account_id", DEFAULT_AD_ACCOUNT)), str(wanted.get("name", ""))
        if "id" in wanted:
            found = [one for one in self.segments.values() if one.id == str(wanted["id"])]
        else:
            found = [one for one in self.of_account(account, ordered=True) if one.name == name]
        for segment in found or [self.create(account, name)]:
            for key, attribute in _FORCED.items():
                if key in wanted:
                    setattr(segment, attribute, wanted[key])
