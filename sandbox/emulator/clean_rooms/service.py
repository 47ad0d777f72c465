"""Protected queries from their start to their results: memberships, states, published limits, events."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.emulator.clean_rooms.limits import mistakes
from sandbox.emulator.clean_rooms.sql import QueryError, files_of, run
from sandbox.emulator.environment import ACCOUNT, REGION

RUNNING = ("SUBMITTED", "STARTED", "CANCELLING")
# https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-cleanrooms.html, read 2026-11-30
EVENTS = {
    "SUBMITTED": "Protected Query Submitted",
    "STARTED": "Protected Query Started",
    "CANCELLED": "Protected Query Cancelled",
    "SUCCESS": "Protected Query Succeeded",
    "FAILED": "Protected Query Failed",
    "TIMED_OUT": "Protected Query Timed Out",
}


class ServiceError(Exception):
    """An answer that is an error, by its HTTP status and AWS's code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Template:
    """An analysis template: its SQL, with `:name` for a parameter, and the parameters' types."""

    sql: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Membership:
    """A membership, and how its queries go.

    `tables` maps names to objects, `s3://bucket/key`, in CSV or Parquet; `templates` maps ARNs to templates.
    `results` are texts that every query writes in place of what its SQL finds. `ends` is the status in which
    queries end, after `takes_s` seconds, and `error` the code of those that fail. `files` is in how many files the
    rows are written. Five queries may run at once:
    https://docs.aws.amazon.com/clean-rooms/latest/userguide/quotas.html, read 2026-11-30
    """

    id: str
    collaboration: str
    tables: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, Template] = field(default_factory=dict)
    results: tuple[str, ...] = ()
    ends: str = "SUCCESS"
    error: str = "TRANSIENT_ERROR"
    takes_s: float = 0.4
    files: int = 2
    most_running: int = 5
    sends_events: bool = True

    @property
    def arn(self) -> str:
        """Return the membership's ARN."""
        return f"arn:aws:cleanrooms:{REGION}:{ACCOUNT}:membership/{self.id}"


@dataclass
class Query:
    """A query as it stands; `created_at` is in Unix seconds."""

    id: str
    membership: Membership
    created_at: float
    request: dict[str, Any]
    status: str = "SUBMITTED"
    location: str = ""
    error: dict[str, str] = field(default_factory=dict)
    duration_ms: int = 0

    @property
    def output(self) -> dict[str, Any]:
        """Return where the results go."""
        found: dict[str, Any] = self.request["resultConfiguration"]["outputConfiguration"]["s3"]
        return found

    def described(self) -> dict[str, Any]:
        """Return the query as `GetProtectedQuery` does."""
        given = {name: self.request[name] for name in ("sqlParameters", "resultConfiguration")}
        if "computeConfiguration" in self.request:
            given["computeConfiguration"] = self.request["computeConfiguration"]
        ended = self.status not in RUNNING
        statistics = {
            "totalDurationInMillis": self.duration_ms,
            "billedResourceUtilization": {"units": round(self.duration_ms / 3_600_000, 6)},
        }
        return {
            **self.summary(),
            **given,
            **({"statistics": statistics} if ended else {}),
            **({"result": {"output": {"s3": {"location": self.location}}}} if self.location else {}),
            **({"error": self.error} if self.error else {}),
        }

    def summary(self) -> dict[str, Any]:
        """Return the query as `ListProtectedQueries` does, but for the receivers."""
        return {
            "id": self.id,
            "membershipId": self.membership.id,
            "membershipArn": self.membership.arn,
            "createTime": self.created_at,
            "status": self.status,
        }


@dataclass
class CleanRooms:
    """The service. `read` returns an object's bytes, None for one that is not there; `write` writes one.

    `put_event` is given a detail-type, the detail and the resources. `clock` returns Unix seconds.
    """

    read: Callable[[str, str], bytes | None]
    write: Callable[[str, str, bytes], None]
    put_event: Callable[[str, dict[str, str], list[str]], None]
    clock: Callable[[], float]
    memberships: dict[str, Membership] = field(default_factory=dict)
    queries: dict[str, Query] = field(default_factory=dict)

    def configure(self, documents: list[dict[str, Any]]) -> None:
        """Make memberships, in place of those of the same id; raises TypeError for an unknown member of one."""
        for one in documents:
            templates = {arn: Template(**given) for arn, given in one.get("templates", {}).items()}
            results = tuple(one.get("results", ()))
            self.memberships[one["id"]] = Membership(**{**one, "templates": templates, "results": results})

    def start(self, request: dict[str, Any]) -> Query:
        """Start a query: SUBMITTED, until `advance` is called."""
        membership = self._membership("StartProtectedQuery", request)
        self._sql(membership, request["sqlParameters"])
        output = request.get("resultConfiguration", {}).get("outputConfiguration", {})
        if "s3" not in output:
            raise ServiceError(400, "ValidationException", "in the sandbox, results go to S3 alone")
        running = [one for one in self._of(membership) if one.status in RUNNING]
        if len(running) >= membership.most_running:
            raise ServiceError(402, "ServiceQuotaExceededException", "Concurrent queries")
        query = Query(str(uuid.uuid4()), membership, self.clock(), request)
        self.queries[query.id] = query
        self._announce(query)
        return query

    def get(self, request: dict[str, Any]) -> Query:
        """Return a query of a membership."""
        membership = self._membership("GetProtectedQuery", request)
        query = self.queries.get(request["protectedQueryIdentifier"])
        if query is None or query.membership.id != membership.id:
            raise ServiceError(404, "ResourceNotFoundException", "no such protected query")
        return query

    def page(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a page of a membership's queries, the newest first."""
        membership = self._membership("ListProtectedQueries", request)
        wanted = [one for one in self._of(membership) if request.get("status", one.status) == one.status]
        first, size = int(request.get("nextToken", 0)), int(request.get("maxResults", 100))
        page = sorted(wanted, key=lambda one: -one.created_at)[first : first + size]
        more = {"nextToken": str(first + size)} if first + size < len(wanted) else {}
        return {"protectedQueries": [{**one.summary(), "receiverConfigurations": []} for one in page], **more}

    def advance(self, query: Query) -> None:
        """Take a query one step further: it begins, then it ends as its membership says, or as its SQL does."""
        if query.status == "SUBMITTED":
            query.status = "STARTED"
        elif query.status == "STARTED":
            self._end(query)
        self._announce(query)

    def _end(self, query: Query) -> None:
        membership = self.memberships[query.membership.id]
        query.duration_ms = max(1, round(1000 * (self.clock() - query.created_at)))
        if membership.ends != "SUCCESS":
            query.status = membership.ends
            query.error = {"code": membership.error, "message": "as the sandbox was told"}
            return
        try:
            files = [text.encode() for text in membership.results] or self._found(query)
        except QueryError as error:
            query.status, query.error = "FAILED", {"code": "MALFORMED_QUERY", "message": str(error)}
            return
        # As AWS's own sample of a consumer reads it; the names of the Spark engine's files were not found.
        folder = f"{query.output['keyPrefix']}/collaboration={membership.collaboration}/{query.id}"
        for number, body in enumerate(files):
            self.write(query.output["bucket"], f"{folder}/{number:03d}", body)
        query.status, query.location = "SUCCESS", f"s3://{query.output['bucket']}/{folder}"

    def _found(self, query: Query) -> list[bytes]:
        sql, types, parameters = self._sql(query.membership, query.request["sqlParameters"])
        tables = {}
        for name, url in query.membership.tables.items():
            bucket, _, key = url.removeprefix("s3://").partition("/")
            body = self.read(bucket, key)
            if body is None:
                raise QueryError(f"table {name}: {url} does not exist")
            tables[name] = body
        return files_of(run(sql, tables, parameters, types), query.output["resultFormat"], query.membership.files)

    def _membership(self, operation: str, request: dict[str, Any]) -> Membership:
        """Check a request, and return its membership."""
        if wrong := mistakes(operation, request):
            raise ServiceError(400, "ValidationException", f"{len(wrong)} validation errors: {'; '.join(wrong)}")
        membership = self.memberships.get(request["membershipIdentifier"])
        if membership is None:
            raise ServiceError(404, "ResourceNotFoundException", "no such membership")
        return membership

    def _sql(
        self, membership: Membership, given: dict[str, Any]
    ) -> tuple[str, Mapping[str, str], Mapping[str, str]]:
        """Return the SQL, its parameters' types and their values."""
        if ("queryString" in given) == ("analysisTemplateArn" in given):
            raise ServiceError(400, "ValidationException", "give either queryString or analysisTemplateArn")
        if "queryString" in given:
            return given["queryString"], {}, {}
        template = membership.templates.get(given["analysisTemplateArn"])
        if template is None:
            raise ServiceError(404, "ResourceNotFoundException", "no such analysis template")
        values = given.get("parameters", {})
        if values.keys() != template.parameters.keys():
            raise ServiceError(400, "ValidationException", "the parameters are not those of the analysis template")
        return template.sql, template.parameters, values

    def _of(self, membership: Membership) -> list[Query]:
        return [one for one in self.queries.values() if one.membership.id == membership.id]

    def _announce(self, query: Query) -> None:
        if self.memberships[query.membership.id].sends_events:
            # The names within a detail are this simulator's: AWS documents none.
            detail = {"protectedQueryId": query.id, "membershipId": query.membership.id, "status": query.status}
            self.put_event(EVENTS[query.status], detail, [query.membership.arn])

    def shown(self) -> list[dict[str, Any]]:
        """Return every query that was started, for a test to look at."""
        return [{**one.summary(), "location": one.location, "output": one.output} for one in self.queries.values()]


def configuration(*memberships: Membership) -> str:
    """Return the document that makes memberships."""
    return json.dumps([asdict(one) for one in memberships])
