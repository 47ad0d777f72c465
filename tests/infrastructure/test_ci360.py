"""The stack of SAS CI360: its settings and its API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from activation.platforms.discovery import platforms

from stacks.ci360.settings import Ci360Settings
from stacks.settings import SettingsError, read_settings
from tests.infrastructure.ci360_templates import CI360, STACK, Ci360Template, synth
from tests.infrastructure.conftest import read_templates

KEY_ARN = "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d-1111-2222-3333-444455556666"


def test_there_is_no_stack_without_a_section(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], ci360_tree: Path
) -> None:
    """Whoever has no CI360 has nothing of it."""
    outdir = synth(tmp_path_factory, settings, ci360_tree, None)
    assert not (outdir / f"{STACK}.template.json").exists()


def test_a_flag_goes_before_the_settings(settings: dict[str, Any]) -> None:
    """One run of the command can have the webhook without a section, as the sandbox does, or go without it."""

    def read(flag: str | None, section: Mapping[str, Any] | None) -> Ci360Settings | None:
        given = settings if section is None else {**settings, "ci360": section}
        return read_settings({"audience_activation": given, "ci360": flag}.get, platforms()).ci360

    assert read(None, None) is None
    assert read("none", CI360) is None
    made = read("on", None)
    assert made is not None
    assert (made.drops, made.allowed_hosts) == ({"alpha": ("add",), "beta-eu": ("add",)}, ())
    assert read("on", CI360) == read(None, CI360) != made
    with pytest.raises(SettingsError, match="must be on or none"):
        read("yes", CI360)


def test_the_one_route_needs_a_key(ci360: Ci360Template) -> None:
    """POST /ci360/bulk, with a key, checked against a model; there is no other method."""
    (method,) = ci360.all("AWS::ApiGateway::Method").values()
    assert (method["HttpMethod"], method["ApiKeyRequired"]) == ("POST", True)
    assert method["RequestModels"].keys() == {"application/json"}
    validator = ci360.one("AWS::ApiGateway::RequestValidator")
    assert validator["ValidateRequestBody"] is True
    assert [one["PathPart"] for one in ci360.all("AWS::ApiGateway::Resource").values()] == ["ci360", "bulk"]
    schema = ci360.one("AWS::ApiGateway::Model")["Schema"]
    assert (schema["type"], set(schema["properties"])) == ("object", {"presignedUrls", "sendParameters"})
    # Else API Gateway would refuse a triggered task's body before the function can say what it is.
    assert "required" not in schema


def test_the_plan_bounds_what_a_key_may_ask_for(ci360: Ci360Template) -> None:
    """Throttle and quota are the settings', for the stage and for the key."""
    plan = ci360.one("AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"] == {"RateLimit": 3, "BurstLimit": 7}
    assert plan["Quota"] == {"Limit": 500, "Period": "DAY"}
    assert len(ci360.all("AWS::ApiGateway::UsagePlanKey")) == 2
    (setting,) = ci360.one("AWS::ApiGateway::Stage")["MethodSettings"]
    assert (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"]) == (3, 7)


def test_bodies_are_never_logged(ci360: Ci360Template) -> None:
    """The access log says who called and what was answered; tracing of bodies, which hold signed links, is off."""
    stage = ci360.one("AWS::ApiGateway::Stage")
    (setting,) = stage["MethodSettings"]
    assert setting["DataTraceEnabled"] is False
    line = stage["AccessLogSetting"]["Format"]
    assert {"$context.requestId", "$context.status", "$context.identity.sourceIp"} <= set(
        json.loads(line).values()
    )
    assert "body" not in line.lower()
    assert 'identity.apiKey"' not in line


def test_landed_files_go_when_the_settings_say(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], ci360_tree: Path
) -> None:
    """A rule of the landing prefix's own stands beside that of the drops."""
    outdir = synth(tmp_path_factory, settings, ci360_tree, {"landing_days": 3})
    storage = read_templates(outdir)
    rules = storage.resource("AWS::S3::Bucket", "Drops")["LifecycleConfiguration"]["Rules"]
    assert [(one.get("Prefix"), one["ExpirationInDays"]) for one in rules] == [(None, 30), ("ci360/", 3)]


def test_old_versions_of_tls_are_refused(ci360: Ci360Template) -> None:
    """The webhook's own address accepts TLS 1.2 and newer; such a policy is refused without an access mode.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies-list.html and
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies.html, read 2026-11-30
    """
    api = ci360.one("AWS::ApiGateway::RestApi")
    assert api["SecurityPolicy"] == "SecurityPolicy_TLS13_1_2_PQ_2025_09"
    assert api["EndpointAccessMode"] == "BASIC"


def test_a_key_is_replaced_without_a_pause(ci360: Ci360Template) -> None:
    """Two keys are accepted at once, and each can be found by an output."""
    keys = ci360.all("AWS::ApiGateway::ApiKey")
    assert all(one["Enabled"] for one in keys.values())
    outputs = ci360.template["Outputs"]
    named = {outputs[f"Ci360ApiKeyId{number}"]["Value"]["Ref"] for number in ("", "2")}
    assert named == set(keys)
    assert {one["KeyId"]["Ref"] for one in ci360.all("AWS::ApiGateway::UsagePlanKey").values()} == named


def test_the_account_s_logs_role_is_not_taken_over_unasked(plain_ci360: Ci360Template) -> None:
    """By default no role of the account is set, API Gateway logs nothing, and no concurrency is reserved.

    Lambda refuses a reservation that leaves an account less than 100:
    https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html, read 2026-11-29.
    """
    assert not plain_ci360.all("AWS::ApiGateway::Account")
    stage = plain_ci360.one("AWS::ApiGateway::Stage")
    assert "AccessLogSetting" not in stage
    (setting,) = stage["MethodSettings"]
    assert setting["LoggingLevel"] == "OFF"
    functions = plain_ci360.all("AWS::Lambda::Function").values()
    assert not any("ReservedConcurrentExecutions" in one for one in functions)


def test_every_error_has_the_guideline_s_form(ci360: Ci360Template) -> None:
    """What API Gateway answers by itself has code, message, time and request id; 429 says when to come again."""
    answers = {one["ResponseType"]: one for one in ci360.all("AWS::ApiGateway::GatewayResponse").values()}
    assert {"INVALID_API_KEY", "BAD_REQUEST_BODY", "THROTTLED", "QUOTA_EXCEEDED", "REQUEST_TOO_LARGE"} <= set(
        answers
    )
    assert {"UNSUPPORTED_MEDIA_TYPE", "INTEGRATION_TIMEOUT", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(answers)
    for kind, answer in answers.items():
        error = json.loads(answer["ResponseTemplates"]["application/json"])["error"]
        assert set(error) == {"code", "message", "timestamp", "requestId"}
        assert "context.error" not in json.dumps(error)
        later = answer["ResponseParameters"].get("gatewayresponse.header.Retry-After")
        assert bool(later) is (kind in {"THROTTLED", "QUOTA_EXCEEDED"})
    assert answers["INVALID_API_KEY"]["StatusCode"] == "403"
    deployment = next(
        one for one in ci360.template["Resources"].values() if one["Type"] == "AWS::ApiGateway::Deployment"
    )
    assert set(ci360.all("AWS::ApiGateway::GatewayResponse")) <= set(deployment["DependsOn"])


def test_only_listed_addresses_get_in(ci360: Ci360Template, plain_ci360: Ci360Template) -> None:
    """With a list of networks a wall stands before the stage, closed by default; without one there is none."""
    wall = ci360.one("AWS::WAFv2::WebACL")
    assert wall["DefaultAction"] == {"Block": {}}
    listed = [one["Addresses"] for one in ci360.all("AWS::WAFv2::IPSet").values()]
    assert listed == [["203.0.113.0/24"], ["2001:db8::/32"]]
    assert len(ci360.all("AWS::WAFv2::WebACLAssociation")) == 1
    assert not plain_ci360.all("AWS::WAFv2::WebACL")


def test_no_template_opens_this_machine(ci360: Ci360Template) -> None:
    """What lets the sandbox's own server in is in no template, and hosts are names as they were written down."""
    text = json.dumps(ci360.template)
    assert "LAPTOP" not in text
    for name in ("Webhook", "Transfer"):
        variables = ci360.one("AWS::Lambda::Function", name)["Environment"]["Variables"]
        assert json.loads(variables["ALLOWED_HOSTS"]) == [
            "staging.s3.eu-central-1.amazonaws.com",
            ".files.example.com",
        ]


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"allowed_hosts": ["s3.amazonaws.com"]}, "allowed_hosts"),
        ({"allowed_hosts": [".s3.eu-central-1.amazonaws.com"]}, "allowed_hosts"),
        ({"allowed_hosts": [".amazonaws.com"]}, "allowed_hosts"),
        ({"allowed_hosts": ["s3-eu-west-1.amazonaws.com"]}, "allowed_hosts"),
        ({"allowed_hosts": [".blob.core.windows.net"]}, "allowed_hosts"),
        ({"allowed_hosts": [".dfs.core.windows.net"]}, "allowed_hosts"),
        ({"allowed_hosts": [".cloudfront.net"]}, "allowed_hosts"),
        ({"allowed_hosts": [".storage.googleapis.com"]}, "allowed_hosts"),
        ({"allowed_hosts": ["storage.googleapis.com"]}, "allowed_hosts"),
        ({"allowed_hosts": [".github.io"]}, "allowed_hosts"),
        ({"allowed_hosts": [".co.uk"]}, "allowed_hosts"),
        ({"allowed_hosts": ["localhost"]}, "allowed_hosts"),
        ({"allowed_hosts": ["localhost:8443"]}, "allowed_hosts"),
        ({"allowed_hosts": ["https://a.example.com"]}, "allowed_hosts"),
        ({"allowed_hosts": ["*.example.com"]}, "allowed_hosts"),
        ({"landing_prefix": "alpha"}, "landing_prefix"),
        ({"landing_prefix": "a/b"}, "landing_prefix"),
        ({"drops": [{"connector": "gamma"}]}, "drops[0].connector"),
        ({"drops": [{"connector": "alpha"}, {"connector": "alpha"}]}, "drops[1].connector"),
        ({"drops": [{"connector": "alpha", "actions": ["explode"]}]}, "drops[0].actions"),
        ({"drops": [{"connector": "alpha", "colour": "red"}]}, "drops[0].colour"),
        ({"allowed_ips": ["203.0.113.7/24"]}, "allowed_ips"),
        ({"max_file_gb": 21}, "max_file_gb"),
        ({"results": {"gateway": "extapigwservice-prod.ci360.sas.com"}}, "results.landed_event"),
        ({"results": {"gateway": "https://x", "landed_event": "A"}}, "results.gateway"),
        ({"hosts": []}, "hosts"),
        ({"sas_files": {}}, "sas_files.landing"),
        ({"sas_files": "beside"}, "sas_files"),
        ({"sas_files": {"landing": "both"}}, "sas_files.landing"),
        ({"sas_files": {"landing": "beside", "bucket": "Not-A-Bucket"}}, "sas_files.bucket"),
        ({"sas_files": {"landing": "beside", "key_arn": KEY_ARN}}, "sas_files.key_arn"),
        ({"sas_files": {"landing": "beside", "bucket": "example-files", "days": 3}}, "sas_files.days"),
        ({"sas_files": {"landing": "beside", "prefix": "x/"}}, "sas_files.prefix"),
    ],
)
def test_mistakes_are_named(
    tmp_path_factory: pytest.TempPathFactory,
    settings: dict[str, Any],
    ci360_tree: Path,
    section: dict[str, Any],
    key: str,
) -> None:
    """What cannot be meant, or would let anybody's files in, ends the synth with the key's name."""
    with pytest.raises(SettingsError) as error:
        synth(tmp_path_factory, settings, ci360_tree, section)
    assert any(mistake.startswith(f"audience_activation.ci360.{key}:") for mistake in error.value.mistakes)
