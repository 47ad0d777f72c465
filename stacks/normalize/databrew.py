"""An export by DataBrew: dataset, recipe, job and schedule, in place of the Glue job.

The properties are those of CloudFormation's pages of `AWS::DataBrew::Dataset`, `Recipe`, `Job` and `Schedule`
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_DataBrew.html, read 2026-11-30).
"""

from __future__ import annotations

import json

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_databrew as databrew
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.normalize.databrew_recipe import Step, recipe
from stacks.normalize.settings import ExportSettings, NormalizeSettings
from stacks.settings import Settings
from stacks.statements import allow, through, through_key
from stacks.storage import StorageStack

# Where DataBrew logs: https://docs.aws.amazon.com/databrew/latest/dg/monitoring.overview.html, read 2026-11-30
LOGS = "/aws-glue-databrew/jobs*"


class DataBrewExport(Construct):
    """The resources of one export. Nothing is claimed or accounted for: DataBrew runs them by itself."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        normalize: NormalizeSettings,
        export: ExportSettings,
        storage: StorageStack,
        exports: s3.IBucket,
    ) -> None:
        super().__init__(scope, id_)
        name, key = f"{settings.name}-{export.name}", storage.key.key_arn
        mapping = json.loads(export.mapping.path.read_bytes())
        self.role = iam.Role(
            self,
            "Role",
            description=f"Permissions of the DataBrew job of export {export.name}",
            assumed_by=iam.ServicePrincipal(
                "databrew.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
            inline_policies={
                "Job": iam.PolicyDocument(
                    statements=_statements(Stack.of(self), normalize, export, storage, exports)
                )
            },
        )
        delimiter = mapping.get("input", {}).get("delimiter", ",")
        dataset = databrew.CfnDataset(
            self,
            "Dataset",
            name=name,
            format="CSV",
            format_options=databrew.CfnDataset.FormatOptionsProperty(
                csv=databrew.CfnDataset.CsvOptionsProperty(delimiter=delimiter, header_row=True)
            ),
            input=databrew.CfnDataset.InputProperty(
                s3_input_definition=databrew.CfnDataset.S3LocationProperty(
                    bucket=exports.bucket_name, key=export.prefix
                )
            ),
        )
        made = databrew.CfnRecipe(self, "Recipe", name=name, steps=[_step(one) for one in recipe(mapping)])
        job = databrew.CfnJob(
            self,
            "Job",
            name=name,
            type="RECIPE",
            role_arn=self.role.role_arn,
            dataset_name=dataset.name,
            recipe=databrew.CfnJob.RecipeProperty(name=made.name, version="LATEST_WORKING"),
            encryption_mode="SSE-KMS",
            encryption_key_arn=key,
            log_subscription="ENABLE",
            max_capacity=normalize.job.workers,
            max_retries=normalize.job.retries,
            timeout=normalize.job.timeout_minutes,
            outputs=[
                databrew.CfnJob.OutputProperty(
                    format="CSV",
                    # Each run writes into a folder of its own, which the connector's quiet time closes.
                    overwrite=False,
                    location=databrew.CfnJob.S3LocationProperty(
                        bucket=storage.drops.bucket_name, key=export.mapping.folders
                    ),
                )
            ],
        )
        schedule = databrew.CfnSchedule(
            self,
            "Schedule",
            name=name,
            cron_expression=f"Cron{export.schedule.removeprefix('cron')}",
            job_names=[job.name],
        )
        job.add_resource_dependency(dataset)
        job.add_resource_dependency(made)
        schedule.add_resource_dependency(job)


def _step(step: Step) -> databrew.CfnRecipe.RecipeStepProperty:
    conditions = [
        databrew.CfnRecipe.ConditionExpressionProperty(condition="IS_MISSING", target_column=step.if_missing)
    ]
    return databrew.CfnRecipe.RecipeStepProperty(
        action=databrew.CfnRecipe.ActionProperty(operation=step.operation, parameters=dict(step.parameters)),
        condition_expressions=conditions if step.if_missing else None,
    )


def _statements(
    stack: Stack,
    normalize: NormalizeSettings,
    export: ExportSettings,
    storage: StorageStack,
    exports: s3.IBucket,
) -> list[iam.PolicyStatement]:
    owner: dict[str, str] = {"s3:ResourceAccount": Aws.ACCOUNT_ID}
    group = stack.format_arn(
        service="logs", resource="log-group", resource_name=LOGS, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    key_of_exports = [allow("KeyOfExports", ["kms:Decrypt"], [normalize.key_arn], through("s3"))]
    return [
        allow(
            "ReadExport",
            ["s3:GetObject"],
            [exports.arn_for_objects(f"{export.prefix}*")],
            {"StringEquals": owner},
        ),
        allow("SeeBuckets", ["s3:ListBucket"], [exports.bucket_arn, storage.drops.bucket_arn]),
        allow(
            "WriteDrops",
            ["s3:PutObject"],
            [storage.drops.arn_for_objects(f"{export.mapping.connector}/*")],
        ),
        through_key(storage.key, ["kms:Decrypt", "kms:GenerateDataKey"], "s3"),
        *(key_of_exports if normalize.key_arn else []),
        allow("Logs", ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [group]),
    ]
