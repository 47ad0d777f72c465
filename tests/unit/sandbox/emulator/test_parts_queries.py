"""`activation receipts --parts` against Athena in the sandbox: the drops of an export as a table."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from sandbox.emulator.environment import client_environment
from stacks.normalize.catalogue import PartsCatalogue
from stacks.normalize.mapping_settings import MappingSettings
from stacks.normalize.settings import ExportSettings
from tests.unit.sandbox.emulator.driver import Emulator

MAPPING = {
    "consent": {"column": "opt_in", "allow": [True]},
    "target": {"platform": "meta", "connector": "meta", "audience": "Big spenders", "action": "replace"},
    "output": {"identifiers": "hashed"},
}
BASE = "meta/Big spenders/hashed/replace/"


@pytest.fixture(scope="module")
def drops(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Deploy the catalogue of one export, and two of its drops; return the app's name and the drops bucket."""
    name = f"app-{uuid.uuid4().hex[:8]}"
    path = tmp_path_factory.mktemp("mappings") / "mapping.json"
    path.write_text(json.dumps(MAPPING))
    mapping = MappingSettings(path, "meta", "meta", "Big spenders", "hashed", "replace")
    export = ExportSettings("big-spenders", "big/", mapping, "new", 0, "", "UTC")
    made = Stack(App(), f"{name}-normalize")
    bucket, key = s3.Bucket(made, "Drops"), kms.Key(made, "Key")
    storage: Any = SimpleNamespace(drops=bucket, receipts=s3.Bucket(made, "Receipts"), key=key)
    PartsCatalogue(made, "Parts", app=name, exports=[export], storage=storage)
    resources = Template.from_stack(made).to_json()["Resources"]
    outputs = emulator.stack(resources, {"Bucket": made.resolve(bucket.bucket_name)})
    client = emulator.client("s3")
    for folder, digests in (("big-spenders-1", ["a", "b"]), ("big-spenders-2", ["c"])):
        file = tmp_path_factory.mktemp("parts") / "part.parquet"
        pq.write_table(pa.table({"EMAIL": digests, "opt_in": ["yes"] * len(digests)}), file)
        for below, body in (
            ("part-00000-000-0a1b2c3d.parquet", file.read_bytes()),
            ("_manifest.json", b'{"entries": []}'),
            ("_activation/report.json", b"{}"),
            ("_activation/rejects-00000-000-0a1b2c3d.csv", b"row\n1\n"),
        ):
            client.put_object(Bucket=outputs["Bucket"], Key=f"{BASE}{folder}/{below}", Body=body)
    return name, outputs["Bucket"]


@pytest.fixture
def run(emulator: Emulator, drops: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what runs the command over these drops."""
    for variable, value in client_environment(emulator.url).items():
        monkeypatch.setenv(variable, value)
    name, _ = drops
    found = {"PartsDatabase": f"{name.replace('-', '_')}_normalize", "PartsWorkgroup": f"{name}-normalize"}
    monkeypatch.setattr(deployment, "_outputs", lambda *_: found)

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["receipts", *arguments, "--parts"])

    return command


def test_a_drop_is_queried_by_its_folder(run: Any) -> None:
    """The rows are those of the folder's parts alone; a column that the parts lack is null."""
    query = "select folder, email, opt_in, phone from big_spenders where folder = 'big-spenders-1' order by email"
    result = run("query", query, "--json")
    assert result.exit_code == 0, result.output
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"folder": "big-spenders-1", "email": one, "opt_in": "yes", "phone": None} for one in ("a", "b")
    ]


def test_several_drops_are_counted_and_one_that_is_gone_has_no_rows(run: Any) -> None:
    """A folder that is not there, or was deleted, is no mistake."""
    query = (
        "select folder, count(*) as n from big_spenders where folder in"
        " ('big-spenders-1', 'big-spenders-2', 'big-spenders-3') group by folder order by 1"
    )
    result = run("query", query, "--json")
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["n"] for line in result.stdout.splitlines()] == [2, 1]


def test_a_query_without_a_folder_is_refused(run: Any) -> None:
    """Athena's sentence says which column needs a condition."""
    result = run("query", "select count(*) from big_spenders")
    assert result.exit_code == 1
    assert "query_failed" in result.stderr
    assert "folder, the WHERE clause must contain" in " ".join(result.stderr.split())


def test_a_result_is_exported_and_the_whole_table_is_not(run: Any, tmp_path: Path) -> None:
    """A query is needed, since there is a table for each export."""
    file = tmp_path / "out.parquet"
    assert run("export", "--output", str(file)).exit_code == 2
    query = "select email from big_spenders where folder = 'big-spenders-2'"
    result = run("export", "--output", str(file), "--query", query)
    assert result.exit_code == 0, result.output
    assert pq.read_table(file).to_pylist() == [{"email": "c"}]
    assert "unknown_query" in run("query", "by-connector").stderr
