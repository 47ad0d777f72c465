"""The drops of a forget: a folder for each audience, and one for the suppression list; and what became of them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from activation.drops.folder_manifest import ManifestExport, ManifestReading, manifest_text
from activation.drops.forgetting import forget_folder
from activation.drops.locate import locate
from activation.drops.source import BytesSource
from activation.identifiers.column_map import IGNORE
from activation.ledger.keys import RUN
from activation.ledger.runs import FINAL, STOPPED, RunState
from activation.ledger.suppression_lists import NAME
from activation.model import FORGET_PREFIX, FORGOTTEN_LIST, Action, Audience, Drop
from activation.report.receipts import stem

from cli.connectors import NamedConnector
from cli.dry_run import DryRun
from cli.dry_run_sums import Sums
from cli.forget_people import ASKED, People
from cli.forget_targets import Place
from cli.upload import MANIFEST
from stacks.names import FORGETS

if TYPE_CHECKING:
    from cli.deployment import Deployment

FILE = "people.csv"
ADDED = "added"
POLL_S = 2.0
# What ends the names of folders that hold a file that was given.
GIVEN = "file"
# What ends the names of those that hold one kind of its identifiers; no platform has as many kinds.
KINDS = tuple(f"kind{number}" for number in range(1, 100))
ENDED = frozenset(str(one) for one in (*FINAL, *STOPPED))


@dataclass(frozen=True)
class ForgetRun:
    """A run of a forget: where it removes people, its id, its state, and the key of the drop that began it."""

    connector: str
    audience: str
    run_id: str
    state: str
    key: str

    @property
    def has_ended(self) -> bool:
        """Return whether the run goes on no more by itself."""
        return self.state in ENDED

    @property
    def receipt_key(self) -> str:
        """Return the key of the run's receipt."""
        return f"{stem(Audience(self.connector, self.audience), self.run_id)}.json"

    @property
    def is_of_one_kind(self) -> bool:
        """Return whether the run's drop is a file that was given, of which one kind of identifier is read."""
        return self._folder.endswith(tuple(f"-{one}" for one in KINDS))

    @property
    def is_of_file(self) -> bool:
        """Return whether the run's drop is a file that was given, a person a row, with all that is in it."""
        return self._folder.endswith(f"-{GIVEN}")

    @property
    def _folder(self) -> str:
        return self.key.rsplit("/", 2)[-2]

    def is_of(self, place: Place) -> bool:
        """Return whether the run removes people there, by all that was given or by one kind of it."""
        return any(self.removes(place, column) for column in ("", GIVEN, *ASKED, *KINDS))

    def removes(self, place: Place, column: str) -> bool:
        """Return whether the run is the place's drop of this name, see `ForgetDrops.put`."""
        forget_id = self._folder.removeprefix(FORGET_PREFIX).partition("-")[0]
        own = forget_folder(forget_id, place.account, column)
        return (self.connector, self.audience, self._folder) == (place.connector, place.audience, own)


@dataclass(frozen=True)
class ForgetDrops:
    """The drops of the forget `forget_id` in the deployment `found`."""

    found: Deployment
    forget_id: str

    def put(self, connector: NamedConnector, place: Place, people: People, column: str = "") -> None:
        """Upload a folder with its manifest, which begins the run; `column` is what it holds alone, see `kinds`.

        The manifest names the ad account, since a connector may serve several that have an audience of this name.
        """
        base = self._base(place, column)
        s3, bucket = boto3.client("s3"), self.found.drops_bucket
        s3.put_object(Bucket=bucket, Key=base + FILE, Body=people.content)
        sizes = [(base + FILE, len(people.content))]
        export = ManifestExport(account=place.account)
        manifest = manifest_text(bucket, sizes, ManifestReading(_said(connector, people)), export=export)
        s3.put_object(Bucket=bucket, Key=base + MANIFEST, Body=manifest.encode())

    def suppress(self, people: People, within_s: float) -> str:
        """Put the people on the suppression list, so that no later drop adds them again.

        Return what became of it: ADDED, or why they are not on the list, once its run has ended or the time is up.
        """
        key, bucket = f"{FORGOTTEN_LIST}{forget_folder(self.forget_id)}.csv", self.found.drops_bucket
        version = boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=people.content)["VersionId"]
        run_id, until = Drop(bucket, key, version, "", 0).run_id(NAME), time.monotonic() + within_s
        while True:
            mine = [one for one in self.all_runs() if one.run_id == run_id]
            if any(one.has_ended for one in mine) or time.monotonic() >= until:
                return self._listed(mine)
            time.sleep(POLL_S)

    def suppressed(self) -> str:
        """Return what became of the suppression list, as `suppress` does, without waiting for it."""
        return self._listed([one for one in self.all_runs() if one.connector == NAME])

    def _listed(self, runs: Sequence[ForgetRun]) -> str:
        if any(one.state == RunState.APPLIED for one in runs):
            return ADDED
        ended = next((one for one in runs if one.has_ended), None)
        if ended is None:
            return "not added yet: its run has not ended"
        reason = (self.receipt(ended) or {}).get("reason") or {}
        return f"not added: {reason.get('code', ended.state)}: {reason.get('sentence', 'see its receipt')}"

    def planned(self, connector: NamedConnector, place: Place, people: People) -> Sums:
        """Return what a drop of these people would be counted as."""
        key = self._base(place) + MANIFEST
        platform = connector.platform
        located = locate(key, connector=connector.name, table=platform.table, actions=platform.limits.actions)
        return DryRun.of(located, connector, said=_said(connector, people)).over(BytesSource(people.content))

    def kinds(self, connector: NamedConnector, place: Place, people: People) -> dict[str, People]:
        """Return what was given by its kinds of identifiers, each alone, by what ends the names of their folders.

        Kinds that cannot remove anyone are left out, and one kind is none: it was all that was given.
        """
        table, used = connector.platform.table, self.planned(connector, place, people).columns
        known = {one.key for one in table.fields}
        keys = [key for key in dict.fromkeys(used.values()) if key in known]
        if len(keys) < 2:
            return {}
        if people.columns:
            kinds = {one: people.only(one) for one in people.columns if table.named(one)}
        else:
            kinds = {
                name: people.without(column for column, key in used.items() if key != alone)
                for name, alone in zip(KINDS, keys, strict=False)
            }
        return {name: one for name, one in kinds.items() if not why_unusable(self.planned(connector, place, one))}

    def runs(self) -> list[ForgetRun]:
        """Return the runs of this forget that remove people, as far as the ledger knows them."""
        return [one for one in self.all_runs() if one.connector != NAME]

    def all_runs(self) -> list[ForgetRun]:
        """Return the runs of this forget that the ledger knows, that of the suppression list among them."""
        client, folder = boto3.client("dynamodb"), f"/{forget_folder(self.forget_id)}"
        pages = client.get_paginator("scan").paginate(
            TableName=self.found.ledger_table,
            FilterExpression="contains(pk, :run) AND contains(object_key, :folder)",
            ExpressionAttributeValues={":run": {"S": RUN}, ":folder": {"S": folder}},
        )
        return [_run(item) for page in pages for item in page["Items"]]

    def follow(
        self, places: Sequence[Place], within_s: float, *, divided: Sequence[tuple[Place, str]] = ()
    ) -> list[ForgetRun]:
        """Return the runs once there is one for each of the places and all have ended, or the time is up.

        `divided` are drops of single kinds of identifiers, each of which has to have a run too.
        """
        until = time.monotonic() + within_s
        while True:
            runs = self.runs()
            begun = all(any(one.is_of(place) for one in runs) for place in places)
            is_whole = begun and all(any(one.removes(*drop) for one in runs) for drop in divided)
            if (is_whole and all(one.has_ended for one in runs)) or time.monotonic() >= until:
                return runs
            time.sleep(POLL_S)

    def receipt(self, run: ForgetRun) -> dict[str, Any] | None:
        """Return the receipt of a run, None while there is none."""
        s3, key = boto3.client("s3"), run.receipt_key
        with contextlib.suppress(s3.exceptions.NoSuchKey):
            body = s3.get_object(Bucket=self.found.receipts_bucket, Key=key)["Body"].read()
            document: dict[str, Any] = json.loads(body)
            return document
        return None

    def keep(self, told: Mapping[str, Any]) -> str:
        """Store the receipt of the forget, in place of an earlier one; return where it is."""
        key, bucket = f"{FORGETS}{self.forget_id}.json", self.found.receipts_bucket
        body = json.dumps(told, ensure_ascii=False, indent=2).encode()
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
        return f"s3://{bucket}/{key}"

    def _base(self, place: Place, column: str = "") -> str:
        folder = forget_folder(self.forget_id, place.account, column)
        return f"{place.connector}/{place.audience}/raw/{Action.REMOVE}/{folder}/"


def _said(connector: NamedConnector, people: People) -> tuple[tuple[str, str], ...]:
    """Return what the drop's columns are, whatever the connector's settings say of columns of these names."""
    read = [(one, one) for one in people.columns if connector.platform.table.named(one)]
    return (*read, *((one, IGNORE) for one in people.ignored))


def _run(item: Mapping[str, Any]) -> ForgetRun:
    connector, _, run_id = item["pk"]["S"].partition(RUN)
    texts = {name: item.get(name, {}).get("S", "") for name in ("audience", "state", "object_key")}
    return ForgetRun(connector, texts["audience"], run_id, texts["state"], texts["object_key"])


def why_unusable(sums: Sums) -> str:
    """Return the code for why nobody can be removed by a drop, or "" if somebody can."""
    return sums.refusal.code if sums.refusal else "" if sums.sent else "no_rows"


def with_mismatch(
    places: Iterable[Place], runs: Sequence[tuple[ForgetRun, Mapping[str, Any] | None]]
) -> Iterator[Place]:
    """Yield where an audience accepts one kind of identifier alone, and not several in one drop."""
    refused = [
        run for run, receipt in runs if receipt and (receipt["reason"] or {}).get("code") == "type_mismatch"
    ]
    yield from (place for place in places if any(run.is_of(place) for run in refused))
