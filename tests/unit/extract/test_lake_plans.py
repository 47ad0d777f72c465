"""Plans of declarations whose source is a lake, by its engine in the sandbox's emulator."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from activation.errors import ConfigError, Retryable
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from cli.__main__ import app
from cli.declared import SyncDeployment
from cli.declared_lake import LakeReader
from lambdas.sync.declaration import SourceKind
from lambdas.sync.extract.athena import AthenaSource
from lambdas.sync.source import Extract, Selection
from lambdas.sync.sources import SourceSettings
from sandbox.emulator.environment import client_environment
from tests.unit.extract.lake import GONE, NEVER, PEOPLE, YES, Lake
from tests.unit.extract.on_disk import Folder
from tests.unit.extract.world import selection


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
    """A plan waits until its deadline, and no longer; `range` is what the emulator's engine has for `sequence`."""
    reader, many = LakeReader(lake.source(), clock=lambda: 100.0), "unnest(range(1, 30000))"
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
        """Return a query that is still running."""
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
