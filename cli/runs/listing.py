"""The runs of the ledger in the order of their starts, by an index and without a scan of the table.

The index's partitions are the actions of runs, so that a list merges one query for each action. It has the runs
that the ledger had before the index was added too.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from activation.aws.table import number, read_number, read_text
from activation.errors import ConfigError
from activation.ledger.keys import NO_CONNECTOR, RUN, UNREAD, run_key, unread_key
from activation.ledger.orders import ORDERED
from activation.model import Action

from cli.runs.rows import RunRow, is_counted, run_row
from stacks.run_index import ACTION, RUN_INDEX, STARTED_AT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

PAGE = 1_000  # items of the index in an answer, which stays below DynamoDB's 1 MB
READ_AT_ONCE = 100  # the most that BatchGetItem takes
NO_INDEX = frozenset({"ValidationException", "ResourceNotFoundException"})  # also while DynamoDB builds it
ENDED_STATES = ("failed", "blocked")
ALSO_WAITING = "accepted"  # the platform processes what it has: a person who asks what waits means this as well


@dataclass(frozen=True)
class Wanted:
    """Which runs a list shows: all of them by default, and among them the drops whose key cannot be read.

    `connector` and `audience` are names, `state` is a run's, "" for any; `waiting` are the accepted ones as well.
    `stopped` and `discarded` are those that somebody has ended, which are `failed` or `blocked` too.
    `any_of` are states of which each is wanted, in place of `state`.
    `since` and `until` bound the start, in Unix seconds. `run` is the beginning of a run's id,
    `action` what it does, and `file` the key of its object.
    """

    connector: str = ""
    audience: str = ""
    state: str = ""
    since: float = 0.0
    until: float = 1e11
    run: str = ""
    any_of: tuple[str, ...] = ()
    action: str = ""
    file: str = ""

    @property
    def states(self) -> tuple[str, ...]:
        """Return the states that are listed, none for all."""
        if self.any_of:
            return self.any_of
        if self.state in ORDERED:
            return ENDED_STATES
        if self.state == "waiting":
            return (self.state, ALSO_WAITING)
        return (self.state,) if self.state else ()


def list_runs(client: DynamoDBClient, table: str, wanted: Wanted, *, limit: int) -> tuple[RunRow, ...]:
    """Return the newest `limit` runs that are wanted, the newest start first.

    Costs one query for each action and page of 1,000 runs, and a read of the record of each run that is still
    open. A run that began less than about a second ago may be missing: the index follows the table. Raises
    ConfigError (no_run_index) where the deployed release has no index, or is still building it, and what the
    client raises.
    """
    actions = [one for one in Action if wanted.action in ("", one)]
    queries = [_indexed(client, table, action, wanted, limit) for action in actions]
    newest = heapq.merge(*queries, key=lambda item: -read_number(item, STARTED_AT))
    items = list(islice(newest, limit))
    records = read_records(client, table, [item["pk"]["S"] for item in items if not is_counted(item)])
    rows = (run_row(records.get(item["pk"]["S"], item)) for item in items)
    return tuple(sorted(rows, key=lambda row: row.started_at, reverse=True))


def _select(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """Return the condition by which runs are told from other records, and its values."""
    of_connector = "begins_with(pk, :connector{}) AND " if wanted.connector else ""
    kinds = {"_run": RUN, "_unread": UNREAD}
    values = {f":kind{name}": {"S": f"{kind}{wanted.run}"} for name, kind in kinds.items()}
    if wanted.connector:
        values |= {f":connector{name}": {"S": f"{wanted.connector}{kind}"} for name, kind in kinds.items()}
    either = (f"({of_connector.format(name)}contains(pk, :kind{name}))" for name in kinds)
    return f"({' OR '.join(either)})", values


def find_run(client: DynamoDBClient, table: str, run: str, connectors: Iterable[str]) -> tuple[RunRow, ...]:
    """Return the runs whose id is `run` or begins with it: none, one, or two for more.

    A whole id is looked up in the table under each of the `connectors`, the beginning of one in the index. A drop
    whose key could be read later has a run, which is the one that is returned.
    """
    for make in (run_key, unread_key):
        keys = [make(connector, run) for connector in (*connectors, NO_CONNECTOR)]
        if found := read_records(client, table, keys):
            return tuple(map(run_row, found.values()))
    rows = list_runs(client, table, Wanted(run=run), limit=3)
    by_id = {one.run_id: one for one in sorted(rows, key=lambda one: not one.is_unread)}
    return tuple(by_id.values())[:2]


def _indexed(
    client: DynamoDBClient, table: str, action: str, wanted: Wanted, limit: int
) -> Iterator[Mapping[str, Any]]:
    """Yield the wanted items of one action, the newest start first; asks for a page when it is needed."""
    from botocore.exceptions import ClientError

    condition, of_pk = _select(wanted)
    conditions, names = [condition], {"#action": ACTION, "#start": STARTED_AT}
    values: dict[str, Any] = {
        ":action": {"S": action},
        ":since": number(wanted.since),
        ":until": number(wanted.until),
        **of_pk,
    }
    if wanted.audience:
        conditions.append("audience = :audience")
        values[":audience"] = {"S": wanted.audience}
    if wanted.file:
        conditions.append("object_key = :file")
        values[":file"] = {"S": wanted.file}
    if wanted.state in ORDERED:
        values[":code"] = {"S": wanted.state}
        conditions.append("code = :code")
    if wanted.states:
        names["#state"] = "state"
        states = {f":state{at}": {"S": one} for at, one in enumerate(wanted.states)}
        values |= states
        conditions.append(f"#state IN ({', '.join(states)})")
    few = limit <= READ_AT_ONCE and len(conditions) == 1 and not wanted.run and not wanted.connector
    pages = client.get_paginator("query").paginate(
        TableName=table,
        IndexName=RUN_INDEX,
        KeyConditionExpression="#action = :action AND #start BETWEEN :since AND :until",
        FilterExpression=" AND ".join(conditions),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
        ScanIndexForward=False,
        PaginationConfig={"PageSize": READ_AT_ONCE if few else PAGE},
    )
    try:
        for page in pages:
            yield from page["Items"]
    except ClientError as error:
        if error.response["Error"]["Code"] in NO_INDEX:
            sentence = "the ledger has no index of runs yet: deploy this release, and wait until it is built"
            raise ConfigError("no_run_index", sentence) from None
        raise


def read_records(client: DynamoDBClient, table: str, keys: list[str]) -> dict[str, Mapping[str, Any]]:
    """Return the records with these keys that there are, by key."""
    found: dict[str, Mapping[str, Any]] = {}
    for begin in range(0, len(keys), READ_AT_ONCE):
        wanted: list[Any] = [{"pk": {"S": key}} for key in keys[begin : begin + READ_AT_ONCE]]
        while wanted:
            answer = client.batch_get_item(RequestItems={table: {"Keys": wanted}})
            found |= {read_text(item, "pk"): item for item in answer["Responses"][table]}
            left: Any = answer.get("UnprocessedKeys", {}).get(table, {})
            wanted = left.get("Keys", [])
    return found
