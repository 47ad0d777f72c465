"""The stack of exports: the Glue job that turns them into drops, and the function that starts it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.normalize.catalogue import PartsCatalogue
from stacks.normalize.databrew import DataBrewExport
from stacks.normalize.export_catalogue import ExportCatalogue
from stacks.normalize.job import NormalizeJob
from stacks.normalize.settings import NormalizeSettings
from stacks.normalize.start import StartFunction
from stacks.settings import Settings
from stacks.storage import StorageStack


class NormalizeStack(Stack):
    """The stack of exports; it is only deployed if the settings have the section `normalize`."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        normalize: NormalizeSettings,
        storage: StorageStack,
        root: Path,
    ) -> None:
        super().__init__(
            scope, id_, description="Audience Activation: exports, and the job that makes drops of them"
        )
        self.normalize = normalize
        self.exports: s3.IBucket = storage.exports or s3.Bucket.from_bucket_name(self, "Exports", normalize.bucket)
        self.job: NormalizeJob | None = None
        self.start: StartFunction | None = None
        self.catalogue: PartsCatalogue | None = None
        self.export_catalogue: ExportCatalogue | None = None
        if by_glue := normalize.with_engine("glue"):
            self._with_glue(settings, replace(normalize, exports=by_glue), storage, root)
        self.databrew = {
            one.name: DataBrewExport(
                self,
                f"DataBrew{one.id}",
                settings=settings,
                normalize=normalize,
                export=one,
                storage=storage,
                exports=self.exports,
            )
            for one in normalize.with_engine("databrew")
        }
        if tables := [one for one in normalize.exports if one.columns]:
            self.export_catalogue = ExportCatalogue(
                self,
                "ExportTables",
                app=settings.name,
                exports=tables,
                bucket=self.exports,
                key_arn=normalize.key_arn,
                storage=storage,
            )
            CfnOutput(self, "ExportsDatabase", value=self.export_catalogue.database_name)
            CfnOutput(self, "ExportsWorkgroup", value=self.export_catalogue.workgroup_name)
            CfnOutput(self, "ExportsAnalystPolicyArn", value=self.export_catalogue.analyst.managed_policy_arn)

    def _with_glue(
        self, settings: Settings, normalize: NormalizeSettings, storage: StorageStack, root: Path
    ) -> None:
        self.job = NormalizeJob(
            self,
            "Normalize",
            settings=settings,
            normalize=normalize,
            storage=storage,
            exports=self.exports,
            root=root,
        )
        self.start = StartFunction(
            self,
            "Start",
            settings=settings,
            normalize=normalize,
            storage=storage,
            exports=self.exports,
            job=self.job,
            root=root,
        )
        if tables := [one for one in normalize.exports if one.mapping.format == "parquet"]:
            catalogue = PartsCatalogue(self, "Parts", app=settings.name, exports=tables, storage=storage)
            self.catalogue = catalogue
            CfnOutput(self, "PartsDatabase", value=catalogue.database_name)
            CfnOutput(self, "PartsWorkgroup", value=catalogue.workgroup_name)
            CfnOutput(self, "PartsAnalystPolicyArn", value=catalogue.analyst.managed_policy_arn)
        CfnOutput(self, "NormalizeJobName", value=self.job.name)
        CfnOutput(self, "NormalizeQueueUrl", value=self.start.queue.queue_url)
        CfnOutput(self, "NormalizeDeadLetterQueueUrl", value=self.start.dead_letters.queue_url)
        CfnOutput(self, "NormalizeFunctionName", value=self.start.function.function_name)


def add_normalize(app: App, settings: Settings, storage: StorageStack, root: Path) -> NormalizeStack | None:
    """Add the stack to the app; return None if there is no section `normalize`."""
    if settings.normalize is None:
        return None
    return NormalizeStack(
        app,
        f"{settings.name}-normalize",
        settings=settings,
        normalize=settings.normalize,
        storage=storage,
        root=root,
    )
