"""What the templates tell the functions, read once at cold start: names, addresses and rules, never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from activation.aws.environment import Environment
from activation.model import Action

from lambdas.ci360.links import AllowedHosts
from lambdas.ci360.target import SasFiles, Targets


@dataclass(frozen=True)
class WebhookSettings:
    """Of the webhook's function; `sas_bucket` is that of SAS's files, "" for none."""

    table: str
    queue_url: str
    bucket: str
    targets: Targets
    hosts: AllowedHosts
    keep_days: int
    sas_bucket: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WebhookSettings:
        """Read them; raises ConfigError naming every variable that is missing or unreadable."""
        reader = Environment(environment)
        settings = cls(
            table=reader.text("OCCURRENCE_TABLE"),
            queue_url=reader.text("QUEUE_URL"),
            bucket=reader.text("DROPS_BUCKET"),
            targets=Targets(reader.text("LANDING_PREFIX"), _drops(reader), _sas_files(reader)),
            hosts=_hosts(reader),
            keep_days=reader.whole("KEEP_DAYS"),
            sas_bucket=reader.text("SAS_FILES_BUCKET", ""),
        )
        reader.finish()
        return settings


@dataclass(frozen=True)
class TransferSettings:
    """Of the transfer's function.

    `landing_header` says whether a file below the landing prefix begins with the columns' names; a drop always
    does. `laptop_ca` is "" or the certificate the sandbox's own server is trusted by; it counts for that server
    alone. `sas_bucket` is that of SAS's files, "" for none.
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
    sas_bucket: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> TransferSettings:
        """Read them; raises ConfigError naming every variable that is missing or unreadable."""
        reader = Environment(environment)
        settings = cls(
            table=reader.text("OCCURRENCE_TABLE"),
            queue_url=reader.text("QUEUE_URL"),
            dead_letter_queue_url=reader.text("DEAD_LETTER_QUEUE_URL"),
            bucket=reader.text("DROPS_BUCKET"),
            bus=reader.text("EVENT_BUS_NAME"),
            hosts=_hosts(reader),
            laptop_ca=reader.text("LAPTOP_CA", ""),
            landing_header=reader.text("LANDING_HEADER", "metadata") != "none",
            max_file_bytes=reader.whole("MAX_FILE_BYTES"),
            deadline_s=reader.whole("DEADLINE_S"),
            keep_days=reader.whole("KEEP_DAYS"),
            sas_bucket=reader.text("SAS_FILES_BUCKET", ""),
        )
        reader.finish()
        return settings


@dataclass(frozen=True)
class ResultsSettings:
    """Of the results function; `events` maps an outcome to the name of an external event, "" for none.

    `identity` is the field and value the events are filed under in CI360, as the API wants one. `any_endpoint`
    lets the secret name another server than `gateway`.
    """

    table: str
    queue_url: str
    secret_arn: str
    gateway: str
    events: Mapping[str, str]
    identity: tuple[str, str]
    any_endpoint: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ResultsSettings:
        """Read them; raises ConfigError naming every variable that is missing or unreadable."""
        reader = Environment(environment)
        settings = cls(
            table=reader.text("OCCURRENCE_TABLE"),
            queue_url=reader.text("QUEUE_URL"),
            secret_arn=reader.text("SECRET_ARN"),
            gateway=reader.text("GATEWAY"),
            events={name: reader.text(f"{name.upper()}_EVENT", "") for name in ("landed", "completed", "failed")},
            identity=(reader.text("IDENTITY_FIELD"), reader.text("IDENTITY")),
            any_endpoint=reader.whole("ANY_ENDPOINT", 0) == 1,
        )
        reader.finish()
        return settings


def _hosts(reader: Environment) -> AllowedHosts:
    reader.text("ALLOWED_HOSTS")  # no hosts are written as [], so an empty variable is a missing one
    return AllowedHosts.of(reader.texts("ALLOWED_HOSTS"), reader.text("LAPTOP_HOST", ""))


def _sas_files(reader: Environment) -> SasFiles:
    try:
        return SasFiles(reader.text("SAS_FILES", SasFiles.NONE))
    except ValueError:
        reader.wrong("SAS_FILES")
        return SasFiles.NONE


def _drops(reader: Environment) -> dict[str, frozenset[Action]]:
    reader.text("DROPS")  # likewise {}
    try:
        drops = reader.mapping("DROPS")
        return {key: frozenset(Action(one) for one in actions) for key, actions in drops.items()}
    except (TypeError, ValueError):
        reader.wrong("DROPS")
        return {}
