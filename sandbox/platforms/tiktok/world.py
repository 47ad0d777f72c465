"""The state of the simulated TikTok: advertisers, tokens, files and audiences; and how a test changes it.

An audience in `audiences` of the settings has these keys: id, advertiser_id, name, audience_type, calculate_type,
audience_sub_type, shared, is_creator, size, and expires_in_s (negative: it has expired).
"""

from __future__ import annotations

import dataclasses
import itertools
import secrets
from collections.abc import Mapping
from typing import Any

from sandbox.platforms.clock import Clock
from sandbox.platforms.people import named_by
from sandbox.platforms.settings import changed
from sandbox.platforms.tiktok.audiences import Audience, Change, View, Work
from sandbox.platforms.tiktok.errors import (
    ADVERTISER_NOT_THERE,
    EMPTY,
    EXPIRED,
    FILE_EXPIRED,
    FILE_NOT_THERE,
    NO_PERMISSION,
    REVOKED,
    SCOPE,
    TikTokError,
)
from sandbox.platforms.tiktok.files import Contents, File, shown
from sandbox.platforms.tiktok.quota import Quota
from sandbox.platforms.tiktok.settings import Advertiser, TikTokSettings, Token, TokenState

FIRST_AUDIENCE_ID = 7_301_234_567_890_123_401  # too long for a float, as TikTok's are
_FORCED = {
    "name": "name",
    "audience_type": "audience_type",
    "audience_sub_type": "audience_sub_type",
    "calculate_type": "calculate_type",
    "shared": "shared",
    "is_creator": "is_creator",
    "size": "forced_size",
}


class World:
    """The platform's whole state, which a reset discards."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.reset()

    def reset(self) -> None:
        """Discard everything but the default advertiser and token."""
        self.settings = TikTokSettings()
        self.advertisers = {Advertiser().id: Advertiser()}
        self.tokens = {Token().token: Token()}
        self.files: dict[str, File] = {}
        self.audiences: dict[str, Audience] = {}
        self.quotas: dict[str, Quota] = {}
        self._ids = itertools.count(FIRST_AUDIENCE_ID, 10)

    def quota(self, endpoint: str) -> Quota:
        """Return the quota of an endpoint: the limit is per app, whichever advertiser it acts for."""
        return self.quotas.setdefault(endpoint, Quota())

    def authorize(self, text: str | None, scope: int) -> Token:
        """Return the token; raises TikTokError if it is missing, unknown or invalid, or lacks the scope."""
        if not text:
            raise TikTokError(EMPTY, "Access token is empty.")
        token = self.tokens.get(text)
        if token is not None and token.state is TokenState.EXPIRED:
            raise TikTokError(EXPIRED, "Access token has expired.")
        if token is None or token.state is not TokenState.VALID:
            raise TikTokError(REVOKED, "Access token is incorrect or has been revoked.")
        if scope not in token.scopes:
            raise TikTokError(SCOPE, "The access token lacks the required scope for the endpoint.")
        return token

    def check_advertiser(self, token: Token, advertiser_id: str) -> None:
        """Raise TikTokError for an advertiser that does not exist or that the token may not act for."""
        if advertiser_id not in self.advertisers:
            raise TikTokError(ADVERTISER_NOT_THERE, "The advertiser does not exist.")
        if token.advertisers is not None and advertiser_id not in token.advertisers:
            sentence = "No permission to operate this advertiser. You must be an admin or operator of it."
            raise TikTokError(NO_PERMISSION, sentence)

    def keep(self, advertiser_id: str, contents: Contents) -> File:
        """Store an uploaded file under a new path."""
        file = File(secrets.token_hex(8), advertiser_id, self.clock.now(), contents)
        self.files[file.path] = file
        return file

    def file(self, advertiser_id: str, path: str) -> File:
        """Return a file by its path; only the advertiser that uploaded it may use it, for a limited time."""
        file = self.files.get(path)
        if file is None or file.advertiser_id != advertiser_id:
            raise TikTokError(FILE_NOT_THERE, "The file does not exist.")
        if self.clock.now() > file.uploaded + self.settings.file_lifetime_s:
            raise TikTokError(FILE_EXPIRED, "The file has expired.")
        return file

    def of_advertiser(self, advertiser_id: str) -> list[Audience]:
        """Return an advertiser's audiences, newest first, each up to date."""
        found = [one for one in self.audiences.values() if one.advertiser_id == advertiser_id]
        for one in found:
            one.settle(self.clock.now())
        return sorted(found, key=lambda one: int(one.id), reverse=True)

    def view(self, audience: Audience) -> View:
        """Return the current view of an audience."""
        now = self.clock.now()
        audience.settle(now)
        return View(audience, now, self.settings)

    def create(self, advertiser_id: str, name: str, calculate_type: str, **attributes: Any) -> Audience:
        """Create an audience, even if the name exists."""
        audience = Audience(
            str(next(self._ids)), advertiser_id, name, self.clock.now(), calculate_type, **attributes
        )
        self.audiences[audience.id] = audience
        return audience

    def process(self, audience: Audience, action: str, members: dict[bytes, None], files: list[File]) -> None:
        """Start the work that gives the audience its new members; mistakes in a file show when it ends."""
        now = self.clock.now()
        rows = sum(one.contents.rows for one in files)
        malformed = sum(one.contents.malformed for one in files)
        message = ""
        if malformed:
            message = f"{malformed} of {rows} rows are not in the format of {audience.calculate_type}."
        audience.modified = now
        audience.history.append(Change(action, f"{len(files)} file(s)", now))
        people = self._people_after(audience, action, files)
        audience.work = Work(now + self.settings.processing_s, members, message, people)
        audience.settle(now)

    def _people_after(self, audience: Audience, action: str, files: list[File]) -> set[str]:
        """Return the names of those who are in the audience after an action."""
        rows = (row for one in files for row in shown(one.contents.calculate_type, one.contents.identifiers))
        named = named_by(
            self.settings, (cell for row in rows for cell in (row if isinstance(row, list) else [row]))
        )
        if action == "remove":
            return audience.people - named
        return named if action == "replace" else audience.people | named

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change the settings, advertisers, tokens and audiences; raises ValueError and changes nothing else."""
        advertisers, tokens = dict(self.advertisers), dict(self.tokens)
        for one in _objects(changes, "advertisers"):
            advertiser = changed(advertisers.get(str(one.get("id", Advertiser().id)), Advertiser()), one)
            advertisers[advertiser.id] = advertiser
        for one in _objects(changes, "tokens"):
            token = changed(tokens.get(str(one.get("token", Token().token)), Token()), one)
            tokens[token.token] = token
        wanted = _objects(changes, "audiences")
        unknown = {key for one in wanted for key in one} - {*_FORCED, "id", "advertiser_id", "expires_in_s"}
        if unknown:
            raise ValueError(f"audiences: unknown keys {sorted(unknown)}")
        apart = ("advertisers", "tokens", "audiences")
        settings = changed(self.settings, {key: value for key, value in changes.items() if key not in apart})
        self.advertisers, self.tokens, self.settings = advertisers, tokens, settings
        for one in wanted:
            self._force(one)

    def _force(self, wanted: Mapping[str, Any]) -> None:
        advertiser_id = str(wanted.get("advertiser_id", Advertiser().id))
        if "id" in wanted:
            found = [one for one in self.audiences.values() if one.id == str(wanted["id"])]
        else:
            found = [one for one in self.of_advertiser(advertiser_id) if one.name == wanted.get("name")]
        for audience in found or [self.create(advertiser_id, str(wanted.get("name", "")), "EMAIL_SHA256")]:
            for key, attribute in _FORCED.items():
                if key in wanted:
                    setattr(audience, attribute, wanted[key])
            if "expires_in_s" in wanted:
                audience.forced_expiry = self.clock.now() + wanted["expires_in_s"]

    def as_settings(self) -> dict[str, Any]:
        """Return the current settings."""
        return {
            **dataclasses.asdict(self.settings),
            "advertisers": [dataclasses.asdict(one) for one in self.advertisers.values()],
            "tokens": [dataclasses.asdict(one) for one in self.tokens.values()],
        }


def _objects(changes: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = changes.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise ValueError(f"{key} is a list of objects")
    return found
