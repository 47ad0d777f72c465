"""The list `sources` of the settings: buckets of other owners whose objects are drops for an audience."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from activation.identifiers.kinds import declarable
from activation.model import Action
from activation.platforms.platform import Platform

from stacks.connector_settings import MAX_SAID_BYTES, ConnectorSettings, said
from stacks.context import Reader
from stacks.names import BUCKET, KEY_ARN, KEY_MEANING, NAME
from stacks.sync.settings import SYNC_KINDS

BUCKETS = "bucket"
KINDS = (BUCKETS, *SYNC_KINDS)
# A role's policies may have 10,240 characters, of which a source takes about 500:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, read 2026-11-29
MOST_FOR_A_CONNECTOR = 10
# A prefix is in the role's policy, where `*`, `?` and `${` are wildcards and letters end at U+00FF:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html and, for the letters,
# the page above, both read 2026-11-30
_PREFIX = r"(?=.{0,512}\Z)([^*?$/\x00-\x1f\x7f-\x9f\u0100-\U0010ffff]+/)*"


@dataclass(frozen=True)
class SourceSettings:
    """A bucket that the app reads and never writes, and whose drops its objects below `prefix` are.

    `prefix` ends in a slash, or is "" for the whole bucket. `connector` is a connector's name; `audience`,
    `identifiers` and `action` are as in a drop's key. `key_arn` is the KMS key that encrypts the objects, "" for
    S3's own encryption. `account` is the AWS account that owns the bucket, "" for the one that the app is in.
    """

    name: str
    kind: str
    bucket: str
    prefix: str
    connector: str
    audience: str
    identifiers: str
    action: str
    key_arn: str
    account: str

    @property
    def id(self) -> str:
        """Return the source's name as construct ids and outputs spell it: clean-rooms becomes CleanRooms."""
        return "".join(part.title() for part in self.name.split("-"))

    @property
    def variable(self) -> dict[str, str]:
        """Return what the connector's function must know of the source, without what it has a default for."""
        told = {
            "bucket": self.bucket,
            "prefix": self.prefix,
            "audience": self.audience,
            "identifiers": self.identifiers,
            "action": self.action,
            "account": self.account,
        }
        return {key: text for key, text in told.items() if (key, text) not in {("action", "add"), ("account", "")}}


def read_sources(
    reader: Reader, connectors: tuple[ConnectorSettings, ...], known_platforms: Mapping[str, Platform]
) -> tuple[SourceSettings, ...]:
    """Read the sources that are buckets; their mistakes are the reader's. The others are read by stacks/sync."""
    platform_of = {one.name: known_platforms.get(one.platform) for one in connectors}
    found: list[SourceSettings] = []
    for one in reader.sections("sources", optional=True):
        if one.value("kind") in SYNC_KINDS:
            continue
        source = _read(one, platform_of)
        _check_others(one, source, found)
        found.append(source)
        one.finish()
    for connector in connectors:
        _check_room(reader, connector, [one for one in found if one.connector == connector.name])
    return tuple(found)


def _read(reader: Reader, platform_of: Mapping[str, Platform | None]) -> SourceSettings:
    connector = reader.choice("connector", tuple(platform_of))
    platform = platform_of.get(connector)
    source = SourceSettings(
        name=reader.text(
            "name",
            pattern=rf"(?=.{{1,32}}\Z){NAME}",
            meaning="up to 32 lower-case letters, digits and single hyphens, a letter first",
        ),
        kind=reader.choice("kind", KINDS),
        bucket=reader.text("bucket", pattern=BUCKET, meaning="a bucket's name, without s3://"),
        prefix=reader.text(
            "prefix",
            pattern=_PREFIX,
            meaning='folders, each with a slash after it, such as "exports/vip/", without * ? $ and letters beyond'
            ' Latin-1; "" for the whole bucket',
        ),
        connector=connector,
        audience=reader.text(
            "audience", pattern=r"(?=.{1,128}\Z)(?=.*\S)[^/]+", meaning="an audience's name, without /"
        ),
        identifiers=reader.text(
            "identifiers", pattern=r"[A-Za-z0-9_]+", meaning="raw, hashed or one identifier type, such as email"
        ).lower(),
        action=reader.choice("action", sorted(platform.limits.actions if platform else Action), default="add"),
        key_arn=reader.text("key_arn", pattern=KEY_ARN, meaning=KEY_MEANING, default=""),
        account=reader.text("account", pattern=r"\d{12}", meaning="an AWS account id of 12 digits", default=""),
    )
    if platform is not None and source.identifiers and find_spec("pyarrow"):
        known = declarable(platform.table)
        if source.identifiers not in known:
            reader.mistake("identifiers", f"{platform.title} has none of this name; it has {', '.join(known)}")
    return source


def _check_others(reader: Reader, source: SourceSettings, others: list[SourceSettings]) -> None:
    """Report what two sources must not share: a name, and an object that both make a drop of one connector."""
    alike = next((one for one in others if source.name and source.id.lower() == one.id.lower()), None)
    if alike:
        reader.same_name(source.name, alike.name)
    around = next((one for one in others if _overlap(source, one)), None)
    if around:
        reader.mistake(
            "prefix",
            f"is within or around that of {around.name}, so an object would be one connector's drop twice",
        )


def _overlap(one: SourceSettings, other: SourceSettings) -> bool:
    nested = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    return one.bucket != "" and (one.bucket, one.connector) == (other.bucket, other.connector) and nested


def _check_room(reader: Reader, connector: ConnectorSettings, sources: list[SourceSettings]) -> None:
    """Report sources that a function's environment or role has no room for."""
    if len(sources) > MOST_FOR_A_CONNECTOR:
        reader.mistake("sources", f"{connector.name} has more than {MOST_FOR_A_CONNECTOR}")
    told = [*said(connector), [one.variable for one in sources]]
    if sources and len(json.dumps(told, ensure_ascii=False).encode()) > MAX_SAID_BYTES:
        reader.mistake(
            "sources",
            f"those of {connector.name} have no room in its function beside columns, placeholders, consent and"
            " operation: shorten them, or make a second connector",
        )
