"""`activation sandbox` where there is no sandbox, and where one cannot be brought up."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.sandbox import sandbox as command
from sandbox.place import Place

RUN = CliRunner()


def test_taking_down_nothing_is_a_no(tmp_path: Path) -> None:
    """Without a sandbox `down` says so, exits 1 and makes no folder."""
    done = RUN.invoke(command, ["down", "--directory", str(tmp_path / "none")])
    assert done.exit_code == 1
    assert "no sandbox was running" in done.stderr
    assert not (tmp_path / "none").exists()


def test_machine_that_cannot_run_it_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that fails exits 1 with the reason alone, and leaves nothing that says a sandbox is up."""
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    done = RUN.invoke(command, ["up", "--json", "--directory", str(tmp_path)])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "riscv64" in done.stderr
    assert "Traceback" not in done.stderr
    assert not Place(tmp_path).state.exists()


def test_up_says_its_source_and_what_has_no_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox has a source of its own in place of the settings', and does not act on every property."""
    described = {
        "aws_endpoint_url": "http://127.0.0.1:1",
        "drops_bucket": "drops",
        "simulators": {},
        "source": {"bucket": "example-exports", "prefix": "vip people/", "audience": "VIP"},
        "does_nothing_here": [
            {"type": "AWS::DataBrew::Job", "stack": "app", "logical_id": "Job", "undone": "no data is prepared"}
        ],
        "shortened": {"tiktok": {"processing_s": 1.0}},
        "not_enforced": [
            {"type": "AWS::S3::Bucket", "property": "LifecycleConfiguration", "effect": "objects stay"},
            {"type": "AWS::S3::Bucket", "property": "Tags", "effect": "buckets have no tags"},
        ],
    }
    monkeypatch.setattr("sandbox.lifecycle.up", lambda *_, **__: described)
    done = RUN.invoke(command, ["up", "--directory", str(tmp_path)])
    assert "source        s3://example-exports/vip people/ (the sandbox's own; " in done.stdout
    assert "accepted, does nothing here: AWS::DataBrew::Job Job (no data is prepared)" in done.stdout
    assert "shortened     tiktok: processing_s is 1; the platform takes hours\n" in done.stdout
    assert "not enforced  AWS::S3::Bucket: LifecycleConfiguration, Tags\n" in done.stdout
