"""What the templates tell the functions, read once at cold start: names, addresses and rules, never a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from activation.errors import ConfigError
from activation.model import Action

from lambdas.ci360.links import AllowedHosts
from lambdas.ci360.target import Targets


@dataclass(frozen=True)
class WebhookSettings:
    """Of the webhook's function."""

    table: str
    queue_url: str
    bucket: str
    targets: Targets
    hosts: AllowedHosts
    keep_days: int
    log_level: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WebhookSettings:
        """Read them; raises ConfigError naming every variable that is missing or unreadable."""
        reader = _Reader(environment)
        settings = cls(
            table=reader.text("OCCURRENCE_TABLE"),
            queue_url=reader.text("QUEUE_URL"),
            bucket=reader.text("DROPS_BUCKET"),
            targets=Targets(reader.text("LANDING_PREFIX"), reader.drops("DROPS")),
            hosts=AllowedHosts.of(reader.texts("ALLOWED_HOSTS"), environment.get("LAPTOP_HOST", "")),
            keep_days=reader.whole("KEEP_DAYS"),
            log_level=environment.get("LOG_LEVEL", ""),
        )
        reader.finish()
        return settings


@dataclass(frozen=True)
class TransferSettings:
    """Of the transfer's function.

    `landing_header` says whether a file below the landing prefix begins with the columns' names; a drop always
    does. `laptop_ca` is "" or the certificate the sandbox's own server is trusted by; it counts for that server
    alone.
    """

    table: str
    queue_url: str
    dead_letter_queue_url: str
    bucket: str
    bus: str
    hosts: AllowedHosts
    laptop_ca: str
    landing_header: bool
    max_file_bytes: int
    deadline_s: int
    keep_days: int
    log_level: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> TransferSettings:
        """Read them; raises ConfigError naming every variable that is missing or unreadable."""
        reader = _Reader(environment)
        settings = cls(
            table=reader.text("OCCURRENCE_TABLE"),
            queue_url=reader.text("QUEUE_URL"),
            dead_letter_queue_url=reader.text("DEAD_LETTER_QUEUE_URL"),
            bucket=reader.text("DROPS_BUCKET"),
            bus=reader.text("EVENT_BUS_NAME"),
            hosts=AllowedHosts.of(reader.texts("ALLOWED_HOSTS"), environment.get("LAPTOP_HOST", "")),
            laptop_ca=environment.get("LAPTOP_CA", ""),
            landing_header=environment.get("LANDING_HEADER", "metadata") != "none",
            max_file_bytes=reader.whole("MAX_FILE_BYTES"),
            deadline_s=reader.whole("DEADLINE_S"),
            keep_days=reader.whole("KEEP_DAYS"),
            log_level=environment.get("LOG_LEVEL", ""),
        )
        reader.finish()
        return settings


@dataclass(frozen=True)
class ResultsSettings:
    """Of the results function; `events` maps an outcome to the name of an external event, "" for none.

    `identity` is the field and value the events are filed under in CI360, as the API wants one.
    """

    table: str
    secret_arn: str
    gateway: str
    events: Mapping[str, str]
    identity: tuple[str, str]
    log_level: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ResultsSettings:
        """Read them; raises ConfigError naming every variable that is missing or unreadable."""
        reader = _Reader(environment)
        settings = cls(
            table=reader.text("OCCURRENCE_TABLE"),
            secret_arn=reader.text("SECRET_ARN"),
            gateway=reader.text("GATEWAY"),
            events={
                name: environment.get(f"{name.upper()}_EVENT", "") for name in ("landed", "completed", "failed")
            },
            identity=(reader.text("IDENTITY_FIELD"), reader.text("IDENTITY")),
            log_level=environment.get("LOG_LEVEL", ""),
        )
        reader.finish()
        return settings


class _Reader:
    """Reads variables and collects the names of those that cannot be."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._wrong: list[str] = []

    def text(self, name: str) -> str:
        value = self._environment.get(name, "")
        if not value:
            self._wrong.append(name)
        return value

    def whole(self, name: str) -> int:
        value = self._environment.get(name, "")
        if not value.isdecimal():
            self._wrong.append(name)
            return 0
        return int(value)

    def texts(self, name: str) -> list[str]:
        value = self._json(name)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return value
        self._wrong.append(name)
        return []

    def drops(self, name: str) -> dict[str, frozenset[Action]]:
        value = self._json(name)
        try:
            if isinstance(value, dict):
                return {key: frozenset(Action(one) for one in actions) for key, actions in value.items()}
        except (TypeError, ValueError):
            pass
        self._wrong.append(name)
        return {}

    def _json(self, name: str) -> object:
        try:
            return json.loads(self._environment.get(name, ""))
        except ValueError:
            return None

    def finish(self) -> None:
        if self._wrong:
            raise ConfigError("bad_environment", f"missing or unreadable: {', '.join(dict.fromkeys(self._wrong))}")
