"""`activation receipts --exports` against Athena in the sandbox: the files of exports as tables."""

from __future__ import annotations

import gzip
import io
import json
import uuid
from decimal import Decimal
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
from stacks.normalize.export_catalogue import ExportCatalogue
from stacks.normalize.mapping_settings import MappingSettings
from stacks.normalize.settings import ExportSettings
from tests.unit.sandbox.emulator.driver import Emulator

TEXTS = {"email": "string", "name": "string", "spend": "string"}
TYPED = {"email": "string", "spend": "decimal(12,2)", "orders": "bigint"}


def parquet() -> bytes:
    """Return a Parquet file of two people."""
    file = io.BytesIO()
    spend = pa.array([Decimal("10.50"), None], pa.decimal128(12, 2))
    pq.write_table(pa.table({"email": ["a@x.example", "b@x.example"], "spend": spend, "orders": [2, 3]}), file)
    return file.getvalue()


# Of each form: what its mapping says of the files, its columns, and its files by their names.
FORMS: dict[str, tuple[dict[str, str], dict[str, str], dict[str, bytes]]] = {
    "piped": (
        {"format": "csv", "delimiter": "|"},
        TEXTS,
        {
            "000": b'EMAIL|Name|SPEND\na@x.example|"Ann ""A"" | Lee"|10.50\n',
            "day-2/001.gz": gzip.compress(b"EMAIL|Name|SPEND\nb@x.example|Bob|\n"),
        },
    ),
    "escaped": (
        {"format": "csv", "delimiter": ",", "escape": "backslash"},
        TEXTS,
        {"000": b'EMAIL,Name,SPEND\na@x.example,"Ann \\"A\\" , Lee",10.50\nb@x.example,Bob,\n'},
    ),
    "tabbed": (
        {"format": "tsv"},
        TEXTS,
        {"000": b'EMAIL\tName\tSPEND\na@x.example\t"Ann ""A"" | Lee"\t10.50\nb@x.example\tBob\t\n'},
    ),
    "lines": (
        {"format": "jsonl"},
        TYPED,
        {
            "000.json": b'{"email": "a@x.example", "spend": 10.50, "orders": 2}\n',
            "001.json.gz": gzip.compress(b'{"orders": 3, "email": "b@x.example", "more": [1]}\n'),
        },
    ),
    "columnar": ({"format": "parquet"}, TYPED, {"part-0.snappy.parquet": parquet()}),
}


@pytest.fixture(scope="module")
def name(emulator: Emulator) -> str:
    """Deploy the catalogue of an export of each form, with its files; return the app's name."""
    app_name = f"app-{uuid.uuid4().hex[:8]}"
    exports = [
        ExportSettings(form, f"lake/{form}/", MappingSettings(input=given), "new", 0, "", "UTC", columns=columns)
        for form, (given, columns, _) in FORMS.items()
    ]
    made = Stack(App(), f"{app_name}-normalize")
    bucket = s3.Bucket(made, "Exports")
    storage: Any = SimpleNamespace(receipts=s3.Bucket(made, "Receipts"), key=kms.Key(made, "Key"))
    ExportCatalogue(
        made, "ExportTables", app=app_name, exports=exports, bucket=bucket, key_arn="", storage=storage
    )
    resources = Template.from_stack(made).to_json()["Resources"]
    outputs = emulator.stack(resources, {"Bucket": made.resolve(bucket.bucket_name)})
    for form, (_, _, files) in FORMS.items():
        for file, body in {**files, "_SUCCESS": b"", "_manifest.json": b'{"entries": []}'}.items():
            emulator.client("s3").put_object(Bucket=outputs["Bucket"], Key=f"lake/{form}/{file}", Body=body)
    return app_name


@pytest.fixture
def run(emulator: Emulator, name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what runs the command over these exports."""
    for variable, value in client_environment(emulator.url).items():
        monkeypatch.setenv(variable, value)
    found = {"ExportsDatabase": f"{name.replace('-', '_')}_exports", "ExportsWorkgroup": f"{name}-exports"}
    monkeypatch.setattr(deployment, "_outputs", lambda *_: found)

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["receipts", *arguments, "--exports"])

    return command


@pytest.mark.parametrize(
    ("form", "person"), [("piped", 'Ann "A" | Lee'), ("escaped", 'Ann "A" , Lee'), ("tabbed", 'Ann "A" | Lee')]
)
def test_a_text_file_is_read_with_its_quotes(run: Any, form: str, person: str) -> None:
    """Neither the header nor a sign is a row; a number is cast in the query, an empty one to null."""
    result = run(
        "query", f"select email, name, try_cast(spend as double) as spend from {form} order by email", "--json"
    )
    assert result.exit_code == 0, result.output
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"email": "a@x.example", "name": person, "spend": 10.5},
        {"email": "b@x.example", "name": "Bob", "spend": None},
    ]


@pytest.mark.parametrize("form", ["lines", "columnar"])
def test_a_typed_file_is_read_by_the_columns_names(run: Any, form: str) -> None:
    """The types are the settings'; what an object lacks is null."""
    result = run(
        "query", f"select email, cast(spend as double) as spend, orders from {form} order by email", "--json"
    )
    assert result.exit_code == 0, result.output
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"email": "a@x.example", "spend": 10.5, "orders": 2},
        {"email": "b@x.example", "spend": None, "orders": 3},
    ]


def test_only_one_kind_of_table_is_asked(run: Any, tmp_path: Path) -> None:
    """Drops and exports are in two databases; of both only a query's result is exported."""
    assert run("query", "select 1", "--parts").exit_code == 2
    assert run("export", "--output", str(tmp_path / "out.parquet")).exit_code == 2
