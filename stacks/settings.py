"""`cdk.context.json` as frozen settings, checked as a whole before the first construct exists."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from activation.platforms.platform import Platform

from stacks.chat_settings import NO_CHAT, ChatSettings, read_chat
from stacks.ci360.settings import Ci360Settings, read_ci360
from stacks.clean_rooms.settings import CleanRoomsQuery, read_clean_rooms
from stacks.connector_settings import ConnectorSettings, read_connector
from stacks.context import Reader
from stacks.doctor_settings import DoctorSettings, read_doctor
from stacks.existing import StorageSettings, read_boundary, read_storage, read_tags
from stacks.marketing_stream.settings import StreamSettings, read_stream
from stacks.names import DEFAULT_APP, NAME
from stacks.normalize.settings import NormalizeSettings, read_normalize
from stacks.retention_settings import Retention, read_retention
from stacks.source_settings import SourceSettings, read_sources
from stacks.suppression_settings import SuppressionSettings, read_suppressions
from stacks.sync.settings import SyncSettings, read_sync

KEY = "audience_activation"
ROOT = Path(__file__).resolve().parent.parent

# `cdk ... -c <flag>=<value>` sets one of these for a single run, as the sandbox does with the host's wheels.
FLAGS = {
    "name": ("name",),
    "alarms": ("alarms",),
    "endpoints": ("endpoints",),
    "removal": ("removal",),
    "wheels_architecture": ("wheels", "architecture"),
    "wheels_python": ("wheels", "python"),
    "wheels_system": ("wheels", "system"),
    "doctor_at": ("doctor", "at"),
    "chat": ("chat",),
    "connectors": ("connectors",),
    "sources": ("sources",),
    "normalize": ("normalize",),
    "clean_rooms": ("clean_rooms",),
    "ci360_sas_files": ("ci360", "sas_files"),
}
# Those that are JSON.
DOCUMENTS = ("chat", "connectors", "sources", "normalize", "clean_rooms", "ci360_sas_files")


class SettingsError(Exception):
    """Everything that is wrong with the settings, one sentence each, each naming its key."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join((f"cdk.context.json: {len(mistakes)} to correct", *mistakes)))
        self.mistakes = mistakes


@dataclass(frozen=True)
class Wheels:
    """What the wheel layers are built for: a Lambda architecture, a Python version, an operating system.

    `system` is `linux` for AWS (Amazon Linux 2023, manylinux_2_28); `linux-laptop` and `macos` are for an emulator
    that runs the functions with the machine's own Python.
    """

    architecture: str
    python: str
    system: str


@dataclass(frozen=True)
class Settings:
    """The whole app. `name` begins every stack's name, so that an account can hold several copies.

    `alarms` is who is told when something goes wrong: an e-mail address, a topic's ARN, "none", "" for undecided.
    `endpoints` is "any" where a secret may name another server than its platform's, else "platform".
    `permissions_boundary` is the policy that bounds every role, "" for none. `tags` are those of every resource.
    `doctor` says when the daily examination runs. `normalize` is None where no job turns exports into drops, and
    `sync` where no source is a database or a lake. `clean_rooms` are queries that run by a schedule.
    `suppressions` says how much a drop may change the suppression lists. `chat` names the channel that is told.
    """

    name: str
    alarms: str
    endpoints: str
    removal: str
    log_level: str
    wheels: Wheels
    retention: Retention
    connectors: tuple[ConnectorSettings, ...]
    sources: tuple[SourceSettings, ...]
    storage: StorageSettings
    permissions_boundary: str
    tags: tuple[tuple[str, str], ...]
    marketing_stream: StreamSettings | None
    ci360: Ci360Settings | None
    doctor: DoctorSettings
    normalize: NormalizeSettings | None
    clean_rooms: tuple[CleanRoomsQuery, ...]
    suppressions: SuppressionSettings
    sync: SyncSettings | None = None
    chat: ChatSettings = NO_CHAT


def read_settings(
    context: Callable[[str], Any], known_platforms: Mapping[str, Platform], root: Path = ROOT
) -> Settings:
    """Read the settings through `context`, which gives a context key's value or None.

    `root` is the folder that files in the settings are seen from.

    Raises SettingsError with every mistake at once, unknown keys included.
    """
    mistakes: list[str] = []
    given = context(KEY)
    reader = Reader(_with_flags(given, context), KEY, mistakes)
    retention = read_retention(reader.section("retention"))
    connectors = _connectors(reader, known_platforms, retention)
    name = reader.text(
        "name",
        pattern=rf"(?=.{{3,32}}\Z){NAME}",
        meaning="3 to 32 lower-case letters, digits and single hyphens, a letter first",
        default=DEFAULT_APP,
    )
    sources = read_sources(reader, connectors, known_platforms)
    normalize = read_normalize(reader.section("normalize"), connectors, root)
    settings = Settings(
        name=name,
        alarms=reader.text(
            "alarms",
            pattern=r"none|[^@\s]+@[^@\s]+|arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+",
            meaning="an e-mail address, the ARN of a topic in this region, or none",
            default="",
        ),
        endpoints=reader.choice("endpoints", ("platform", "any"), default="platform"),
        removal=reader.choice("removal", ("retain", "destroy"), default="retain"),
        log_level=reader.choice("log_level", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO"),
        wheels=_wheels(reader.section("wheels")),
        retention=retention,
        connectors=connectors,
        sources=sources,
        storage=read_storage(reader.section("storage")),
        permissions_boundary=read_boundary(reader),
        tags=read_tags(reader),
        marketing_stream=read_stream(
            reader.section("marketing_stream"), _section(given, "marketing_stream"), context, name
        ),
        ci360=read_ci360(
            reader.section("ci360"),
            _section(given, "ci360"),
            tuple(one.name for one in connectors),
            context("ci360"),
        ),
        doctor=read_doctor(reader.section("doctor")),
        normalize=normalize,
        clean_rooms=read_clean_rooms(reader, sources, normalize, name),
        suppressions=read_suppressions(reader.section("suppressions")),
        chat=read_chat(reader.section("chat")),
        sync=read_sync(reader.section("sync"), reader.sections("sources", optional=True)),
    )
    _check_topic(reader, settings)
    storage = settings.storage
    own = {storage.drops_bucket, storage.receipts_bucket, storage.mirrors_bucket} - {""}
    if any(source.bucket in own for source in settings.sources):
        reader.mistake("sources", "a source is a bucket of somebody else, not the app's own")
    if settings.normalize and settings.normalize.bucket in own:
        reader.mistake("normalize.bucket", "is the app's own: an export there would be a drop or a receipt")
    if any(query.bucket in own for query in settings.clean_rooms):
        reader.mistake("clean_rooms", "results go to a bucket that is not the app's own")
    files = settings.ci360.sas_files if settings.ci360 else None
    if files and files.bucket in own:
        reader.mistake("ci360.sas_files.bucket", "is the app's own: a file there would be a drop or a receipt")
    reader.finish()
    if mistakes:
        raise SettingsError(mistakes)
    return settings


def _check_topic(reader: Reader, settings: Settings) -> None:
    """Report a topic in another region than alarms of Marketing Stream, which publish in their own only."""
    stream, topic = settings.marketing_stream, settings.alarms
    if not topic.startswith("arn:") or stream is None or stream.alarm_email:
        return
    wanted = {one.realm.region for one in stream.datasets} | {one.realm.region for one in stream.v2}
    if elsewhere := sorted(wanted - {topic.split(":")[3]}):
        reader.mistake(
            "alarms",
            f"a topic cannot be used from {', '.join(elsewhere)}, where stacks of the stream are: set"
            " marketing_stream.alarm_email",
        )


def _with_flags(given: object, context: Callable[[str], Any]) -> object:
    """Lay the flags of the command line over the file's settings."""
    if not isinstance(given, Mapping):
        return given
    merged = copy.deepcopy(dict(given))
    for flag, path in FLAGS.items():
        value = context(flag)
        if value is None:
            continue
        section: object = merged
        for key in path[:-1]:
            section = section.setdefault(key, {}) if isinstance(section, dict) else None
        if isinstance(section, dict):  # else the reader reports it
            section[path[-1]] = _parsed(value) if flag in DOCUMENTS else value
    return merged


def _parsed(value: object) -> object:
    """Return what a flag's JSON text says; the reader reports a text that says nothing."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _section(given: object, key: str) -> Mapping[str, Any] | None:
    """Return a section as it stands in the file; None where there is none, which differs from an empty one."""
    section = given.get(key) if isinstance(given, Mapping) else None
    return section if isinstance(section, Mapping) else None


def _wheels(reader: Reader) -> Wheels:
    wheels = Wheels(
        architecture=reader.choice("architecture", ("arm64", "x86_64"), default="arm64"),
        python=reader.choice("python", ("3.11", "3.12", "3.13", "3.14"), default="3.13"),
        system=reader.choice("system", ("linux", "linux-laptop", "macos"), default="linux"),
    )
    # Lambda's Python 3.11 runs on Amazon Linux 2, with glibc 2.26, later ones on Amazon Linux 2023, with 2.34:
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, read 2026-11-22. Arrow's wheels need 2.28.
    if (wheels.python, wheels.system) == ("3.11", "linux"):
        reader.mistake("python", "3.11 runs on Amazon Linux 2 at Lambda, which cannot load Arrow; use 3.13")
    reader.finish()
    return wheels


def _connectors(
    reader: Reader, known_platforms: Mapping[str, Platform], retention: Retention
) -> tuple[ConnectorSettings, ...]:
    names: dict[str, str] = {}
    connectors = []
    for one in reader.sections("connectors"):
        connector = read_connector(one, known_platforms)
        connectors.append(connector)
        # Outputs are named without hyphens, so a-b and ab would be one name.
        plain = connector.name.replace("-", "")
        if plain and plain in names:
            one.same_name(connector.name, names[plain])
        names[plain] = connector.name
        if connector.deadline_hours > 24 * retention.drops_days:
            one.mistake(
                "deadline_hours", "is longer than drops_days: the drop would be gone before its run gives up"
            )
        one.finish()
    return tuple(connectors)
