"""The section `ci360` of the settings: who may deliver files, from where and to where. No section, no stack."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stacks.ci360.hosts import HOST, is_anybodys
from stacks.context import Reader
from stacks.names import BUCKET, KEY_ARN, KEY_MEANING

ACTIONS = ("add", "remove", "replace")  # a mirror is a folder with a sign, and a task writes single files

_KEY, MOST_KEYS = r"[a-z][a-z0-9]{0,15}", 2
DAYS = 30  # as drops
FIRST_KEY = "key"  # whose logical id is that of the one key there once was
_EVENT = r"[A-Za-z0-9_. -]{0,100}"


@dataclass(frozen=True)
class ResultsSettings:
    """The external events sent to CI360; an event name of "" sends nothing for that outcome.

    `gateway` is the external gateway address of the access point. `identity_field` and `identity` are the identity
    that CI360 files the events under, since they are about a task and not about a person.
    """

    gateway: str
    landed_event: str
    completed_event: str
    failed_event: str
    identity_field: str
    identity: str


@dataclass(frozen=True)
class SasFilesSettings:
    """Files as SAS's own S3 connector writes them: the original bytes under the task's own name, each run anew.

    `landing` is `beside` our own landing, or `instead` of it. `bucket` is an existing bucket of the app's account
    and region, "" for one that the app makes; `key_arn` is the KMS key that encrypts an existing one, "" for S3's
    own encryption. `days` is how long a file is kept in the app's own bucket, 0 for ever.
    """

    landing: str
    bucket: str
    key_arn: str
    days: int


@dataclass(frozen=True)
class Ci360Settings:
    """The settings of the webhook.

    `allowed_hosts` are names, or suffixes that begin with a dot. `drops` maps a connector to the actions that its
    drops may have. `allowed_ips` lists the networks that may call; () allows any caller with the API key.
    `logs_role` says where API Gateway's log role comes from, of which an account has one per region: this `app`
    creates it, the `account` has it, or with `none` nothing is logged. `keys` names one or two API keys.
    `landing_days` is how long landed files are kept, 0 for as long as drops. `reserved_concurrency` is of the
    webhook's function, 0 for none. `sas_files` is None where no file lands as SAS's own connector writes it.
    """

    allowed_hosts: tuple[str, ...]
    landing_prefix: str
    landing_header: str
    drops: Mapping[str, tuple[str, ...]]
    max_file_gb: int
    deadline_hours: int
    keep_days: int
    requests_per_second: int
    burst: int
    requests_per_day: int
    allowed_ips: tuple[str, ...]
    logs_role: str
    max_concurrency: int
    alarm_email: str
    keys: tuple[str, ...]
    landing_days: int
    reserved_concurrency: int
    results: ResultsSettings | None
    sas_files: SasFilesSettings | None

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Return the folders of the drops bucket that files may land in."""
        landing = () if self.sas_files and self.sas_files.landing == "instead" else (self.landing_prefix,)
        return (*landing, *self.drops)


def read_ci360(
    reader: Reader, given: Mapping[str, Any] | None, connectors: tuple[str, ...], asked: object = None
) -> Ci360Settings | None:
    """Read the section `given` through its `reader`; None if there is none and the command line asks for none.

    The command line overrides the section: `-c ci360=none` leaves it out, `-c ci360=on` uses the defaults if there
    is no section; CI360 may then add to every connector's audiences.
    """
    if asked not in (None, "on", "none"):
        reader.mistake("flag", "-c ci360= must be on or none")
    if asked == "none" or (given is None and asked is None):
        return None
    settings = Ci360Settings(
        allowed_hosts=_hosts(reader),
        landing_prefix=reader.text(
            "landing_prefix",
            pattern=r"[a-z][a-z0-9-]{0,31}",
            meaning="up to 32 lower-case letters, digits and hyphens, a letter first",
            default="ci360",
        ),
        landing_header=reader.choice("landing_header", ("metadata", "none"), default="metadata"),
        drops=dict.fromkeys(connectors, ("add",)) if given is None else _drops(reader, given, connectors),
        # S3's 10,000 parts would allow 117 GiB; nobody has tested a file that large.
        max_file_gb=reader.whole("max_file_gb", low=1, high=20, default=10),
        deadline_hours=reader.whole("deadline_hours", low=1, high=24 * 3, default=12),
        keep_days=reader.whole("keep_days", low=1, high=3650, default=90),
        requests_per_second=reader.whole("requests_per_second", low=1, high=1000, default=5),
        burst=reader.whole("burst", low=1, high=1000, default=20),
        requests_per_day=reader.whole("requests_per_day", low=1, high=1_000_000, default=5000),
        allowed_ips=_networks(reader),
        logs_role=reader.choice("logs_role", ("none", "app", "account"), default="none"),
        max_concurrency=reader.whole("max_concurrency", low=2, high=1000, default=5),
        alarm_email=reader.text(
            "alarm_email", pattern=r"[^@\s]+@[^@\s]+", meaning="an e-mail address", default=""
        ),
        keys=_keys(reader),
        landing_days=reader.whole("landing_days", low=0, high=3650, default=0),
        # Lambda refuses it where it would leave the account's other functions less than 100:
        # https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html, read 2026-11-29
        reserved_concurrency=reader.whole("reserved_concurrency", low=0, high=1000, default=0),
        results=_results(reader.section("results")) if (given or {}).get("results") is not None else None,
        sas_files=_sas_files(reader.section("sas_files")) if reader.has("sas_files") else None,
    )
    if settings.landing_prefix in connectors:
        reader.mistake(
            "landing_prefix",
            f"{settings.landing_prefix} is a connector's name: its files would be read as drops",
        )
    if settings.results is None:
        reader.none("results")
    reader.finish()
    return settings


def _keys(reader: Reader) -> tuple[str, ...]:
    """Read the names of the API keys: two while one replaces the other."""
    keys = reader.texts("keys") or (FIRST_KEY,)
    if len(keys) > MOST_KEYS or len(set(keys)) < len(keys) or not all(re.fullmatch(_KEY, one) for one in keys):
        reader.mistake("keys", "must be one or two different names of lower-case letters and digits")
    return keys


def _hosts(reader: Reader) -> tuple[str, ...]:
    hosts = tuple(host.lower() for host in reader.texts("allowed_hosts"))
    for host in hosts:
        if not re.fullmatch(HOST, host):
            reader.mistake(
                "allowed_hosts", "each must be a host name, or a suffix of names that begins with a dot"
            )
        elif is_anybodys(host):
            reader.mistake("allowed_hosts", f"anybody can own a name that {host} matches; name the whole host")
    return hosts


def _drops(reader: Reader, given: Mapping[str, Any], connectors: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    drops: dict[str, tuple[str, ...]] = {}
    for one in reader.sections("drops") if "drops" in given else reader.none("drops"):
        name = one.choice("connector", connectors)
        actions = one.texts("actions") or ("add",)
        unknown = [action for action in actions if action not in ACTIONS]
        if unknown:
            one.mistake("actions", f"{', '.join(unknown)}; known: {', '.join(ACTIONS)}")
        if name in drops:
            one.mistake("connector", f"{name} appears twice")
        drops[name] = tuple(action for action in actions if action in ACTIONS)
        one.finish()
    return drops


def _networks(reader: Reader) -> tuple[str, ...]:
    networks = []
    for text in reader.texts("allowed_ips"):
        try:
            networks.append(str(ipaddress.ip_network(text)))
        except ValueError:
            reader.mistake("allowed_ips", f"{text} is not a network such as 203.0.113.0/24")
    return tuple(networks)


def _sas_files(reader: Reader) -> SasFilesSettings:
    bucket = reader.text("bucket", pattern=BUCKET, meaning="the name of an existing bucket", default="")
    files = SasFilesSettings(
        landing=reader.choice("landing", ("beside", "instead")),
        bucket=bucket,
        key_arn=reader.text("key_arn", pattern=KEY_ARN, meaning=KEY_MEANING, default=""),
        days=reader.whole("days", low=0, high=3650, default=0 if bucket else DAYS),
    )
    if files.bucket and files.days:
        reader.mistake("days", "an existing bucket keeps its own lifecycle rules: set them there")
    if files.key_arn and not files.bucket:
        reader.mistake("key_arn", "is for an existing bucket; the app's own bucket has the app's key")
    reader.finish()
    return files


def _results(reader: Reader) -> ResultsSettings:
    meaning = "an external event's name of up to 100 letters, digits, spaces, dots, hyphens and underscores"
    results = ResultsSettings(
        gateway=reader.text("gateway", pattern=HOST, meaning="the host of the external gateway"),
        landed_event=reader.text("landed_event", pattern=_EVENT, meaning=meaning, default=""),
        completed_event=reader.text("completed_event", pattern=_EVENT, meaning=meaning, default=""),
        failed_event=reader.text("failed_event", pattern=_EVENT, meaning=meaning, default=""),
        identity_field=reader.choice(
            "identity_field", ("subject_id", "customer_id", "login_id", "datahub_id"), default="subject_id"
        ),
        identity=reader.text("identity", pattern=r"[!-~]{1,64}", meaning="a text", default="audience-activation"),
    )
    if not (results.landed_event or results.completed_event or results.failed_event):
        reader.mistake("landed_event", "name at least one event, or leave `results` out")
    reader.finish()
    return results
