"""`activation receipts` against Athena in the sandbox: the deployed table, workgroup and queries."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from cli.deployment import Deployment
from sandbox.emulator.environment import client_environment
from stacks.receipt_catalogue import ReceiptCatalogue
from stacks.receipt_table import COLUMNS, KEY, QUERIES, RESULTS
from tests.unit.sandbox.emulator.driver import Emulator


def receipt(run: str, *, acknowledged: int, rejected: dict[str, int], connector: str = "meta") -> dict[str, Any]:
    """Return what a query reads of a receipt."""
    return {
        "run_id": run,
        "state": "completed",
        "final": True,
        "reason": None,
        "warnings": [{"code": "few_matchable", "sentence": "few"}],
        "connector": connector,
        "platform": "meta",
        "audience": {"name": "VIP", "id": "1"},
        "rows": {
            "in": acknowledged + sum(rejected.values()),
            "acknowledged": acknowledged,
            "rejected_by_us": sum(rejected.values()),
        },
        "rejected_by_us": rejected,
        "rejected_by_platform": {},
        "requests": 2,
        "started_at": "2026-11-29T23:30:00.000+00:00",
        "written_at": "2026-11-29T23:31:00.000+00:00",
        "seconds": 60.0,
    }


@dataclass
class Deployed:
    """The table as the stack deploys it, and the command that queries it."""

    emulator: Emulator
    bucket: str

    def put(self, name: str, body: bytes) -> None:
        """Write an object beside the receipts of one audience."""
        self.emulator.client("s3").put_object(Bucket=self.bucket, Key=f"receipts/meta/VIP/{name}", Body=body)

    def keep(self, *receipts: dict[str, Any]) -> None:
        """Write receipts as runs do."""
        for one in receipts:
            self.put(f"{one['run_id']}.json", json.dumps(one, indent=2).encode())

    def run(self, *arguments: str) -> Result:
        """Run the command."""
        return CliRunner().invoke(app, ["receipts", *arguments])

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return a query's rows."""
        result = self.run("query", query, "--json")
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def stack(emulator: Emulator) -> tuple[str, dict[str, str]]:
    """Deploy the catalogue as the storage stack does; returns the app's name and the outputs."""
    name = f"app-{uuid.uuid4().hex[:8]}"
    made = Stack(App(), f"{name}-storage")
    bucket, key = s3.Bucket(made, "Receipts"), kms.Key(made, "Key")
    ReceiptCatalogue(made, "ReceiptCatalogue", app=name, receipts=bucket, key=key)
    resources = Template.from_stack(made).to_json()["Resources"]
    return name, emulator.stack(resources, {"Bucket": made.resolve(bucket.bucket_name)})


@pytest.fixture
def deployed(emulator: Emulator, stack: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """Return the deployed table, over no receipts."""
    name, outputs = stack
    client = emulator.client("s3")
    for one in client.list_objects_v2(Bucket=outputs["Bucket"]).get("Contents", []):
        client.delete_object(Bucket=outputs["Bucket"], Key=one["Key"])
    for variable, value in client_environment(emulator.url).items():
        monkeypatch.setenv(variable, value)
    found = Deployment(
        "drops",
        outputs["Bucket"],
        "ledger",
        "arn:aws:events:us-east-1:1:archive/a",
        {},
        receipts_database=f"{name.replace('-', '_')}_receipts",
        receipts_workgroup=f"{name}-receipts",
    )
    monkeypatch.setattr(deployment, "find", lambda: found)
    return Deployed(emulator, outputs["Bucket"])


def test_a_query_sees_the_receipts_as_they_are_now(deployed: Deployed) -> None:
    """New, replaced and deleted receipts count in the next query; what lies beside them does not."""
    deployed.keep(
        receipt("a", acknowledged=5, rejected={"bad_email": 2}), receipt("b", acknowledged=1, rejected={})
    )
    deployed.put("a.rejects.csv", b"row,column,code\n1,email,bad_email\n")
    deployed.put("a.refused/consent.arrow", b"\x00")
    total = "select count(*) as runs, sum(rows_acknowledged) as acknowledged from receipts"
    assert deployed.rows(total) == [{"runs": 2, "acknowledged": 6}]
    deployed.keep(receipt("b", acknowledged=3, rejected={}), receipt("c", acknowledged=10, rejected={}))
    assert deployed.rows(total) == [{"runs": 3, "acknowledged": 18}]
    deployed.emulator.client("s3").delete_object(Bucket=deployed.bucket, Key="receipts/meta/VIP/a.json")
    assert deployed.rows(total) == [{"runs": 2, "acknowledged": 13}]


@pytest.mark.parametrize("query", [one.name for one in QUERIES])
def test_every_named_query_runs(deployed: Deployed, query: str) -> None:
    """Each named query answers with a row for a run that was stopped."""
    stopped = receipt("a", acknowledged=5, rejected={"bad_email": 2}) | {
        "state": "failed",
        "reason": {"code": "deadline"},
    }
    deployed.keep(stopped)
    assert len(deployed.rows(query)) == 1


def test_the_match_rate_is_of_all_drops_for_an_audience_in_a_day(deployed: Deployed) -> None:
    """A mirror's rows that the audience had count; removals and runs without a row do not."""
    mirror = receipt("b", acknowledged=10, rejected={}) | {"action": "mirror"}
    mirror["rows"] |= {"in": 40, "unchanged": 20}
    removal = receipt("c", acknowledged=7, rejected={}) | {"action": "remove"}
    deployed.keep(
        receipt("a", acknowledged=30, rejected={"not_an_email": 30}) | {"action": "add"},
        mirror,
        removal,
        receipt("d", acknowledged=0, rejected={}) | {"action": "add"},
    )
    (row,) = deployed.rows("match-rate")
    assert (row["day"], row["audience"]) == ("2026-11-29", "VIP")
    assert (row["rows_in"], row["accepted"], float(row["percent"])) == (100, 60, 60.0)


def test_rejections_by_day_name_the_source(deployed: Deployed) -> None:
    """The export that wrote the folder, or else the connector; both sides count by code."""
    older = receipt("b", acknowledged=5, rejected={"not_an_email": 1}) | {
        "started_at": "2026-11-28T01:00:00.000+00:00",
        "rejected_by_platform": {"invalid_entries": 4},
    }
    deployed.keep(receipt("a", acknowledged=5, rejected={"not_an_email": 2, "no_identifier": 3}), older)
    found = [tuple(row.values()) for row in deployed.rows("rejections-by-day")]
    assert found == [
        ("2026-11-29", "meta", "us", "no_identifier", 3),
        ("2026-11-29", "meta", "us", "not_an_email", 2),
        ("2026-11-28", "meta", "platform", "invalid_entries", 4),
        ("2026-11-28", "meta", "us", "not_an_email", 1),
    ]


def test_a_run_that_waits_is_not_stopped(deployed: Deployed) -> None:
    """It has a reason, and goes on by itself."""
    waits = receipt("a", acknowledged=5, rejected={}) | {"state": "waiting", "reason": {"code": "not_reached"}}
    deployed.keep(waits)
    assert deployed.rows("stopped") == []


def test_a_column_that_is_not_there_is_named_without_the_sandbox_s_files(deployed: Deployed) -> None:
    """On AWS tables are no files, so the reason names none."""
    deployed.keep(receipt("a", acknowledged=5, rejected={}))
    result = deployed.run("query", "select rows_inn from receipts")
    assert result.exit_code == 1
    assert "rows_inn" in result.output
    assert "read_" not in result.output
    assert "/" not in result.output


def test_a_wide_result_breaks_no_word(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that does not fit as columns has a line for each value."""
    monkeypatch.setenv("COLUMNS", "80")
    stopped = receipt("a" * 32, acknowledged=5, rejected={}) | {
        "state": "superseded",
        "reason": {"code": "newer_drop_of_this_audience"},
    }
    deployed.keep(stopped)
    shown = deployed.run("query", "stopped").output
    assert all(part in shown for part in ("a" * 32, "newer_drop_of_this_audience", "rows_acknowledged"))


def test_rejections_are_summed_by_code(deployed: Deployed) -> None:
    """The codes of several receipts are added up, the most frequent first."""
    deployed.keep(
        receipt("a", acknowledged=5, rejected={"bad_email": 2, "bad_phone": 1}),
        receipt("b", acknowledged=5, rejected={"bad_phone": 4}),
    )
    found = [
        (one["rejected_by"], one["code"], one["runs"], one["row_count"]) for one in deployed.rows("rejections")
    ]
    assert found == [("us", "bad_phone", 2, 5), ("us", "bad_email", 1, 2)]


def test_what_an_export_says_of_itself_is_queried(deployed: Deployed) -> None:
    """The receipt of a normalised folder has its mapping, files and rows; that of a single file has none."""
    export = {"slot": "", "declaration": "big-spenders", "rows": 5, "left_out": {"no_consent": 2}}
    folder = {"prefix": "meta/VIP/hashed/big-spenders/", "export": export, "files": 2}
    deployed.keep(
        receipt("a", acknowledged=5, rejected={}) | {"folder": folder},
        receipt("b", acknowledged=1, rejected={}),
    )
    wanted = "select export, export_slot, files, export_rows, export_left_out['no_consent'] as refused"
    assert deployed.rows(f"{wanted} from receipts order by run_id") == [
        {"export": "big-spenders", "export_slot": None, "files": 2, "export_rows": 5, "refused": 2},
        {"export": None, "export_slot": None, "files": None, "export_rows": None, "refused": None},
    ]


def test_there_may_be_no_receipt_yet(deployed: Deployed) -> None:
    """A query over no receipt has no row."""
    assert deployed.rows("rejections") == []


def test_the_day_is_that_in_utc(deployed: Deployed) -> None:
    """A run counts for the day on which it began, in UTC."""
    deployed.keep(receipt("a", acknowledged=5, rejected={}))
    assert [one["day"] for one in deployed.rows("by-day")] == ["2026-11-29"]


def test_an_export_holds_the_table_with_its_types(deployed: Deployed, tmp_path: Path) -> None:
    """An export is Parquet with all columns, numbers as numbers; a second one never replaces it."""
    deployed.keep(receipt("a", acknowledged=5, rejected={"bad_email": 2}))
    file = tmp_path / "receipts.parquet"
    assert deployed.run("export", "--output", str(file)).stdout == "1 rows\n"
    table = pq.read_table(file)
    assert table.column_names == list(COLUMNS)
    (row,) = table.to_pylist()
    assert (row["rows_acknowledged"], row["rejected_by_us"]) == (5, [("bad_email", 2)])
    again = deployed.run("export", "--output", str(file))
    assert (again.exit_code, again.stderr.partition(":")[0]) == (1, "output_exists")


def test_an_export_to_s3_writes_one_new_object(deployed: Deployed) -> None:
    """An export may go to S3, there too only under a name that is free."""
    deployed.keep(receipt("a", acknowledged=5, rejected={}))
    url = f"s3://{deployed.bucket}/exports/stopped.parquet"
    assert deployed.run("export", "--output", url, "--query", "slowest").exit_code == 0
    assert deployed.emulator.client("s3").head_object(Bucket=deployed.bucket, Key="exports/stopped.parquet")
    again = deployed.run("export", "--output", url)
    assert (again.exit_code, again.stderr.partition(":")[0]) == (1, "output_exists")


def test_results_are_where_athena_says(deployed: Deployed) -> None:
    """Athena writes a result under the key that it names, in the workgroup's location."""
    deployed.keep(receipt("a", acknowledged=5, rejected={}))
    deployed.rows("slowest")
    listed = deployed.emulator.client("s3").list_objects_v2(Bucket=deployed.bucket, Prefix=RESULTS)["Contents"]
    assert re.fullmatch(rf"{RESULTS}[0-9a-f-]{{36}}\.csv", listed[0]["Key"])


def test_a_wrong_query_is_told_with_athenas_reason(deployed: Deployed) -> None:
    """A query that fails ends the command with its code and what Athena says of it."""
    deployed.keep(receipt("a", acknowledged=5, rejected={}))
    result = deployed.run("query", "select nothing_like_it from receipts")
    assert result.exit_code == 1
    assert result.stderr.startswith("query_failed: ")
    assert "nothing_like_it" in result.stderr


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("drop table receipts", "query_changes"),
        ("/* select */ insert into receipts select 1", "query_changes"),
        ("", "query_changes"),
        ("by-hour", "unknown_query"),
    ],
)
def test_what_does_not_only_read_is_not_sent(deployed: Deployed, query: str, code: str) -> None:
    """Any statement but a query is refused before the table is touched."""
    result = deployed.run("query", query)
    assert (result.exit_code, result.stderr.partition(":")[0]) == (1, code)
    assert deployed.emulator.client("s3").list_objects_v2(Bucket=deployed.bucket, Prefix=KEY)["KeyCount"] == 0


def test_a_receipt_that_is_no_json_is_named_and_left_out(deployed: Deployed) -> None:
    """One damaged object does not keep the others from being queried."""
    deployed.keep(receipt("a", acknowledged=5, rejected={}))
    deployed.put("b.json", b"{")
    result = deployed.run("query", "select count(*) as runs from receipts", "--json")
    assert (json.loads(result.stdout), "receipts/meta/VIP/b.json" in result.stderr) == ({"runs": 1}, True)
