"""The synth itself: clean, repeatable, and without an account, a network or Docker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

import app as app_module
from stacks.packaging import ROOT
from tests.infrastructure.conftest import Templates, context, read_templates, synthesise, tree

RULES = {
    "AwsSolutions-SQS3",  # a rule's dead letters, taken for a queue without any
    "AwsSolutions-SMG4",  # rotation of a platform's token
    "AwsSolutions-L1",  # the runtime the wheels are built for
    "AwsSolutions-IAM5",  # objects below a prefix, and X-Ray
}


def report(outdir: Path) -> dict[str, Any]:
    """Return cdk-nag's part of the validation report."""
    (plugin,) = json.loads((outdir / "validation-report.json").read_text())["pluginReports"]
    assert plugin["pluginName"] == "AwsSolutions"
    return dict(plugin)


def test_cdk_nag_has_nothing_to_say(templates: Templates) -> None:
    """No finding of AwsSolutions is open, and those that are accepted say why."""
    found = report(templates.outdir)
    assert (found["conclusion"], found["violations"]) == ("success", [])
    accepted = found["suppressedViolations"]
    assert {one["ruleName"].partition("[")[0] for one in accepted} == RULES
    assert all(len(one["reason"].split()) >= 10 for one in accepted)


def test_no_acknowledgement_is_stale(templates: Templates) -> None:
    """Every acknowledgement answers a finding that is there."""
    manifest: dict[str, Any] = {}
    for written in templates.outdir.glob("*.metadata.json"):
        manifest |= json.loads(written.read_text())
    acknowledged = {
        (path.strip("/"), rule)
        for path, entries in manifest.items()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule in entry["data"]
    }
    answered = {
        (one["acknowledgedAt"], one["acknowledgedId"]) for one in report(templates.outdir)["suppressedViolations"]
    }
    assert acknowledged == answered


def test_a_finding_stops_the_synth(
    tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its acknowledgements the app does not synthesise: cdk-nag is really asked."""
    monkeypatch.setattr(app_module, "acknowledge", lambda *_: None)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        synthesise(tmp_path / "out", settings, root=tree(tmp_path / "tree"))
    assert {one["ruleName"].partition("[")[0] for one in report(tmp_path / "out")["violations"]} == RULES


def test_two_synths_are_the_same(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Templates and assets depend on the source and the settings alone, not on where and when."""
    one = synthesise(tmp_path / "one", settings, root=tree(tmp_path / "tree-one"))
    two = synthesise(tmp_path / "two", settings, root=tree(tmp_path / "tree-two"))
    assert one.storage == two.storage
    assert one.activation == two.activation


def test_a_synth_needs_no_account_and_no_network(templates: Templates, tmp_path: Path) -> None:
    """A warm synth works with no credentials, no home and every proxy dead."""
    dead = "http://127.0.0.1:9"
    given = json.loads((ROOT / "cdk.context.json").read_text())["audience_activation"]
    flags = context(given, staging=False)
    environment = {
        "PATH": os.defpath,
        "HOME": str(tmp_path / "home"),
        "JSII_NODE": os.environ["JSII_NODE"],
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": os.environ["JSII_RUNTIME_PACKAGE_CACHE_ROOT"],
        "CDK_OUTDIR": str(tmp_path / "out"),
        "CDK_CONTEXT_JSON": json.dumps(flags),
        "HTTP_PROXY": dead,
        "HTTPS_PROXY": dead,
        "ALL_PROXY": dead,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert read_templates(tmp_path / "out").resources("AWS::Lambda::Function")


def test_a_synth_needs_no_more_than_what_deploys(templates: Templates, tmp_path: Path) -> None:
    """The app synthesises without an editable install, Arrow, a platform's SDK or the command's packages."""
    given = json.loads((ROOT / "cdk.context.json").read_text())["audience_activation"]
    refused = "aws_lambda_powertools boto3 facebook_business phonenumbers pyarrow pycountry requests rich typer"
    program = (
        "import runpy, sys\n"
        f"sys.modules.update(dict.fromkeys({refused.split()}))\n"  # None: an import of it fails
        f"runpy.run_path({str(ROOT / 'app.py')!r}, run_name='__main__')\n"
    )
    installed = os.pathsep.join(dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT), installed)),
        "CDK_OUTDIR": str(tmp_path / "out"),
        "CDK_CONTEXT_JSON": json.dumps(context(given, staging=False)),
    }
    done = subprocess.run(
        # -S: not the file by which an editable install puts the library on the import path
        [sys.executable, "-S", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert read_templates(tmp_path / "out").resources("AWS::Lambda::Function")


def test_wrong_settings_stop_the_synth_with_sentences(tmp_path: Path) -> None:
    """An operator sees what to correct, not a traceback."""
    flags = context({"connectors": [{"name": "Meta", "platform": "myspace"}]}, staging=False)
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "CDK_OUTDIR": str(tmp_path / "out"), "CDK_CONTEXT_JSON": json.dumps(flags)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "cdk.context.json: 2 to correct" in done.stderr
    assert "audience_activation.connectors[0].name: " in done.stderr
    assert "audience_activation.connectors[0].platform: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_synth_warns_once_while_nobody_is_told(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Without `alarms` the app synthesises, with one warning that says what to write."""
    undecided = {name: value for name, value in settings.items() if name != "alarms"}
    made = app_module.build(
        outdir=str(tmp_path / "out"), context=context(undecided, staging=False), root=tree(tmp_path / "tree")
    )
    messages = [message.entry.data for stack in made.synth().stacks for message in stack.messages]
    (warning,) = (one for one in messages if "who is told" in str(one))
    assert '"alarms": "you@example.com"' in str(warning)


@pytest.mark.parametrize("decided", [True, False])
def test_a_deployment_needs_somebody_to_be_told(tmp_path: Path, settings: dict[str, Any], decided: bool) -> None:
    """Without `alarms` CloudFormation refuses every stack by a rule of its template, before it creates anything.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html, read 2026-11-29.
    """
    given = settings if decided else {name: value for name, value in settings.items() if name != "alarms"}
    made = synthesise(tmp_path / "out", given, root=tree(tmp_path / "tree"))
    for template in (made.storage, made.activation):
        rules = template["Rules"]
        assert ("SomebodyIsTold" in rules) is not decided
        if not decided:
            (assertion,) = rules["SomebodyIsTold"]["Assertions"]
            parameter = template["Parameters"]["WhoIsTold"]["Default"]
            assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WhoIsTold"}, parameter]}]}
            assert '"alarms": "you@example.com"' in assertion["AssertDescription"]


def test_several_copies_fit_into_an_account(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Another name gives other stacks, and a bus of its own."""
    root = tree(tmp_path / "tree")
    copy = app_module.build(
        outdir=str(tmp_path / "out"), context=context({**settings, "name": "second"}, staging=False), root=root
    )
    assert isinstance(copy, App)
    copy.synth()
    storage = json.loads((tmp_path / "out" / "second-storage.template.json").read_text())
    (bus,) = (one for one in storage["Resources"].values() if one["Type"] == "AWS::Events::EventBus")
    assert bus["Properties"]["Name"].startswith("secondstorage")


def test_a_sandbox_can_be_thrown_away(tmp_path: Path, settings: dict[str, Any]) -> None:
    """With `removal` set to destroy nothing outlives its stack; it is a setting, not another template."""
    thrown = synthesise(tmp_path / "out", {**settings, "removal": "destroy"}, root=tree(tmp_path / "tree"))
    for template in (thrown.storage, thrown.activation):
        policies = {id_: one.get("DeletionPolicy", "Delete") for id_, one in template["Resources"].items()}
        assert set(policies.values()) == {"Delete"}
    assert "DeletionProtectionEnabled" not in thrown.resource("AWS::DynamoDB::Table") or (
        thrown.resource("AWS::DynamoDB::Table")["DeletionProtectionEnabled"] is False
    )
