"""The section `marketing_stream` of the settings: which datasets are received, where and how.

Without the section there are no stacks of the stream; an empty section means all 15 datasets in all three realms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from stacks.context import Reader
from stacks.marketing_stream.catalogue import (
    BY_ID,
    DATASETS,
    REVIEWER_ROLE,
    SUBSCRIBER_ROLE,
    Counting,
    Dataset,
    Realm,
)
from stacks.names import DEFAULT_APP

DELIVERIES = ("sqs", "firehose")

_DATASET_ID = r"(?=.{1,64}\Z)[a-z0-9]+(-[a-z0-9]+)*"
_PRINCIPAL = r"arn:aws:iam::\d{12}:(root|role/[\w+=,.@/-]{1,512})"
_SOURCE = r"arn:aws:sns:[a-z0-9-]+:\d{12}:[\w*-]{1,256}"
# Of a bucket's 63 characters, an account's number, the longest region and the word at the end leave so many.
_BUCKET_START = 63 - len("-123456789012-us-east-1-data")
_COPY = r"(?=.{3,24}\Z)[a-z0-9]+(-[a-z0-9]+)*"


@dataclass(frozen=True)
class StreamDataset:
    """One stack: a dataset in a realm, the topics that may send it, and its deliveries ("sqs", "firehose").

    `upgrades` says that this is the first of the two deployments over Amazon's example stack. With
    `generated_roles` CloudFormation names the roles of Firehose subscriptions. `prefix` begins the stack's name.
    """

    dataset: Dataset
    realm: Realm
    source: str
    deliveries: tuple[str, ...]
    upgrades: bool = False
    generated_roles: bool = False
    prefix: str = ""

    @property
    def stack_name(self) -> str:
        """Return the stack's name."""
        return f"{self.prefix}{self.example_name}"

    @property
    def example_name(self) -> str:
        """Return the name of Amazon's example stack, after which some logical ids are made."""
        return f"AmzStream-{self.realm}-{self.dataset.id}"

    @property
    def example_roles(self) -> bool:
        """Return whether the roles of Firehose subscriptions have the ids and names of the example stack.

        The names are an account's, and contain eight letters of the dataset: only the example's datasets, and one
        copy of their stacks, can have them.
        """
        return self.dataset.default and not self.generated_roles and self.stack_name == self.example_name


@dataclass(frozen=True)
class StreamV2:
    """A stack for Stream v2: the short name in its own name and its bucket's, the realm, and what begins both."""

    name: str
    realm: Realm
    prefix: str = ""

    @property
    def stack_name(self) -> str:
        """Return the stack's name."""
        return f"{self.prefix}AmzStreamV2-{self.realm}-{self.name}"

    @property
    def bucket_start(self) -> str:
        """Return how the bucket's name begins; account, region and `data` follow."""
        return f"{self.prefix}{self.name}"


@dataclass(frozen=True)
class StreamSettings:
    """The settings of the stream.

    `prefix` begins the names of all stacks and of the query database: "" for those of Amazon's example app, which
    one copy of this app can have in an account, else the app's name and a hyphen. `reviewers` and `subscribers`
    are the trusted principals of Amazon. `retired` are deliveries that a deployment may take away from a live
    stack, since their subscriptions are archived. `keep_days` is how long landed records are kept; 0 keeps them
    for ever. `alarm_email` "" means that no mail is sent.
    """

    prefix: str
    datasets: tuple[StreamDataset, ...]
    v2: tuple[StreamV2, ...]
    reviewers: tuple[str, ...]
    subscribers: tuple[str, ...]
    retired: tuple[str, ...]
    compression: str
    keep_days: int
    batch_size: int
    max_concurrency: int
    alarm_email: str

    @property
    def database(self) -> str:
        """Return the name of the query database, of which Athena takes no hyphens."""
        return f"{self.prefix}amazon_marketing_stream".replace("-", "_")


def read_stream(
    reader: Reader, given: Mapping[str, Any] | None, context: Callable[[str], Any], app: str
) -> StreamSettings | None:
    """Read the section `given` through its `reader`; None if there is none and no flag asks for it.

    `app` is the app's name.

    The command line overrides the section: `-c stream=all`, `none` or a list such as `sp-traffic,sp-conversion`
    says which datasets, `-c stream_realms=NA,EU` where, `-c delivery_type=sqs,firehose` how. Two flags are about a
    live stack: `-c stream_upgrade=first` and `-c stream_retire=sqs`.
    """
    asked = context("stream")
    if asked == "none" or (given is None and asked is None):
        return None
    realms = tuple(Realm(one) for one in _several(reader, "realms", tuple(Realm), context("stream_realms")))
    delivery = _several(reader, "delivery", DELIVERIES, context("delivery_type"), default=("sqs",))
    stacks = {one.stack_name: one for one in _listed(reader, asked, realms, delivery)}
    for override in _optional_sections(reader, given, "overrides"):
        stacks |= {one.stack_name: one for one in _override(override, realms, delivery)}
    unknown = sorted({one.dataset.id for one in stacks.values() if not one.source})
    if unknown:
        reader.mistake(
            "overrides",
            f"Amazon publishes no source account for {', '.join(unknown)}: give the topics' ARN as `source`",
        )
    prefix = _prefix(reader, app)
    roles = reader.choice("firehose_roles", ("example", "generated"), default="example")
    upgrades = _upgrades(reader, context("stream_upgrade"), stacks.values())
    settings = StreamSettings(
        prefix=prefix,
        datasets=tuple(
            replace(one, upgrades=upgrades, generated_roles=roles == "generated", prefix=prefix)
            for one in stacks.values()
        ),
        v2=tuple(_v2(one, prefix) for one in _optional_sections(reader, given, "v2")),
        reviewers=_principals(reader, "reviewers", REVIEWER_ROLE),
        subscribers=_principals(reader, "subscribers", SUBSCRIBER_ROLE),
        retired=_retired(reader, context("stream_retire")),
        compression=reader.choice("compression", ("GZIP", "UNCOMPRESSED"), default="GZIP"),
        keep_days=reader.whole("keep_days", low=0, high=3650, default=0),
        batch_size=reader.whole("batch_size", low=1, high=1000, default=100),
        max_concurrency=reader.whole("max_concurrency", low=2, high=1000, default=5),
        alarm_email=reader.text(
            "alarm_email", pattern=r"[^@\s]+@[^@\s]+", meaning="an e-mail address", default=""
        ),
    )
    reader.finish()
    return settings


def _prefix(reader: Reader, app: str) -> str:
    """Return what begins the names: nothing for the copy of the app that has Amazon's example's."""
    own = "example" if app == DEFAULT_APP else "app"
    return "" if reader.choice("names", ("example", "app"), default=own) == "example" else f"{app}-"


def _upgrades(reader: Reader, flag: object, stacks: Iterable[StreamDataset]) -> bool:
    """Return whether this is the first deployment over Amazon's example stacks, which have one delivery each."""
    if flag is None:
        return False
    if flag != "first":
        reader.mistake("stream_upgrade", "can only be `first`; the second deployment is one without it")
    if any(len(one.deliveries) > 1 for one in stacks):
        reader.mistake("stream_upgrade", "keeps the one delivery of the example stack: add another one later")
    return True


def _retired(reader: Reader, flag: object) -> tuple[str, ...]:
    named = tuple(str(flag).split(",")) if flag is not None else ()
    if wrong := [one for one in named if one not in DELIVERIES]:
        reader.mistake("stream_retire", f"{', '.join(wrong)}; known: {', '.join(DELIVERIES)}")
    return named


def _several(
    reader: Reader, key: str, choices: tuple[str, ...], flag: object, default: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return some of `choices`: those of the flag, else those of the section, else `default`, else all."""
    listed = reader.texts(key)
    named = str(flag).split(",") if flag is not None else listed or default or choices
    wrong = [one for one in named if one not in choices]
    if wrong:
        reader.mistake(key, f"{', '.join(wrong)}; known: {', '.join(choices)}")
    return tuple(dict.fromkeys(one for one in named if one in choices))


def _listed(
    reader: Reader, asked: object, realms: tuple[Realm, ...], delivery: tuple[str, ...]
) -> list[StreamDataset]:
    """Return the stacks of the datasets named by the flag, else by the section, else of the default ones."""
    named = reader.texts("datasets") or tuple(one.id for one in DATASETS if one.default)
    if asked is not None:
        named = (
            tuple(one.id for one in DATASETS if one.default) if asked == "all" else tuple(str(asked).split(","))
        )
    unknown = [one for one in named if one not in BY_ID]
    if unknown:
        known = ", ".join(BY_ID)
        reader.mistake("datasets", f"{', '.join(unknown)} unknown; known: {known}; others go into `overrides`")
    return [
        StreamDataset(BY_ID[id_], realm, BY_ID[id_].source(realm), delivery)
        for realm in realms
        for id_ in named
        if id_ in BY_ID
    ]


def _optional_sections(reader: Reader, given: Mapping[str, Any] | None, key: str) -> list[Reader]:
    return reader.sections(key) if given is not None and key in given else reader.none(key)


def _override(reader: Reader, realms: tuple[Realm, ...], delivery: tuple[str, ...]) -> list[StreamDataset]:
    """Read one dataset's own settings: realms, topics, delivery. The dataset need not be in the catalogue."""
    id_ = reader.text("dataset", pattern=_DATASET_ID, meaning="a dataset's identifier such as sp-traffic")
    dataset = BY_ID.get(id_) or Dataset(
        id_, Counting(reader.choice("counting", tuple(Counting), default=Counting.NOTICES)), default=False
    )
    wanted = [Realm(one) for one in _several(reader, "realms", tuple(Realm), None, default=realms)]
    kinds = _several(reader, "delivery", DELIVERIES, None, default=delivery)
    source = reader.text("source", pattern=_SOURCE, meaning="an ARN of SNS topics that may end in *", default="")
    reader.finish()
    if source and [source.split(":")[3]] != [one.region for one in wanted]:
        reader.mistake("source", "is in one region: name the one realm it is for in `realms`")
    return [StreamDataset(dataset, realm, source or dataset.source(realm), kinds) for realm in wanted]


def _v2(reader: Reader, prefix: str) -> StreamV2:
    wanted = StreamV2(
        name=reader.text("name", pattern=_COPY, meaning="3 to 24 lower-case letters, digits and single hyphens"),
        realm=Realm(reader.choice("realm", tuple(Realm), default=Realm.NA)),
        prefix=prefix,
    )
    reader.finish()
    if len(wanted.bucket_start) > _BUCKET_START:
        reader.mistake("name", f"has to fit with the app's name into {_BUCKET_START} letters of its bucket's name")
    return wanted


def _principals(reader: Reader, key: str, default: str) -> tuple[str, ...]:
    found = reader.texts(key) or (default,)
    if not all(re.fullmatch(_PRINCIPAL, one) for one in found):
        reader.mistake(key, "must be ARNs of IAM roles or accounts, such as arn:aws:iam::926844853897:root")
    return found
