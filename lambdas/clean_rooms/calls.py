"""The three calls of Clean Rooms: start a protected query, read one, and find one whose start was not answered."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import boto3
from activation.aws.clients import CONFIG
from activation.aws.errors import code_of
from activation.aws.sdk import checked
from activation.errors import Rejected, Retryable
from activation.ledger.paid_starts import SETTLE_S
from botocore.config import Config
from botocore.exceptions import ClientError

from lambdas.clean_rooms.queries import Query

# The SDK repeats a request whose answer was lost; each `StartProtectedQuery` is a query of its own, which costs,
# since there is no client token:
# https://docs.aws.amazon.com/clean-rooms/latest/apireference/API_StartProtectedQuery.html, read 2026-11-30
ONCE = CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
# The list shows a query within seconds, but nothing says by when it has to.
IN_DOUBT_AFTER_S = 900.0
# The clocks of the function and of the service may differ.
CLOCKS_DIFFER_S = 300.0
IN_DOUBT = "start_in_doubt"
MOST_LISTED = 100  # in a page: the service's own limit
_ERROR = re.compile(r"[A-Z][A-Za-z_]{0,63}")


class Status(StrEnum):
    """The states of a protected query."""

    SUBMITTED = "SUBMITTED"
    STARTED = "STARTED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    SUCCESS = "SUCCESS"
    TIMED_OUT = "TIMED_OUT"


RUNNING = frozenset((Status.SUBMITTED, Status.STARTED, Status.CANCELLING))


@dataclass(frozen=True)
class ProtectedQuery:
    """A protected query as Clean Rooms describes it.

    `status` may be one that this release does not know. `bucket` and `prefix` are where its results were to go,
    "" where they go to another member. `location` is where they are, "" before they are, or for another member.
    `error` is the service's code of a failure. `crpu_hours` is what AWS charges for, None before it is known.
    """

    id: str
    status: str
    bucket: str
    prefix: str
    location: str
    error: str
    crpu_hours: float | None


@dataclass(frozen=True)
class ProtectedQueries:
    """Calls of Clean Rooms. `once` is a client that never repeats a call, `client` one that does.

    All raise what the SDK raises.
    """

    once: Any  # the SDK's client, whose stubs are not among the development packages
    client: Any

    @classmethod
    def connect(cls) -> ProtectedQueries:
        """Make the clients; raises ConfigError if the SDK is too old."""
        once, client = (checked(boto3.client("cleanrooms", config=config)) for config in (ONCE, CONFIG))
        return cls(once, client)

    def start(self, query: Query, prefix: str) -> str:
        """Start a query whose results go below `prefix`; return its id. It is not repeated, whatever happens."""
        output = {"s3": {"resultFormat": query.result_format, "bucket": query.bucket, "keyPrefix": prefix}}
        answer = self.once.start_protected_query(
            type="SQL",
            membershipIdentifier=query.membership,
            sqlParameters=query.sql_parameters,
            resultConfiguration={"outputConfiguration": output},
            **query.compute,
        )
        return str(answer["protectedQuery"]["id"])

    def read(self, membership: str, id_: str) -> ProtectedQuery:
        """Describe a query."""
        found = self.client.get_protected_query(membershipIdentifier=membership, protectedQueryIdentifier=id_)[
            "protectedQuery"
        ]
        configured = found.get("resultConfiguration", {}).get("outputConfiguration", {}).get("s3", {})
        written = found.get("result", {}).get("output", {}).get("s3", {})
        error = str(found.get("error", {}).get("code", ""))
        return ProtectedQuery(
            id_,
            found["status"],
            configured.get("bucket", ""),
            configured.get("keyPrefix", ""),
            written.get("location", ""),
            error if _ERROR.fullmatch(error) else "",
            found.get("statistics", {}).get("billedResourceUtilization", {}).get("units"),
        )

    def read_if_ours(self, membership: str, id_: str) -> ProtectedQuery | None:
        """Describe a query; None where the membership has none of this id."""
        try:
            return self.read(membership, id_)
        except ClientError as error:
            if code_of(error) in ("ResourceNotFoundException", "ValidationException"):
                return None
            raise

    def find(self, query: Query, prefix: str, since: float) -> str:
        """Return the id of the query that writes below `prefix`, started since then in Unix seconds; "" for none.

        A list does not say where results go, so each query of that time is read.
        """
        pages = self.client.get_paginator("list_protected_queries").paginate(
            membershipIdentifier=query.membership, maxResults=MOST_LISTED
        )
        times: list[tuple[datetime, str]] = [
            (one["createTime"], one["id"])
            for page in pages
            for one in page["protectedQueries"]
            if one["createTime"].timestamp() >= since - CLOCKS_DIFFER_S
        ]
        for _, id_ in sorted(times):
            found = self.read(query.membership, id_)
            if (found.bucket, found.prefix) == (query.bucket, prefix):
                return id_
        return ""


@dataclass(frozen=True)
class QueryStarter:
    """Starts a query for a slot, and finds what a start without an answer has started: see paid_starts.py."""

    calls: ProtectedQueries
    query: Query
    slot: str
    clock: Callable[[], float] = time.time

    def start(self, token: str) -> str:
        """Start the query; raises what the SDK raises."""
        return self.calls.start(self.query, self._prefix(token))

    def find(self, token: str, since: float) -> str:
        """Return the id of the query that an attempt has started, "" while one may still show up.

        Never says that there is none: raises Rejected (start_in_doubt) once it should have shown up.
        """
        if found := self.calls.find(self.query, self._prefix(token), since):
            return found
        waited_s = self.clock() - since
        if waited_s < SETTLE_S:
            return ""
        if waited_s < IN_DOUBT_AFTER_S:
            raise Retryable(
                "start_unsettled",
                "Clean Rooms did not answer whether it has started the query, and does not list it yet",
                after_s=IN_DOUBT_AFTER_S - waited_s,
            )
        raise Rejected(
            IN_DOUBT,
            "the query may have been started, since the call was not answered, but Clean Rooms does not list it;"
            " it is not started again. Look for it in the console; if it is not there, redrive",
        )

    def _prefix(self, token: str) -> str:
        return self.query.prefix_of(self.slot, int(token.rpartition("@")[2]))
