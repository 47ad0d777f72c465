"""Exports by DataBrew: what a recipe does of a mapping, what it refuses, and the resources as AWS has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from activation.identifiers.column_map import told_of
from activation.platforms.discovery import platforms

from stacks.normalize.databrew_recipe import FIELDS, IGNORE, recipe, recipe_mistakes
from stacks.packaging import ROOT
from tests.infrastructure.conftest import host_wheels, synthesise
from tests.infrastructure.settings_read import mistakes
from tests.infrastructure.test_doctor import only
from tests.infrastructure.test_permissions import text

MAPPING: dict[str, Any] = {
    "name": "daily",
    "input": {"delimiter": "|"},
    "filters": [{"column": "mail", "present": True}],
    "columns": {"mail": "email", "vorname": "first_name", "notes": "ignore", "phone": "phone"},
    "target": {"platform": "meta", "connector": "meta", "audience": "Daily", "action": "remove"},
    "output": {"identifiers": "raw", "format": "csv", "deduplicate": False},
}
EXPORT = {
    "name": "daily",
    "with": "databrew",
    "takes": "all",
    "schedule": "cron(0 6 ? * MON-FRI *)",
    "time_zone": "UTC",
}


def given(path: Path, mapping: object, **changes: Any) -> dict[str, Any]:
    """Return settings of an export by DataBrew, with its mapping written to a folder."""
    file = path / "daily.json"
    file.write_text(json.dumps(mapping))
    return {
        "alarms": "none",
        "connectors": [{"name": "meta", "platform": "meta", "folder_quiet_minutes": 30}],
        "normalize": {"exports": [{**EXPORT, "mapping": str(file), **changes}]},
    }


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Synthesise an app whose only export is by DataBrew; return the resources of its stack."""
    folder = tmp_path_factory.mktemp("databrew")
    synthesise(folder, {**given(folder, MAPPING), "wheels": host_wheels()}, root=ROOT)
    found: dict[str, Any] = json.loads((folder / "audience-activation-normalize.template.json").read_text())
    return dict(found["Resources"])


def test_the_recipe_has_the_steps_of_the_mapping(resources: dict[str, Any]) -> None:
    """Operations and parameters are those of https://docs.aws.amazon.com/databrew/latest/dg/ (read 2026-11-30)."""
    steps = only(resources, "AWS::DataBrew::Recipe")["Steps"]
    assert [(one["Action"]["Operation"], one["Action"]["Parameters"]) for one in steps] == [
        ("REMOVE_VALUES", {"SourceColumn": "mail"}),
        ("DELETE", {"SourceColumn": "notes"}),
        ("RENAME", {"SourceColumn": "mail", "TargetColumn": "email"}),
        ("RENAME", {"SourceColumn": "vorname", "TargetColumn": "first_name"}),
    ]
    assert steps[0]["ConditionExpressions"] == [{"Condition": "IS_MISSING", "TargetColumn": "mail"}]
    assert not any("ConditionExpressions" in one for one in steps[1:])


def test_dataset_job_and_schedule_belong_together(resources: dict[str, Any]) -> None:
    """The properties of AWS::DataBrew::Dataset, Job and Schedule, by CloudFormation's pages (read 2026-11-30)."""
    dataset, job = only(resources, "AWS::DataBrew::Dataset"), only(resources, "AWS::DataBrew::Job")
    assert dataset["FormatOptions"] == {"Csv": {"Delimiter": "|", "HeaderRow": True}}
    assert dataset["Input"]["S3InputDefinition"]["Key"] == "daily/"
    assert (job["Type"], job["EncryptionMode"], job["DatasetName"]) == ("RECIPE", "SSE-KMS", dataset["Name"])
    assert job["Recipe"]["Name"] == only(resources, "AWS::DataBrew::Recipe")["Name"]
    (output,) = job["Outputs"]
    assert (output["Format"], output["Overwrite"]) == ("CSV", False)
    assert output["Location"]["Key"] == "meta/Daily/raw/remove/"
    schedule = only(resources, "AWS::DataBrew::Schedule")
    assert (schedule["CronExpression"], schedule["JobNames"]) == ("Cron(0 6 ? * MON-FRI *)", [job["Name"]])


def test_its_role_is_databrew_s_and_as_narrow_as_the_job_s(resources: dict[str, Any]) -> None:
    """It reads the export, writes below the connector, and is assumed for this account alone."""
    role = only(resources, "AWS::IAM::Role")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "databrew.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    statements = {one["Sid"]: one for one in role["Policies"][0]["PolicyDocument"]["Statement"]}
    assert text(statements["ReadExport"]["Resource"]).endswith("/daily/*")
    assert text(statements["WriteDrops"]["Resource"]).endswith("/meta/*")


def test_no_glue_job_is_deployed_for_it(resources: dict[str, Any]) -> None:
    """Without an export by Glue there is neither its job nor a function that starts it."""
    assert not {"AWS::Glue::Job", "AWS::Lambda::Function"} & {one["Type"] for one in resources.values()}


def test_what_a_recipe_cannot_do_is_refused(tmp_path: Path) -> None:
    """Each sentence names the key of the mapping or of the settings."""
    mapping = {
        **MAPPING,
        "input": {"format": "tsv", "encoding": "latin-1"},
        "filters": [{"column": "spend", "above": 500}],
        "columns": {"mail": "email", "country": "US"},
        "group_by": ["mail"],
        "aggregates": {"spend": {"sum": "amount"}},
        "output": {"identifiers": "hashed"},
    }
    found = mistakes(given(tmp_path, mapping, schedule="rate(1 days)", time_zone="Europe/Berlin", takes="new"))
    said = "\n".join(found)
    for key in (
        "aggregates", "group_by", "columns.country", "filters[0]", "output.identifiers", "output.format",
        "output.deduplicate", "input.format", "input.encoding",
    ):  # fmt: skip
        assert f"daily.json: {key}: " in said
    for key in ("schedule", "time_zone", "takes"):
        assert f"exports[0].{key}: with DataBrew" in said
    assert len(found) == 12


def test_a_connector_without_a_quiet_time_would_wait_for_ever(tmp_path: Path) -> None:
    """DataBrew writes no sign, so something else has to close its drops."""
    settings = given(tmp_path, MAPPING)
    del settings["connectors"][0]["folder_quiet_minutes"]
    (found,) = mistakes(settings)
    assert "folder_quiet_minutes" in found


@pytest.mark.parametrize("platform", ["meta", "tiktok"])
def test_the_names_that_a_recipe_gives_are_read_by_the_connectors(platform: str) -> None:
    """A column with such a name is that field without a word in the settings."""
    table = platforms()[platform].table
    known = [name for name in FIELDS if table.columns([name])[0]]
    assert {"email", "phone"} <= set(known)
    if platform == "meta":
        assert known == list(FIELDS)
    assert told_of(table, ["email"], (("email", "email"),)).fields


def test_a_mapping_without_mistakes_has_none() -> None:
    """What is already called as its field needs no step."""
    assert list(recipe_mistakes(MAPPING)) == []
    assert "phone" not in {one.parameters["SourceColumn"] for one in recipe(MAPPING)}
    assert IGNORE not in FIELDS
