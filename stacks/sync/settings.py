"""The settings of the sync: its sources in the list `sources`, and its network. Without a source it is off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stacks.context import Reader
from stacks.names import BUCKET, KEY_ARN, KEY_MEANING, NAME
from stacks.secret_settings import SECRET_ARN

POSTGRES, ATHENA = "postgres", "athena"
SYNC_KINDS = (POSTGRES, ATHENA)
# https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html, read 2026-11-30
MOST_SUBNETS, MOST_GROUPS = 16, 5
SUBNET, GROUP = r"subnet-[0-9a-f]{8,17}", r"sg-[0-9a-f]{8,17}"
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html, read 2026-11-30
RESOURCE_ID = r"(db|cluster|prx)-[A-Za-z0-9]{1,60}"
HOST = r"[A-Za-z0-9.-]{1,253}"
IDENTIFIER = r"[A-Za-z_][\w$-]{0,62}"
MOST_SOURCES = 10  # a role's policy has room for so many


@dataclass(frozen=True)
class SyncSource:
    """A database or a lake that people are selected from; `name` is its name in `audiences.yml`.

    Of Postgres: `secret_arn` is an existing secret, "" for one that the app makes. `host`, `port` (0), `database`
    and `user` are "" where the secret says them. `iam` is the resource id of the database whose user logs in by
    IAM, "" for a password. Of Athena: `workgroup` and `database`, `buckets`, whose objects its tables are, and
    `results`, the bucket and the prefix of the workgroup's result location, "" where Athena keeps results itself.
    `key_arn` is the customer key of an existing secret or of the lake's buckets, "" for none.
    """

    name: str
    kind: str
    secret_arn: str = ""
    key_arn: str = ""
    host: str = ""
    port: int = 0
    database: str = ""
    user: str = ""
    iam: str = ""
    workgroup: str = ""
    buckets: tuple[str, ...] = ()
    results: str = ""

    @property
    def id(self) -> str:
        """Return the name as construct ids spell it."""
        return "".join(part.title() for part in self.name.split("-"))

    @property
    def has_own_secret(self) -> bool:
        """Return whether the app makes the source's secret."""
        return self.kind == POSTGRES and not self.secret_arn and not (self.iam and self.user)

    def told(self, secret_arn: str) -> dict[str, Any]:
        """Return what the function must know, without what it has a default for; see lambdas/sync/sources.py."""
        said = {
            "name": self.name,
            "kind": self.kind,
            "secret_arn": secret_arn,
            "host": self.host,
            "port": self.port,
            "database": self.database if self.kind == POSTGRES else "",
            "user": self.user,
            "iam": bool(self.iam),
        }
        return {key: value for key, value in said.items() if value}


@dataclass(frozen=True)
class SyncSettings:
    """The sync. Without `subnets` its function is in no VPC."""

    sources: tuple[SyncSource, ...]
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    max_concurrency: int = 5
    memory_mb: int = 1769


def read_sync(reader: Reader, sources: Sequence[Reader]) -> SyncSettings | None:
    """Read the section `sync` and its sources; None where there is none. Mistakes are the readers'."""
    found: list[SyncSource] = []
    for one in sources:
        if one.value("kind") not in SYNC_KINDS:
            continue
        source = _source(one)
        if any(source.id.lower() == other.id.lower() for other in found):
            one.mistake("name", f"{source.name} is the name of another source, but for hyphens")
        found.append(source)
        one.finish()
    settings = SyncSettings(
        tuple(found),
        _ids(reader, "subnets", SUBNET, "subnets' ids such as subnet-0123456789abcdef0", MOST_SUBNETS),
        _ids(reader, "security_groups", GROUP, "security groups' ids such as sg-0123456789abcdef0", MOST_GROUPS),
        # Lambda's own bounds for a mapping's maximum concurrency.
        reader.whole("max_concurrency", low=2, high=1000, default=5),
        reader.whole("memory_mb", low=512, high=10_240, default=1769),
    )
    if bool(settings.subnets) != bool(settings.security_groups):
        lacking = "security_groups" if settings.subnets else "subnets"
        reader.mistake(lacking, "missing: a function in a VPC has subnets and security groups")
    if len(found) > MOST_SOURCES:
        reader.mistake("max_concurrency", f"more than {MOST_SOURCES} sources are databases or lakes")
    reader.finish()
    return settings if found else None


def _source(reader: Reader) -> SyncSource:
    kind = reader.choice("kind", SYNC_KINDS)
    name = reader.text(
        "name",
        pattern=rf"(?=.{{1,32}}\Z){NAME}",
        meaning="up to 32 lower-case letters, digits and single hyphens, a letter first",
    )
    key_arn = reader.text("key_arn", pattern=KEY_ARN, meaning=KEY_MEANING, default="")
    if kind == ATHENA:
        return SyncSource(
            name,
            kind,
            key_arn=key_arn,
            workgroup=reader.text("workgroup", pattern=r"[A-Za-z0-9._-]{1,128}", meaning="Athena's workgroup"),
            database=reader.text(
                "database", pattern=r"[A-Za-z0-9_]{1,255}", meaning="a database of the catalogue"
            ),
            buckets=_buckets(reader),
            results=reader.text(
                "results",
                pattern=rf"{BUCKET}/([\w.=-]+/)*",
                meaning="bucket and prefix of the workgroup's results, such as example-athena/activation/",
                default="",
            ),
        )
    source = SyncSource(
        name,
        kind,
        secret_arn=reader.text(
            "secret_arn",
            pattern=SECRET_ARN,
            meaning="the ARN of a secret in Secrets Manager, with the six characters at its end",
            default="",
        ),
        key_arn=key_arn,
        host=reader.text("host", pattern=HOST, meaning="a host's name", default=""),
        port=reader.whole("port", low=0, high=65_535, default=0),
        database=reader.text("database", pattern=IDENTIFIER, meaning="a database's name", default=""),
        user=reader.text("user", pattern=IDENTIFIER, meaning="a user's name", default=""),
        iam=reader.text(
            "iam",
            pattern=RESOURCE_ID,
            meaning="the resource id of the database, cluster or proxy, such as cluster-ABCDEFGHIJ",
            default="",
        ),
    )
    if source.iam and not source.user:
        reader.mistake("user", "missing: a login by IAM is for one user, whom the role names")
    if source.key_arn and not source.secret_arn:
        reader.mistake("key_arn", "the app's own secret is encrypted with the app's key")
    return source


def _buckets(reader: Reader) -> tuple[str, ...]:
    found = reader.texts("buckets")
    if not found or not all(re.fullmatch(BUCKET, one) for one in found):
        reader.mistake("buckets", "must be the names of the buckets that the tables' objects are in")
    return found


def _ids(reader: Reader, key: str, pattern: str, meaning: str, most: int) -> tuple[str, ...]:
    found = reader.texts(key)
    if len(found) > most or not all(re.fullmatch(pattern, one) for one in found):
        reader.mistake(key, f"must be up to {most} {meaning}")
    return found
