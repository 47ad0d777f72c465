"""The alarms of Amazon Marketing Stream's stacks, and what checks them as a whole."""

from __future__ import annotations

import json
import time
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from stacks.marketing_stream import catalogue
from stacks.marketing_stream.catalogue import Realm
from stacks.marketing_stream.queues import CONFIRM_TIMEOUT_S, FAN_OUT_TIMEOUT_S
from stacks.packaging import ROOT
from tests.infrastructure.stream_templates import Template, of_type, synthesise

ALARMED = {
    "ApproximateAgeOfOldestMessage",
    "ApproximateNumberOfMessagesVisible",
    "DeliveryToS3.DataFreshness",
    "ThrottledRecords",
    "Errors",
    "Throttles",
    "Duration",
    "FailedInvokeEventCount",
    "NumberOfNotificationsFailed",
}


def test_every_trouble_has_an_alarm(stream_templates: dict[str, Template]) -> None:
    """Lag, dead letters, confirmations, freshness, throttles and errors, all told to the realm's topic."""
    template = stream_templates["AmzStream-NA-sp-traffic"]
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    assert {one["MetricName"] for one in alarms.values()} == ALARMED
    watched = json.dumps(list(alarms.values()))
    for queue in of_type(template, "AWS::SQS::Queue"):
        assert queue in watched
    assert all(one["AlarmActions"] and one["OKActions"] for one in alarms.values())
    region = stream_templates["audience-activation-stream-na"]
    assert of_type(region, "AWS::SNS::Subscription")


def test_functions_are_watched_as_those_of_connectors_are(stream_templates: dict[str, Template]) -> None:
    """Each has errors, throttles, time near its timeout, and messages that it keeps giving back."""
    template = stream_templates["AmzStream-NA-sp-traffic"]
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    for function, timeout_s in (("FanOut", FAN_OUT_TIMEOUT_S), ("Confirm", CONFIRM_TIMEOUT_S)):
        found = {
            kind: one
            for kind in ("Errors", "Throttles", "Slow", "Returned")
            for id_, one in alarms.items()
            if id_.startswith(f"Alarms{function}{kind}")
        }
        assert set(found) == {"Errors", "Throttles", "Slow", "Returned"}
        assert found["Slow"]["Threshold"] == 1000 * (timeout_s - 5)
        assert found["Throttles"]["EvaluationPeriods"] == found["Returned"]["EvaluationPeriods"] == 3
    for mapping in of_type(template, "AWS::Lambda::EventSourceMapping").values():
        assert mapping["MetricsConfig"] == {"Metrics": ["EventCount"]}


def test_logs_are_encrypted_with_the_realm_s_key(stream_templates: dict[str, Template]) -> None:
    """Those of delivery and functions, by a key that CloudWatch Logs may use for the realm's groups alone.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html, read 2026-11-22
    """
    groups = [
        (f"{name}-{id_}-generated", one)
        for name in ("AmzStream-NA-sp-traffic", "audience-activation-stream-na")
        for id_, one in of_type(stream_templates[name], "AWS::Logs::LogGroup").items()
    ]
    assert len(groups) == 4
    assert all("LogsKey" in json.dumps(one["KmsKeyId"]) for _, one in groups)
    keys = of_type(stream_templates["audience-activation-stream-na"], "AWS::KMS::Key")
    (key,) = (one for id_, one in keys.items() if id_.startswith("LogsKey"))
    assert key["EnableKeyRotation"] is True
    (own,) = (one for one in key["KeyPolicy"]["Statement"] if "Service" in one["Principal"])
    (arns,) = own["Condition"]["ArnLike"].values()
    patterns = [one["Fn::Join"][1][-1].rpartition(":log-group:")[2] for one in arns]
    assert patterns == ["AmzStream*-NA-*", "audience-activation-stream-na-*"]
    # A group that no pattern covers cannot be made, and the deployment fails.
    assert all(any(fnmatchcase(name, pattern) for pattern in patterns) for name, _ in groups)


def test_the_topic_s_key_is_for_the_realm_s_alarms(stream_templates: dict[str, Template]) -> None:
    """CloudWatch may use it for the realm's alarms; EventBridge, which tells nothing there, may not.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html, read 2026-11-30
    """
    keys = of_type(stream_templates["audience-activation-stream-na"], "AWS::KMS::Key")
    (key,) = (one for id_, one in keys.items() if id_.startswith("NoticesKey"))
    (own,) = (one for one in key["KeyPolicy"]["Statement"] if "Service" in one["Principal"])
    assert own["Principal"]["Service"] == "cloudwatch.amazonaws.com"
    assert own["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert own["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][-1].endswith(":alarm:AmzStream*-NA-*")


def test_every_resource_says_its_dataset(stream_templates: dict[str, Template]) -> None:
    """The tag of Amazon's example stacks is on all that takes tags."""
    template = stream_templates["AmzStream-NA-sp-traffic"]
    for type_ in ("AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::IAM::Role"):
        for one in of_type(template, type_).values():
            assert {"Key": "data_set_id", "Value": "sp-traffic"} in one["Tags"]


def test_functions_bring_the_library_and_no_wheels(stream_templates: dict[str, Template]) -> None:
    """The one layer of both functions is our own: with the others a cold start would be many times as long."""
    template = stream_templates["AmzStream-NA-sp-traffic"]
    (layer,) = of_type(template, "AWS::Lambda::LayerVersion")
    functions = of_type(template, "AWS::Lambda::Function").values()
    assert [one["Layers"] for one in functions] == [[{"Ref": layer}]] * 2


def test_end_of_v1_is_said_at_synth(stream_outdir: Path, stream_templates: dict[str, Template]) -> None:
    """Whoever synthesises the stacks reads when Amazon switches this version off."""
    assert stream_templates
    assert catalogue.V1_ENDS in (stream_outdir / "audience-activation-stream-na.metadata.json").read_text()


def test_cdk_nag_has_nothing_to_say(stream_outdir: Path, stream_templates: dict[str, Template]) -> None:
    """No finding is open, and each acknowledgement answers one that is there."""
    assert stream_templates
    plugins = json.loads((stream_outdir / "validation-report.json").read_text())["pluginReports"]
    (nag,) = [one for one in plugins if one["pluginName"] == "AwsSolutions"]
    assert nag["violations"] == []
    acknowledged = {
        (path.strip("/"), rule)
        for file in stream_outdir.glob("*.metadata.json")
        for path, entries in json.loads(file.read_text()).items()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule in entry["data"]
    }
    assert acknowledged == {(one["acknowledgedAt"], one["acknowledgedId"]) for one in nag["suppressedViolations"]}


def test_cfn_lint_has_nothing_to_say(stream_outdir: Path, stream_templates: dict[str, Template]) -> None:
    """The templates are valid CloudFormation."""
    import subprocess
    import sys

    assert stream_templates
    files = [str(path) for path in stream_outdir.glob("*.template.json")]
    done = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", "--config-file", ROOT / ".cfnlintrc", "--template", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.faults
def test_all_stacks_are_synthesised_in_time(tmp_path: Path) -> None:
    """All 45, cdk-nag included and assets staged, take less than 90 seconds, and each is in its realm's region."""
    begun = time.monotonic()
    made = synthesise(tmp_path, {}, staging=True)
    took_s = time.monotonic() - begun
    assert sum(name.startswith("AmzStream-") for name in made) == 45
    manifest = json.loads((tmp_path / "manifest.json").read_text())["artifacts"]
    for realm in Realm:
        stack = manifest[f"AmzStream-{realm}-sp-traffic"]
        assert stack["environment"] == f"aws://unknown-account/{realm.region}"
    assert took_s < 90
