"""Extraction by Athena's UNLOAD, in the sandbox's emulator with a real engine."""

from __future__ import annotations

import io
import json
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from activation.errors import ConfigError, Retryable
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.__main__ import app
from cli.declared import SyncDeployment
from cli.declared_lake import LakeReader
from lambdas.sync.declaration import SourceKind
from lambdas.sync.extract.athena import AthenaSource
from lambdas.sync.extract.athena_errors import of_call, of_query
from lambdas.sync.extract.athena_statement import unload_sql
from lambdas.sync.source import Consent, Extract, Selection
from lambdas.sync.sources import SourceSettings
from sandbox.emulator.environment import client_environment
from tests.unit.extract.on_disk import Folder
from tests.unit.extract.world import selection
from tests.unit.sandbox.emulator.driver import Emulator

PEOPLE = """
select * from (values
  ('a@b.example', 20, 'yes', date '1990-05-03'), ('c@d.example', 25, ' YES', null),
  ('planted@example.com', 20, 'no', null), (null, 20, null, null)
) as people(email, tenant, agreed, born) where tenant in :tenants -- and: nothing
"""
YES, NEVER, GONE = Consent("agreed", ("Yes",)), Consent("agreed", ("1",)), Consent("gone", ("yes",))
UNRESOLVED = "COLUMN_NOT_FOUND: line 1:8: Column '{}' cannot be resolved"


@dataclass(frozen=True)
class InS3:
    """A destination in a bucket."""

    client: Any
    bucket: str
    prefix: str

    def create(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """Put an object at the end of the block."""

        @contextmanager
        def put() -> Any:
            file = io.BytesIO()
            yield file
            self.client.put_object(Bucket=self.bucket, Key=key, Body=file.getvalue())

        return put()


@dataclass
class Lake:
    """A workgroup, a database with a table, and a bucket for exports."""

    emulator: Emulator
    bucket: str
    workgroup: str
    database: str
    tokens: list[str] = field(default_factory=list)

    def source(self, **other: str) -> AthenaSource:
        """Return the source as the function makes it."""
        client = self.emulator.client
        made = AthenaSource(client("athena"), client("s3"), self.workgroup, self.database)
        return replace(made, **other)  # type: ignore[arg-type]  # the fields that a test gives

    def destination(self, folder: str) -> InS3:
        """Return where an attempt's parts go."""
        return InS3(self.emulator.client("s3"), self.bucket, f"meta/vip/raw/mirror/{folder}/0-")

    def extract(self, asked: Selection, *, token: str = "", **other: str) -> Extract:
        """Extract a selection, asking as often as the function would."""
        token = token or uuid.uuid4().hex
        into, source = self.destination(token), self.source(**other)
        ends = time.monotonic() + 60
        while True:
            try:
                return source.extract(asked, into, time.time() + 60, token)
            except Retryable as running:
                if running.code != "source_running" or time.monotonic() > ends:
                    raise
                time.sleep(0.1)

    def rows(self, extract: Extract) -> list[dict[str, Any]]:
        """Return the rows of all parts, by the first column."""
        found = []
        for part in extract.parts:
            body = self.emulator.client("s3").get_object(Bucket=self.bucket, Key=part.key)["Body"].read()
            assert len(body) == part.size_bytes
            table = pq.ParquetFile(io.BytesIO(body)).read()
            assert table.num_rows == part.rows
            found += table.to_pylist()
        return sorted(found, key=str)


@pytest.fixture(scope="module")
def lake(emulator: Emulator) -> Lake:
    """Make the lake."""
    bucket, results = emulator.bucket(), emulator.bucket()
    database, workgroup = bucket.replace("-", "_"), f"w-{bucket}"
    file = io.BytesIO()
    pq.write_table(pa.table({"email": ["a@b.example", "c@d.example"], "agreed": [True, None]}), file)
    emulator.client("s3").put_object(Bucket=bucket, Key="people/1", Body=file.getvalue())
    glue = emulator.client("glue")
    glue.create_database(DatabaseInput={"Name": database})
    columns = [{"Name": "email", "Type": "string"}, {"Name": "agreed", "Type": "boolean"}]
    storage = {"Location": f"s3://{bucket}/people/", "Columns": columns}
    table = {"Name": "people", "StorageDescriptor": storage, "Parameters": {"classification": "parquet"}}
    glue.create_table(DatabaseName=database, TableInput=table)
    emulator.client("athena").create_work_group(
        Name=workgroup,
        Configuration={
            "ResultConfiguration": {"OutputLocation": f"s3://{results}/"},
            "EnforceWorkGroupConfiguration": True,
        },
    )
    return Lake(emulator, bucket, workgroup, database)


def test_a_query_becomes_parts_with_parameters_and_consent(lake: Lake) -> None:
    """Who has not consented is counted by the same query, and no value of theirs is written anywhere."""
    extract = lake.extract(selection(PEOPLE, "email", "born", consent=YES, tenants=(20, 25)))
    assert (extract.rows_read, extract.rows, extract.left_out) == (4, 2, {"no_consent": 2})
    assert lake.rows(extract) == [
        {"email": "a@b.example", "born": "1990-05-03", "agreed": "yes"},
        {"email": "c@d.example", "born": None, "agreed": " YES"},
    ]
    listed = lake.emulator.client("s3").list_objects_v2(Bucket=lake.bucket, Prefix="meta/vip/")["Contents"]
    assert len(listed) > len(extract.parts)
    for one in listed:
        body = lake.emulator.client("s3").get_object(Bucket=lake.bucket, Key=one["Key"])["Body"].read()
        assert b"planted" not in body
        assert "planted" not in str(pq.ParquetFile(io.BytesIO(body)).read().to_pylist())


def test_a_table_of_the_catalogue_is_extracted(lake: Lake) -> None:
    """A table by its name, with a column of consent that is a boolean."""
    extract = lake.extract(selection("", "email", table="people", consent=Consent("agreed", ("true",))))
    assert (extract.rows, extract.left_out) == (1, {"no_consent": 1})
    everybody = lake.extract(selection("", "email", table="people"))
    assert [one["email"] for one in lake.rows(everybody)] == ["a@b.example", "c@d.example"]


def test_an_empty_selection_is_one_part_without_rows(lake: Lake) -> None:
    """Nobody is said as such, with and without consent."""
    for consent in (None, YES):
        asked = selection(PEOPLE, "email", consent=consent, tenants=(99,))
        extract = lake.extract(asked)
        assert ([part.rows for part in extract.parts], extract.rows_read, extract.left_out) == ([0], 0, {})
        assert lake.rows(extract) == []


def test_a_token_begins_one_query(lake: Lake) -> None:
    """Asked again with its token, the same files are found; a changed selection needs another attempt."""
    asked, token = selection(PEOPLE, "email", consent=YES, tenants=(20,)), uuid.uuid4().hex
    first = lake.extract(asked, token=token)
    assert lake.extract(asked, token=token) == first
    changed = selection(PEOPLE, "email", consent=YES, tenants=(25,))
    with pytest.raises(Retryable, match="has changed") as caught:
        lake.extract(changed, token=token)
    assert caught.value.code == "source_unreachable"


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (selection(PEOPLE, "email", "phone", tenants=(20,)), "column_missing", "'phone'"),
        (
            selection(PEOPLE, "email", consent=Consent("gone", ("yes",)), tenants=(20,)),
            "consent_missing",
            "'gone'",
        ),
        (
            selection(PEOPLE, "email", consent=Consent("agreed", ("1",)), tenants=(20,)),
            "consent_missing",
            "no row",
        ),
        (selection(PEOPLE, "email"), "source_not_configured", ":tenants"),
        (selection("select email from nothing_of_the_kind", "email"), "selection_failed", "refuses"),
        (selection("select email from", "email"), "selection_failed", "refuses"),
        (selection("select cast('planted@example.com' as integer) as c"), "selection_failed", "refuses"),
    ],
)
def test_a_query_that_cannot_be_run_stops_the_slot(lake: Lake, asked: Selection, code: str, said: str) -> None:
    """A missing column is named, one of consent stops the slot, and no value is in a sentence."""
    with pytest.raises(ConfigError) as caught:
        lake.extract(asked)
    assert caught.value.code == code
    assert said in caught.value.sentence
    assert "planted" not in caught.value.sentence


def test_a_workgroup_that_is_not_there_is_for_a_person(lake: Lake) -> None:
    """A wrong name says where it stands."""
    error = ClientError(
        {"Error": {"Code": "InvalidRequestException", "Message": "WorkGroup x is not found."}},
        "StartQueryExecution",
    )
    assert of_call(error).code == "source_not_configured"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("TooManyRequestsException", "source_unreachable"),
        ("ThrottlingException", "source_unreachable"),
        ("InternalServerException", "source_unreachable"),
        ("AccessDeniedException", "source_denied"),
    ],
)
def test_a_refused_request_is_classified(code: str, found: str) -> None:
    """Throttles and Athena's own failures pass, permissions do not."""
    error = ClientError({"Error": {"Code": code, "Message": "planted"}}, "StartQueryExecution")
    assert of_call(error).code == found
    assert "planted" not in str(of_call(error))
    assert of_call(EndpointConnectionError(endpoint_url="https://x")).code == "source_unreachable"


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ({"State": "CANCELLED"}, "source_unreachable"),
        ({"State": "FAILED", "AthenaError": {"Retryable": True, "ErrorCategory": 2}}, "source_unreachable"),
        ({"State": "FAILED", "AthenaError": {"ErrorCategory": 1}}, "source_unreachable"),
        ({"State": "FAILED", "StateChangeReason": "HIVE_PATH_ALREADY_EXISTS: s3://x"}, "source_unreachable"),
        ({"State": "FAILED", "StateChangeReason": "Insufficient permissions to execute"}, "source_denied"),
        (
            {
                "State": "FAILED",
                "StateChangeReason": "COLUMN_NOT_FOUND: line 1:8: Column 'agreed' cannot be resolved",
            },
            "consent_missing",
        ),
        (
            {
                "State": "FAILED",
                "StateChangeReason": "COLUMN_NOT_FOUND: line 1:8: Column 'email' cannot be resolved",
            },
            "column_missing",
        ),
        (
            {"State": "FAILED", "StateChangeReason": "TYPE_MISMATCH: line 1:8: Cannot cast row to varchar"},
            "selection_failed",
        ),
    ],
)
def test_a_failed_query_is_classified(status: dict[str, Any], found: str) -> None:
    """By Athena's own verdict and the first words of its reason, as its pages show them."""
    assert of_query(status, ["email", "agreed"], YES).code == found


def outcome(extract: Callable[[], Extract]) -> Extract | str:
    """Return an extract, or the refusal of a selection that cannot be extracted."""
    try:
        return extract()
    except ConfigError as error:
        return f"{error.code}: {error.sentence}"


@pytest.mark.parametrize(
    "asked",
    [
        selection(PEOPLE, "email", "born", consent=YES, tenants=(20, 25)),
        selection("", "email", table="people"),
        selection(PEOPLE, "email", consent=YES, tenants=(99,)),
        selection("select cast(n as varchar) as c from unnest(sequence(1, 2500)) as t(n)", "c"),
        selection(PEOPLE, "email", consent=NEVER, tenants=(20,)),
        selection(PEOPLE, "email", consent=GONE, tenants=(20,)),
        selection("select email from nothing_of_the_kind", "email"),
    ],
)
def test_a_plan_reads_what_a_slot_extracts(lake: Lake, tmp_path: Path, asked: Selection) -> None:
    """The same people, counts and refusals, read to this machine; no value without consent arrives here."""
    reader = LakeReader(lake.source(), sleep=lambda _: time.sleep(0.1))

    def read() -> Extract:
        return reader.extract(asked, Folder(tmp_path), time.time() + 60, uuid.uuid4().hex)

    extracted, found = outcome(lambda: lake.extract(asked)), outcome(read)
    if isinstance(extracted, str) or isinstance(found, str):
        assert found == extracted
        return
    assert (found.rows, found.rows_read, found.left_out) == (
        extracted.rows,
        extracted.rows_read,
        extracted.left_out,
    )
    rows = [row for part in found.parts for row in pq.ParquetFile(part.key).read().to_pylist()]
    assert sorted(rows, key=str) == lake.rows(extracted)
    assert b"planted" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_query_that_does_not_end_ends_the_plan(lake: Lake, tmp_path: Path) -> None:
    """A plan waits until its deadline, and no longer."""
    reader, many = LakeReader(lake.source(), clock=lambda: 100.0), "unnest(sequence(1, 30000))"
    slow = selection(f"select cast(count(*) as varchar) as c from {many} as a(x) cross join {many} as b(y)", "c")
    with pytest.raises(Retryable, match="did not end in time"):
        reader.extract(slow, Folder(tmp_path), 100.5, uuid.uuid4().hex)


@dataclass
class Unending:
    """An Athena whose query runs until it is stopped; `denied` is whether the caller may not stop it."""

    denied: bool = False
    stopped: list[str] = field(default_factory=list)

    def start_query_execution(self, **_: Any) -> dict[str, Any]:
        """Begin the query."""
        return {"QueryExecutionId": "q-1"}

    def get_query_execution(self, *, QueryExecutionId: str) -> dict[str, Any]:
        """Say that it runs."""
        return {"QueryExecution": {"QueryExecutionId": QueryExecutionId, "Status": {"State": "RUNNING"}}}

    def stop_query_execution(self, *, QueryExecutionId: str) -> None:
        """Stop it."""
        if self.denied:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "StopQueryExecution")
        self.stopped.append(QueryExecutionId)


@pytest.mark.parametrize("denied", [False, True])
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_plan_that_ends_early_stops_its_query(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, by_hand: bool, denied: bool
) -> None:
    """At its deadline or by Ctrl-C; where that is denied, the query is named, and the plan ends as it would."""
    athena = Unending(denied)

    def sleep(_: float) -> None:
        if by_hand:
            raise KeyboardInterrupt

    s3: Any = None
    reader = LakeReader(AthenaSource(athena, s3, "w", "d"), sleep=sleep, clock=lambda: 100.0)
    ends = 900.0 if by_hand else 100.5
    with pytest.raises(KeyboardInterrupt if by_hand else Retryable):
        reader.extract(selection("select email from people", "email"), Folder(tmp_path), ends, "token")
    assert athena.stopped == ([] if denied else ["q-1"])
    assert ("query q-1 goes on, it cannot be stopped: AccessDenied" in capsys.readouterr().err) == denied


def test_the_command_plans_a_declaration_whose_source_is_a_lake(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who would be sent and left out, with requests; nothing is written beside the results of the query."""
    for name, value in client_environment(lake.emulator.url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    sync = SyncDeployment("", "", "", (SourceSettings("lake", SourceKind.ATHENA),))
    monkeypatch.setattr("cli.declared.find_sync", lambda: sync)
    lines = {
        "sources": {"lake": {"kind": "athena", "workgroup": lake.workgroup, "database": lake.database}},
        "audiences": {
            "vip": {
                "source": "lake", "sql": PEOPLE, "params": {"tenants": [20, 25]}, "columns": {"email": "email"},
                "consent": {"column": "agreed", "allow": ["yes"]},
                "to": [{"connector": "meta", "audience": "VIP"}],
                "every": "1d", "at": "06:00", "timezone": "UTC", "from": "2026-12-01",
            }
        },
    }  # fmt: skip
    Path("audiences.yml").write_text(json.dumps(lines))
    before = lake.emulator.client("s3").list_object_versions(Bucket=lake.bucket).get("Versions", [])
    done = CliRunner().invoke(app, ["audiences", "plan", "vip", "--json"])
    assert done.exit_code == 0, done.output
    (plan,) = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
    assert (plan["rows_selected"], plan["rows"], plan["left_out"]) == (4, 2, {"no_consent": 2})
    assert plan["requests"] == 1
    assert "planted" not in done.output
    assert lake.emulator.client("s3").list_object_versions(Bucket=lake.bucket).get("Versions", []) == before


def test_a_local_folder_is_refused(lake: Lake) -> None:
    """Athena writes into S3 alone."""
    into = replace(lake.destination("x"), bucket="")
    with pytest.raises(ConfigError, match="S3 alone"):
        lake.source().extract(selection(PEOPLE, "email", tenants=(20,)), into, time.time() + 5, "a" * 32)


@given(st.lists(st.text(), min_size=1), st.integers(), st.booleans())
def test_no_parameter_can_leave_its_literal(texts: list[str], number: int, flag: bool) -> None:
    """Cut at quotes, a statement has as many literals as it names texts, and each reads back as the text."""
    asked = selection(
        "select c from t where c in :all and n = :n and f = :f", "c", all=tuple(texts), n=number, f=flag
    )
    statement = unload_sql(asked, ["c"], "s3://b/p/")
    literals, at = [], 0
    while (begin := statement.find("'", at)) != -1:
        end = begin + 1
        while statement[end] != "'" or statement[end + 1 : end + 2] == "'":
            end += 2 if statement[end] == "'" else 1
        literals.append(statement[begin + 1 : end].replace("''", "'"))
        at = end + 1
    assert literals == [*texts, "s3://b/p/", "PARQUET", "ZSTD"]
