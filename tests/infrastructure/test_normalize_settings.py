"""The settings of exports: off by default, and every mistake reported at once with its key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stacks.glue_assets import DEFAULT_VERSION, PYTHONS
from stacks.normalize.settings import GLUE_VERSIONS, MOST_EXPORTS
from tests.infrastructure.settings_read import mistakes, read

KEY = "audience_activation.normalize"


def written(folder: Path, name: str = "vip", **changes: Any) -> str:
    """Write a mapping file and return its path."""
    document = {
        "name": name,
        "target": {"platform": "meta", "connector": "meta", "audience": "VIP"},
        "output": {"identifiers": "hashed"},
        **changes,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document))
    return str(path)


def given(normalize: object) -> dict[str, Any]:
    """Return settings with one connector and these exports."""
    connector = {"name": "meta", "platform": "meta", "actions": ["add", "replace"]}
    return {"connectors": [connector], "normalize": normalize}


def test_it_is_off_by_default() -> None:
    """Without the section there is neither a job nor a bucket of exports."""
    assert read({"connectors": [{"name": "meta", "platform": "meta"}]}).normalize is None


def test_an_export_needs_a_name_and_a_mapping(tmp_path: Path) -> None:
    """Everything else has a default."""
    found = read(given({"exports": [{"name": "vip", "mapping": written(tmp_path)}]})).normalize
    assert found is not None
    (export,) = found.exports
    assert (export.prefix, export.takes, export.schedule, export.quiet_minutes) == ("vip/", "new", "", 0)
    assert (export.mapping.connector, export.mapping.audience) == ("meta", "VIP")
    job = found.job
    assert (job.glue_version, job.worker_type, job.workers, job.flex) == (DEFAULT_VERSION, "G.1X", 2, False)
    assert set(GLUE_VERSIONS) == set(PYTHONS)


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    """Each sentence names the setting that is to be corrected."""
    replace = {"platform": "meta", "connector": "meta", "audience": "VIP", "action": "replace"}
    elsewhere = {"platform": "tiktok", "connector": "tiktok", "audience": "VIP"}
    exports = [
        {"name": "vip", "mapping": written(tmp_path), "prefix": "lake/"},
        {"name": "v-ip", "mapping": written(tmp_path), "prefix": "lake/vip/", "takes": "some"},
        {"name": "gone", "mapping": "no/such.json"},
        {"name": "bad", "mapping": written(tmp_path, "bad", output={"identifiers": "hash"}), "quiet": 5},
        {"name": "other", "mapping": written(tmp_path, "other", target=elsewhere), "prefix": "*/"},
        {
            "name": "all",
            "mapping": written(tmp_path, "all", target=replace),
            "schedule": "cron(0 6 * * * *)",
            "quiet_minutes": 5,
        },
        {"name": "zone", "mapping": written(tmp_path), "time_zone": "Europe/Berlin"},
        {
            "name": "when",
            "mapping": written(tmp_path, "when", target=replace),
            "schedule": "daily",
            "time_zone": "Mars/Olympus",
        },
    ]
    found = mistakes(
        given(
            {
                "exports": exports,
                "job": {"flex": True, "worker_type": "G.4X", "glue_version": "4.0", "workers": 1},
                "key_arn": "arn:aws:kms:eu-west-1:123456789012:key/1",
                "exports_days": 0,
            }
        )
    )
    keys = [one.removeprefix(f"{KEY}.").partition(": ")[0] for one in found]
    assert sorted(keys) == sorted(
        [
            "job.flex", "job.glue_version", "job.workers", "key_arn", "exports_days",
            "exports[1].name", "exports[1].prefix", "exports[1].takes", "exports[2].mapping",
            "exports[3].mapping", "exports[3].quiet", "exports[4].mapping", "exports[4].prefix",
            "exports[5].schedule", "exports[5].quiet_minutes", "exports[5].takes", "exports[5].time_zone",
            "exports[6].time_zone", "exports[7].schedule", "exports[7].time_zone", "exports[7].takes",
        ]
    )  # fmt: skip
    assert f"{KEY}.exports[2].mapping: no/such.json cannot be read" in "\n".join(found)


def test_a_mapping_s_own_mistakes_are_among_them(tmp_path: Path) -> None:
    """All that `normalize` would refuse of a mapping is found before anything is deployed."""
    path = written(tmp_path, having=[{"column": "spend", "at_least": 5}], filters=[{"column": "a"}])
    found = mistakes(given({"exports": [{"name": "vip", "mapping": path}]}))
    assert len(found) == 2
    assert all(one.startswith(f"{KEY}.exports[0].mapping: {path}: ") for one in found)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"platform": "tiktok", "connector": "meta", "audience": "VIP"}, "target.platform must be meta"),
        ({"platform": "meta", "connector": "meta", "audience": "VIP", "action": "remove"}, "allows add, replace"),
    ],
)
def test_a_mapping_must_fit_its_connector(tmp_path: Path, target: dict[str, str], said: str) -> None:
    """A drop that the connector would refuse is not made."""
    (found,) = mistakes(given({"exports": [{"name": "vip", "mapping": written(tmp_path, target=target)}]}))
    assert said in found


def test_an_existing_bucket_keeps_its_own_rules(tmp_path: Path) -> None:
    """Of another bucket the app sets no lifecycle, and its own buckets are none for exports."""
    exports = [{"name": "vip", "mapping": written(tmp_path)}]
    (found,) = mistakes(given({"exports": exports, "bucket": "lake", "exports_days": 5}))
    assert found.startswith(f"{KEY}.exports_days: an existing bucket keeps its own lifecycle rules")
    own = given({"exports": exports, "bucket": "our-drops"}) | {"storage": {"drops_bucket": "our-drops"}}
    (found,) = mistakes(own)
    assert found.startswith(f"{KEY}.bucket: ")


def test_there_are_as_many_exports_as_the_function_can_be_told(tmp_path: Path) -> None:
    """More belong into a second copy of the app."""
    path = written(tmp_path)
    many = [{"name": f"e{number}", "mapping": path} for number in range(MOST_EXPORTS + 1)]
    (found,) = mistakes(given({"exports": many}))
    assert "second copy" in found


def test_columns_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Athena reads text files by position; a table is made only where the columns are named."""
    path = written(tmp_path, input={"format": "csv", "delimiter": ","})
    columns = {"email": "string", "amount": "string", "at": "string"}
    exports = [{"name": "vip", "mapping": path, "columns": columns}, {"name": "other", "mapping": path}]
    found = read(given({"exports": exports})).normalize
    assert found is not None
    assert [list(one.columns.items()) for one in found.exports] == [list(columns.items()), []]


def test_every_mistake_in_columns_is_reported_at_once(tmp_path: Path) -> None:
    """A table detects nothing, and Athena reads a text file's cells as texts."""
    silent = written(tmp_path, "silent")
    text = written(tmp_path, "text", input={"format": "csv", "encoding": "windows-1252"})
    lines = written(tmp_path, "lines", input={"format": "jsonl"})
    exports = [
        {"name": "silent", "mapping": silent, "columns": {"email": "string"}},
        {"name": "text", "mapping": text, "columns": {"email": "string", "amount": "double"}},
        {
            "name": "lines",
            "mapping": lines,
            "columns": {
                "E-Mail": "string",
                "spend": "number",
                "sum": "decimal(4,5)",
                "tags": 5,
                "n": "decimal(12,2)",
            },
        },
    ]
    found = mistakes(given({"exports": exports}))
    keys = [one.removeprefix(f"{KEY}.").partition(": ")[0] for one in found]
    assert keys == [
        "exports[0].columns", "exports[1].columns", "exports[1].columns", "exports[1].columns.amount",
        "exports[2].columns.E-Mail", "exports[2].columns.spend", "exports[2].columns.sum",
        "exports[2].columns.tags",
    ]  # fmt: skip
    assert "input.format" in found[0]
    assert "input.delimiter" in found[1]
    assert "UTF-8" in found[2]
