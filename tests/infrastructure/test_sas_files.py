"""The bucket of files as SAS's own connector writes them: made or existing, and who may do what with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from activation.platforms.discovery import platforms

from lambdas.ci360.settings import TransferSettings, WebhookSettings
from lambdas.ci360.target import SasFiles
from stacks.settings import SettingsError, read_settings
from tests.infrastructure.ci360_templates import STACK, Ci360Template, synth
from tests.infrastructure.conftest import Templates, read_templates
from tests.infrastructure.test_ci360 import KEY_ARN

EXISTING = "example-ci360-files"
OBJECTS = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
OWNER = {"StringEquals": {"s3:ResourceAccount": {"Ref": "AWS::AccountId"}}}


@dataclass(frozen=True)
class App:
    """The templates of one synth."""

    ci360: Ci360Template
    app: Templates

    def variables(self, name: str) -> dict[str, Any]:
        """Return a function's environment; cdk-nag has passed the templates, or there would be none."""
        found: dict[str, Any] = self.ci360.one("AWS::Lambda::Function", name)["Environment"]["Variables"]
        return found


def app(
    factory: pytest.TempPathFactory, settings: Mapping[str, Any], root: Path, files: Mapping[str, Any] | None
) -> App:
    """Synthesise the app with a section `sas_files`."""
    section = {"drops": [{"connector": "alpha"}], **({} if files is None else {"sas_files": files})}
    outdir = synth(factory, settings, root, section)
    return App(Ci360Template(json.loads((outdir / f"{STACK}.template.json").read_text())), read_templates(outdir))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], ci360_tree: Path) -> App:
    """Synthesise the app with a bucket of its own, beside its own landing."""
    return app(tmp_path_factory, settings, ci360_tree, {"landing": "beside", "days": 14})


@pytest.fixture(scope="module")
def existing(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], ci360_tree: Path) -> App:
    """Synthesise the app with a bucket that the company has, instead of its own landing."""
    files = {"landing": "instead", "bucket": EXISTING, "key_arn": KEY_ARN}
    return app(tmp_path_factory, settings, ci360_tree, files)


def test_without_the_setting_there_is_nothing_of_it(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], ci360_tree: Path
) -> None:
    """No bucket, no variable and no permission."""
    off = app(tmp_path_factory, settings, ci360_tree, None)
    assert not off.app.resources("AWS::S3::Bucket", "SasFiles")
    assert "SAS_FILES" not in off.variables("Webhook")
    assert not [sid for sid in off.ci360.statements("Transfer") if "SasFiles" in sid]


def test_the_made_bucket_is_private_encrypted_and_versioned(made: App) -> None:
    """It is like the drops bucket, and sends no events, so that no file in it is taken for a drop."""
    bucket, drops = (made.app.resource("AWS::S3::Bucket", name) for name in ("SasFiles", "Drops"))
    for part in ("BucketEncryption", "PublicAccessBlockConfiguration", "OwnershipControls"):
        assert bucket[part] == drops[part]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["LoggingConfiguration"]["LogFilePrefix"] == "sasfiles/"
    assert "NotificationConfiguration" not in bucket
    assert made.app.storage["Resources"].keys() >= made.app.resources("AWS::S3::Bucket", "SasFiles").keys()


@pytest.mark.parametrize(("days", "kept"), [(14, 14), (None, 30), (0, None)])
def test_the_files_go_when_the_settings_say(
    tmp_path_factory: pytest.TempPathFactory,
    settings: dict[str, Any],
    ci360_tree: Path,
    days: int | None,
    kept: int | None,
) -> None:
    """As long as drops by default, for ever if asked; a file that was replaced is kept for a week more."""
    files = {"landing": "beside", **({} if days is None else {"days": days})}
    bucket = app(tmp_path_factory, settings, ci360_tree, files).app.resource("AWS::S3::Bucket", "SasFiles")
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule.get("ExpirationInDays") == kept
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_the_transfer_may_write_the_made_bucket_and_delete_nothing(made: App) -> None:
    """Objects of that bucket alone, bound to the account, with the app's key through S3."""
    own = made.ci360.statements("Transfer")
    land, look, key = (
        own[one] for one in ("LandSasFiles", "TellAbsentSasFilesFromForbidden", "KeyThroughSasFiles")
    )
    assert (land["Action"], land["Condition"]) == (OBJECTS, OWNER)
    assert "SasFiles" in json.dumps(land["Resource"])
    assert land["Resource"]["Fn::Join"][1][1] == "/*"
    assert (look["Action"], look["Condition"]) == ("s3:ListBucket", OWNER)
    assert key["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert "s3." in json.dumps(key["Condition"]["StringEquals"]["kms:ViaService"])
    assert not [sid for sid in made.ci360.statements("Webhook") if "Sas" in sid]


def test_the_transfer_may_write_the_existing_bucket_with_its_key(existing: App) -> None:
    """By its name, with the key of the settings; the landing prefix, where nothing lands, is closed."""
    own = existing.ci360.statements("Transfer")
    arn = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":s3:::{EXISTING}/*"]]}
    assert (own["LandSasFiles"]["Resource"], own["LandSasFiles"]["Condition"]) == (arn, OWNER)
    assert own["KeyThroughSasFiles"]["Resource"] == KEY_ARN
    assert own["Land"]["Resource"]["Fn::Join"][1][1] == "/alpha/*"
    assert not existing.app.resources("AWS::S3::Bucket", "SasFiles")


def test_an_existing_bucket_with_s3_s_own_encryption_needs_no_key(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], ci360_tree: Path
) -> None:
    """No key is allowed where none is used."""
    plain = app(tmp_path_factory, settings, ci360_tree, {"landing": "instead", "bucket": EXISTING})
    assert "KeyThroughSasFiles" not in plain.ci360.statements("Transfer")


def test_the_functions_read_what_the_template_tells_them(made: App, existing: App) -> None:
    """Which bucket, and whether beside or instead."""
    for found, landing in ((made, SasFiles.BESIDE), (existing, SasFiles.INSTEAD)):
        read = {
            name: {key: text if isinstance(text, str) else json.dumps(text) for key, text in variables.items()}
            for name in ("Webhook", "Transfer")
            for variables in [found.variables(name)]
        }
        webhook, transfer = (
            WebhookSettings.from_environment(read["Webhook"]),
            TransferSettings.from_environment(read["Transfer"]),
        )
        assert webhook.targets.sas_files is landing
        assert webhook.sas_bucket == transfer.sas_bucket != ""
    assert existing.variables("Webhook")["SAS_FILES_BUCKET"] == EXISTING


def test_readers_of_the_made_bucket_have_a_policy(made: App, existing: App) -> None:
    """They may read and list it, and use the key through S3; an existing bucket has its readers already."""
    (policy,) = made.app.resources("AWS::IAM::ManagedPolicy", "SasFilesReader").values()
    actions = [one["Action"] for one in policy["PolicyDocument"]["Statement"]]
    assert actions == [
        ["s3:GetObject", "s3:GetObjectVersion"],
        ["s3:ListBucket", "s3:ListBucketVersions"],
        "kms:Decrypt",
    ]
    assert {"SasFilesBucket", "SasFilesReaderPolicyArn"} <= made.app.storage["Outputs"].keys()
    assert not existing.app.resources("AWS::IAM::ManagedPolicy", "SasFilesReader")
    assert existing.ci360.template["Outputs"]["Ci360SasFilesBucket"]["Value"] == EXISTING


def test_a_flag_gives_one_deployment_the_bucket(settings: dict[str, Any]) -> None:
    """As the sandbox does for a test; the file's own setting is replaced."""
    flags = {"ci360": "on", "ci360_sas_files": '{"landing": "instead"}'}
    read = read_settings({"audience_activation": settings, **flags}.get, platforms()).ci360
    assert read is not None
    assert read.sas_files is not None
    assert read.sas_files.landing == "instead"
    assert read.drops == {"alpha": ("add",), "beta-eu": ("add",)}


@pytest.mark.parametrize("name", ["drops_bucket", "receipts_bucket"])
def test_the_app_s_own_buckets_are_no_place_for_them(settings: dict[str, Any], name: str) -> None:
    """There a file would be a drop or a receipt."""
    given = {
        **settings,
        "storage": {name: EXISTING},
        "ci360": {"sas_files": {"landing": "beside", "bucket": EXISTING}},
    }
    with pytest.raises(SettingsError, match=r"ci360\.sas_files\.bucket: is the app's own"):
        read_settings({"audience_activation": given}.get, platforms())
