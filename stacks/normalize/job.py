"""The Glue job: its code and mappings as assets, its role, its logs and their key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import ArnFormat, FileAssetPackaging, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.glue_assets import glue_assets
from stacks.log_groups import log_group
from stacks.normalize import permissions
from stacks.normalize.settings import NormalizeSettings
from stacks.settings import Settings
from stacks.storage import StorageStack

SCRIPT = Path("glue_scripts", "normalize_audience.py")
# Of Spark and of the script's own output:
# https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html, read 2026-11-30
STREAMS = ("error", "output")


class NormalizeJob(Construct):
    """Job, role, security configuration and log groups.

    `mappings` are the keys of the exports' mappings, by export, in the bucket `assets_bucket`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        normalize: NormalizeSettings,
        storage: StorageStack,
        exports: s3.IBucket,
        root: Path,
    ) -> None:
        super().__init__(scope, id_)
        self._settings, self._job, self._storage = settings, normalize.job, storage
        self.name = f"{settings.name}-normalize"
        self.log_prefix = self.name  # which the key's policy covers
        self.assets_bucket = ""
        self._assets: dict[str, str] = {}  # ARNs by key
        script = self._asset(root / SCRIPT)
        built = glue_assets(self._job.glue_version, root)
        wheels, source = self._asset(built.wheels, ".gluewheels"), self._asset(built.source)
        self.mappings: Mapping[str, str] = {one.name: self._asset(one.mapping.path) for one in normalize.exports}
        self.role = iam.Role(
            self,
            "Role",
            description="Permissions of the normalize job",
            assumed_by=iam.ServicePrincipal("glue.amazonaws.com"),
            inline_policies={
                "Job": iam.PolicyDocument(
                    statements=permissions.of_job(
                        normalize, storage, exports, list(self._assets.values()), self.log_arns
                    )
                )
            },
        )
        self.security = self._security()
        self.groups = [self._log_group(one) for one in STREAMS]
        self.job = self._glue_job(script, wheels, source)

    @property
    def arn(self) -> str:
        """Return the job's ARN."""
        return Stack.of(self).format_arn(service="glue", resource="job", resource_name=self.name)

    @property
    def log_folder(self) -> str:
        """Return what the names of the job's log groups begin with, up to its role's name.

        Where a security configuration encrypts logs, Glue puts its name and the role's between the prefix and the
        stream. AWS's page on logging shows names without one alone; this is the form in public modules that make
        the groups beforehand (read 2026-11-30).
        """
        return f"{self.log_prefix}/{self.name}-role"

    @property
    def log_arns(self) -> list[str]:
        """Return the ARNs of the job's log groups.

        The role's policy cannot name the role, so they are those of every role.
        """
        return [
            Stack.of(self).format_arn(
                service="logs",
                resource="log-group",
                resource_name=f"{self.log_folder}/*",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
        ]

    def _asset(self, path: Path, kind: str = "") -> str:
        """Add a file to the assets, note its ARN, and return its key.

        Glue knows an archive of wheels by its ending `.gluewheels.zip`, of which an Asset would keep `.zip` alone.
        """
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found = Stack.of(self).synthesizer.add_file_asset(
            source_hash=f"{digest}{kind}", file_name=str(path.resolve()), packaging=FileAssetPackaging.FILE
        )
        self.assets_bucket = found.bucket_name
        self._assets[found.object_key] = Stack.of(self).format_arn(
            service="s3", region="", account="", resource=found.bucket_name, resource_name=found.object_key
        )
        return found.object_key

    def _url(self, key: str) -> str:
        return f"s3://{self.assets_bucket}/{key}"

    def _log_group(self, stream: str) -> logs.LogGroup:
        # With the role's generated name, so that a group that a deleted stack has left is not in the way.
        name = f"{self.log_folder}/{self.role.role_name}/{stream}"
        return log_group(self, self._settings, self._storage.key, f"{stream.title()}Logs", name=name)

    def _security(self) -> glue.CfnSecurityConfiguration:
        """Encrypt what Glue itself writes with the customer key.

        https://docs.aws.amazon.com/glue/latest/dg/console-security-configurations.html, read 2026-11-30
        """
        key = self._storage.key.key_arn
        return glue.CfnSecurityConfiguration(
            self,
            "Security",
            name=self.name,
            encryption_configuration=glue.CfnSecurityConfiguration.EncryptionConfigurationProperty(
                cloud_watch_encryption=glue.CfnSecurityConfiguration.CloudWatchEncryptionProperty(
                    cloud_watch_encryption_mode="SSE-KMS", kms_key_arn=key
                ),
                job_bookmarks_encryption=glue.CfnSecurityConfiguration.JobBookmarksEncryptionProperty(
                    job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=key
                ),
                s3_encryptions=[
                    glue.CfnSecurityConfiguration.S3EncryptionProperty(
                        s3_encryption_mode="SSE-KMS", kms_key_arn=key
                    )
                ],
            ),
        )

    def _glue_job(self, script: str, wheels: str, source: str) -> glue.CfnJob:
        job = self._job
        made = glue.CfnJob(
            self,
            "Job",
            name=self.name,
            description="Turns exports into drops: maps, cleans, groups, normalises and deduplicates",
            role=self.role.role_arn,
            command=glue.CfnJob.JobCommandProperty(
                name="glueetl", python_version="3", script_location=self._url(script)
            ),
            glue_version=job.glue_version,
            worker_type=job.worker_type,
            number_of_workers=job.workers,
            execution_class="FLEX" if job.flex else "STANDARD",
            timeout=job.timeout_minutes,
            # The function repeats a failed run, and records each attempt before it makes it.
            max_retries=0,
            execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=job.max_concurrent_runs),
            security_configuration=self.security.ref,
            default_arguments={
                "--additional-python-modules": self._url(wheels),
                "--python-modules-installer-option": "--no-index",
                "--extra-py-files": self._url(source),
                # What is new is decided before the start, by the list of files that the function stores.
                "--job-bookmark-option": "job-bookmark-disable",
                "--custom-logGroup-prefix": self.log_prefix,
            },
        )
        for group in self.groups:
            made.node.add_dependency(group)
        return made
