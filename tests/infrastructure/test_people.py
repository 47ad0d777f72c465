"""What people and other accounts may do: managed policies, and uploads from elsewhere."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from activation.drops.folder_listing import listing_key
from aws_cdk import App, Stack

from stacks import limits, people
from tests.infrastructure.conftest import Templates, synthesise, tree
from tests.infrastructure.test_calls_allowed import WATCH, actions_of
from tests.infrastructure.test_permissions import several, text
from tests.sdk_calls import ROOT

READABLE = {".json": True, ".html": True, ".rejects.csv": True, ".refused/consent.arrow": False}
ADDS_ONLY = "arn:aws:iam::333333333333:role/export"
AUDIENCES = {"Été": {"retention_days": 30, "guard": {"leave": "10%"}}}
ELSEWHERE = "arn:aws:iam::222222222222:role/export"


def policy(templates: Templates, name: str) -> dict[str, dict[str, Any]]:
    """Return the statements of a managed policy by their id."""
    found = templates.resource("AWS::IAM::ManagedPolicy", name)
    return {one["Sid"]: one for one in found["PolicyDocument"]["Statement"]}


def test_the_policies_are_attached_to_nobody(templates: Templates) -> None:
    """Who has them is the company's to say; each is named by an output, and so is the key."""
    policies = templates.resources("AWS::IAM::ManagedPolicy")
    assert len(policies) == 8  # with that of the daily examination, whose role is in a stack of its own
    for one in policies.values():
        assert not {"Roles", "Users", "Groups"} & one.keys()
    named = {**templates.storage["Outputs"], **templates.activation["Outputs"]}
    wanted = {
        "AlphaDropperPolicyArn",
        "BetaEuDropperPolicyArn",
        "SuppressionsDropperPolicyArn",
        "ForgetterPolicyArn",
        "ReaderPolicyArn",
        "OperatorPolicyArn",
        "KeyArn",
        "AnalystPolicyArn",
    }
    assert wanted <= named.keys()


def test_who_drops_uploads_below_one_prefix_and_reads_nothing(templates: Templates) -> None:
    """The policy of a connector puts objects below its prefix, with the customer key through S3 alone."""
    own = policy(templates, "PeopleBetaEuDropper")
    assert text(own["UploadDrops"]["Resource"]).endswith("/beta-eu/*")
    actions = {action for one in own.values() for action in several(one["Action"])}
    assert "s3:PutObject" in actions
    assert not {action for action in actions if action.startswith(("s3:Get", "s3:List")) and "Parts" not in action}
    assert "s3." in str(own["KeyThroughS3"]["Condition"])


def test_who_forgets_can_add_nobody(templates: Templates) -> None:
    """The policy uploads what removes, and the list of the forgotten, and writes receipts of forgets alone."""
    own = policy(templates, "PeopleForgetter")
    writes = {action for one in own.values() for action in several(one["Action"]) if action.startswith("s3:Put")}
    assert writes == {"s3:PutObject"}
    keys = [text(one).partition(">/")[2] for one in several(own["UploadDrops"]["Resource"])]
    assert keys == ["*/raw/remove/forget-*", "suppressions/forgotten/raw/forget-*"]
    assert own["RemoveAlone"]["Effect"] == "Deny"
    denied = [text(one).partition(">/")[2] for one in several(own["RemoveAlone"]["Resource"])]
    for key, is_denied in (
        ("meta/VIP/raw/remove/forget-1/people.csv", False),
        ("suppressions/forgotten/raw/forget-1.csv", False),
        ("suppressions/forgotten/raw/remove/forget-1.csv", True),
        ("meta/VIP/raw/night/raw/remove/forget-1/people.csv", True),
        ("meta/VIP/raw/add/raw/remove/forget-1/people.csv", True),
    ):
        assert any(fnmatchcase(key, one) for one in denied) is is_denied
    assert text(own["KeepForgets"]["Resource"]).endswith("/forgets/*.json")


def test_who_lists_uploads_below_the_lists(templates: Templates) -> None:
    """The policy of suppression lists reaches no connector's drops."""
    own = policy(templates, "PeopleSuppressionsDropper")
    assert text(own["UploadDrops"]["Resource"]).endswith("/suppressions/*")


def test_who_reads_changes_nothing(templates: Templates) -> None:
    """The reader's policy reads receipts and the ledger, and no drop."""
    own = policy(templates, "PeopleReader")
    actions = {action for one in own.values() for action in several(one["Action"])}
    assert all(
        action.partition(":")[2].startswith(("BatchGet", "Get", "List", "Query", "Scan", "Describe", "Decrypt"))
        for action in actions
    )
    assert "Drops" not in json.dumps(list(own.values()))


def test_who_queries_writes_the_table_and_results_and_nothing_else(templates: Templates) -> None:
    """The analyst's policy reads and writes two places of the receipts bucket, none of them with receipts."""
    own = policy(templates, "ReceiptCatalogueAnalyst")
    objects = {sid: text(one["Resource"]) for sid, one in own.items() if "s3:PutObject" in several(one["Action"])}
    assert {sid: resource.partition(">/")[2] for sid, resource in objects.items()} == {
        "BringUpToDate": "catalogue/receipts/receipts.parquet",
        "Results": "queries/*",
    }
    changing = ("Create", "Delete", "Update", "Batch")
    assert not {
        one for each in own.values() for one in several(each["Action"]) if one.split(":")[1].startswith(changing)
    }


def test_who_operates_reads_no_drop_and_deletes_nothing_that_is_kept(templates: Templates) -> None:
    """The operator's policy moves messages, replays, writes secrets and audiences' options, and reads logs."""
    own = policy(templates, "Operator")
    actions = {action for one in own.values() for action in several(one["Action"])}
    assert {"sqs:StartMessageMoveTask", "events:StartReplay", "secretsmanager:PutSecretValue"} <= actions
    on_objects = {"s3:GetObject", "s3:PutObject"}
    assert {action for action in actions if action.startswith("s3:")} == {
        "s3:ListBucketVersions",
        "s3:AbortMultipartUpload",
        *on_objects,
    }
    assert text(own["UndoCopies"]["Resource"]).endswith("/*/raw/_activation_undo/*")
    assert {*several(own["AudienceOptions"]["Action"])} == on_objects
    assert text(own["AudienceOptions"]["Resource"]).endswith("/*/_audience.json")
    assert "*#approved#*" in own["Mirrors"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert own["TokenLock"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] == [
        "account#*#token#*"
    ]


def test_who_operates_may_make_each_call_of_its_commands(templates: Templates) -> None:
    """Both allow what `status --missing`, `runs`, `redrive`, `doctor` and `secret set` call."""
    policies = (policy(templates, "Operator"), policy(templates, "PeopleReader"))
    allowed = {action for own in policies for one in own.values() for action in several(one["Action"])}
    # An action by its service's calls; sources and parameters of other owners are their owners' to open.
    commands = ("approval", "letters", "missing", "operate", "resend", "secret_store")
    rooms = [path for room in ("runs", "console") for path in (ROOT / "cli" / room).glob("*.py")]
    rooms.remove(ROOT / "cli" / "console" / "app.py")  # the templates that it gets are pages
    paths = [*(ROOT / "cli" / f"{name}.py" for name in commands), *rooms]
    examined = [path for path in (ROOT / "lambdas" / "doctor").glob("*.py") if path.name != "sources.py"]
    calls = actions_of([*paths, *examined, *WATCH])
    assert {"s3:ListBucketVersions", "dynamodb:BatchGetItem", "sqs:SendMessage", "s3:ListBucket"} <= calls.keys()
    assert {call for call in calls.keys() - allowed if not call.startswith("ssm:")} == set()
    # Clients of services that no function uses.
    assert {
        "sns:ListSubscriptionsByTopic",
        "lambda:GetAccountSettings",
        "lambda:GetFunctionConfiguration",
        "lambda:ListEventSourceMappings",
        "events:DescribeRule",
    } <= allowed


def cut(stack: str, logical_id: str, longest: int) -> str:
    """Return the name that CloudFormation generates, as seen at https://github.com/convox/rack/issues/2297."""
    room = longest - len("--1GRP3N0TVA1LD")
    if len(stack) + len(logical_id) > room:
        stack, logical_id = stack[: (room + 1) // 2], logical_id[: room // 2]
    return f"{stack}-{logical_id}-1GRP3N0TVA1LD"


def test_a_generated_name_is_cut_as_it_was_seen() -> None:
    """The name of a function in a public report is what this file makes of its stack and logical id."""
    seen = "mylongerapp-playground-ne-InstancesLifecycleHandle-1GRP3N0TVA1LD"
    assert cut("mylongerapp-playground-new", "InstancesLifecycleHandler", 64) == seen


@pytest.mark.parametrize("stack", ["smoke-12345678-activation", f"{'a' * 32}-activation", "abc-activation"])
@pytest.mark.parametrize("longest", [64, 80])
def test_a_generated_name_is_one_of_those_expected(stack: str, longest: int) -> None:
    """However long the stack's name and the logical id are, and not for another app's short name."""
    named = Stack(App(), "Stack", stack_name=stack)
    for letters in range(4, 60):
        assert fnmatchcase(cut(stack, "L" * letters, longest), people.generated(named, longest))
    assert not fnmatchcase(cut("abcd-activation", "Function", longest), people.generated(named, longest))


@pytest.mark.parametrize(
    ("sid", "kind", "longest"),
    [("SeeFunctions", "AWS::Lambda::Function", 64), ("Redrive", "AWS::SQS::Queue", 80)],
)
def test_who_operates_may_use_functions_and_queues_whose_names_are_cut(
    templates: Templates, sid: str, kind: str, longest: int
) -> None:
    """The stack's name of the app as it is shipped is already too long for some of its functions' names."""
    allowed = text(policy(templates, "Operator")[sid]["Resource"]).rpartition(":")[2]
    names = [cut("audience-activation-activation", one, longest) for one in templates.activation["Resources"]
             if templates.activation["Resources"][one]["Type"] == kind]  # fmt: skip
    assert names
    assert [one for one in names if not fnmatchcase(one, allowed)] == []


def test_who_reads_receipts_cannot_read_who_said_no(templates: Templates) -> None:
    """Receipts and lists of rejects are read by their endings; sets of refused identifiers end otherwise."""
    patterns = [
        text(one).partition("/")[2] for one in policy(templates, "PeopleReader")["ReadReceipts"]["Resource"]
    ]
    stem = f"receipts/alpha/vip/{'0' * 32}"
    readable = {name: any(fnmatchcase(f"{stem}{name}", one) for one in patterns) for name in READABLE}
    assert readable == READABLE


@pytest.mark.parametrize(
    ("name", "may"), [("", True), ("-1", True), ("-10", True), (".header", False), (".made", False)]
)
def test_who_reads_receipts_reads_the_lists_of_folders_and_no_header(
    templates: Templates, name: str, *, may: bool
) -> None:
    """Of an undo it has to be known whether a folder's files are there; a header may hold a person."""
    allowed = policy(templates, "PeopleReader")["ReadReceipts"]["Resource"]
    patterns = [text(one).partition("/")[2] for one in allowed]
    again = int(name[1:]) if name.startswith("-") else 0
    stem = listing_key("alpha", "0" * 32, again)
    key = stem if not name or again else f"{stem.removesuffix('.json')}{name}.json"
    assert any(fnmatchcase(key, one) for one in patterns) is may


@pytest.mark.parametrize("count", [limits.MAX_RESOURCES // 27])
def test_policies_fit_however_many_connectors(templates: Templates, count: int) -> None:
    """A managed policy takes at most 6,144 characters without white space.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, read 2026-11-29
    """
    secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:" + "x" * 70
    own = json.dumps(list(policy(templates, "Operator").values()), separators=(",", ":"))
    assert len(own) + count * len(secret_arn) < 6_144


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Synthesise an app with connectors that other accounts drop for, and some that only add."""
    connectors = [
        {"name": "alpha", "platform": "meta", "droppers": [ELSEWHERE]},
        {"name": "beta", "platform": "tiktok", "actions": ["add"], "droppers": [ADDS_ONLY]},
        {"name": "gamma", "platform": "snapchat"},
        {"name": "delta", "platform": "meta", "actions": ["add", "replace"], "audiences": AUDIENCES},
    ]
    root = tree(tmp_path_factory.mktemp("tree"))
    return synthesise(Path(tmp_path_factory.mktemp("out")), {"connectors": connectors}, root=root)


def test_another_account_uploads_below_one_prefix(shared: Templates, templates: Templates) -> None:
    """Bucket and key let the named principal upload drops of that connector, and nobody without the setting.

    An upload from another account needs both, and its own account's leave:
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html, and
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-walkthroughs-managing-access-example2.html, read
    2026-11-29
    """
    bucket = shared.resource("AWS::S3::BucketPolicy", "Drops")["PolicyDocument"]["Statement"]
    key = shared.resource("AWS::KMS::Key", "Key")["KeyPolicy"]["Statement"]
    (upload,) = (one for one in bucket if one["Effect"] == "Allow" and one["Principal"] == {"AWS": ELSEWHERE})
    assert text(upload["Resource"]).endswith("/alpha/*")
    assert set(upload["Action"]) == {"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}
    (encrypt,) = (one for one in key if one["Principal"] == {"AWS": ELSEWHERE})
    assert set(encrypt["Action"]) == {"kms:GenerateDataKey", "kms:Decrypt"}
    assert "s3." in str(encrypt["Condition"]["StringEquals"]["kms:ViaService"])
    assert ELSEWHERE not in json.dumps(templates.storage)


def test_who_may_not_replace_may_not_say_what_an_audience_is_like(shared: Templates) -> None:
    """Policies deny the audiences' files where drops only add, at home and elsewhere; a denial beats any right."""
    for connector, denied in (("Alpha", False), ("Beta", True), ("Gamma", False), ("Delta", False)):
        own = policy(shared, f"People{connector}Dropper")
        assert ("KeepOptions" in own) is denied, connector
        if denied:
            assert own["KeepOptions"]["Effect"] == "Deny"
            assert own["KeepOptions"]["Action"] == "s3:PutObject"
            assert text(own["KeepOptions"]["Resource"]).endswith(f"/{connector.lower()}/*/_audience.json")
    bucket = shared.resource("AWS::S3::BucketPolicy", "Drops")["PolicyDocument"]["Statement"]
    (kept,) = (one for one in bucket if one["Effect"] == "Deny" and one["Principal"] == {"AWS": ADDS_ONLY})
    assert kept["Action"] == "s3:PutObject"
    assert text(kept["Resource"]).endswith("/beta/*/_audience.json")
    assert not [one for one in bucket if one["Effect"] == "Deny" and one["Principal"] == {"AWS": ELSEWHERE}]


def test_the_function_is_told_which_actions_are_allowed(shared: Templates) -> None:
    """Without the setting the variable is absent, and all of the platform's actions are allowed."""
    functions = shared.resources("AWS::Lambda::Function")
    variables = {
        one["Environment"]["Variables"]["CONNECTOR"]: one["Environment"]["Variables"]
        for one in functions.values()
        if "CONNECTOR" in one["Environment"]["Variables"]
    }
    assert variables["beta"]["ACTIONS"] == '["add"]'
    assert json.loads(variables["delta"]["AUDIENCES"]) == AUDIENCES
    assert "AUDIENCES" not in variables["alpha"]
    assert "ACTIONS" not in variables["alpha"]
