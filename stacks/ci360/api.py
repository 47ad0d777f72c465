"""The REST API: one route, an API key with a usage plan, a body schema, errors in SAS's form, an access log."""

from __future__ import annotations

import json

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from stacks.ci360.gateway_answers import ANSWERS
from stacks.ci360.settings import FIRST_KEY, Ci360Settings

STAGE = "prod"
PATH = ("ci360", "bulk")
RETRY_AFTER_S = 60


class BulkApi(Construct):
    """`POST /ci360/bulk`, for callers with the API key."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        ci360: Ci360Settings,
        function: lambda_.IFunction,
        access_log: logs.ILogGroup | None,
    ) -> None:
        super().__init__(scope, id_)
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=f"{name}-ci360",
            description="Accepts SAS CI360's bulk custom tasks",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                metrics_enabled=True,
                # Execution logs would go to a group that API Gateway makes, without a retention or our key; bodies
                # contain signed links and are never traced.
                logging_level=apigateway.MethodLoggingLevel.OFF,
                data_trace_enabled=False,
                access_log_destination=apigateway.LogGroupLogDestination(access_log) if access_log else None,
                access_log_format=apigateway.AccessLogFormat.custom(_access_line()) if access_log else None,
                throttling_rate_limit=ci360.requests_per_second,
                throttling_burst_limit=ci360.burst,
            ),
        )
        resource = self.api.node.default_child
        assert isinstance(resource, apigateway.CfnRestApi)
        # TLS 1.2 or 1.3, where API Gateway's default accepts 1.0; such a policy needs an access mode:
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies-list.html and
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies.html, read
        # 2026-11-30.
        resource.security_policy = "SecurityPolicy_TLS13_1_2_PQ_2025_09"
        resource.endpoint_access_mode = "BASIC"
        if ci360.logs_role == "app":
            self._account()
        self._route(function)
        self._answers()
        self.keys = [
            self.api.add_api_key(
                "Key" if name == FIRST_KEY else f"Key{name.title()}",
                description=f"For the x-api-key header of CI360's connector: {name}",
            )
            for name in ci360.keys
        ]
        self.plan = self._plan(ci360)
        if ci360.allowed_ips:
            self._only_from(ci360.allowed_ips, name)

    @property
    def url(self) -> str:
        """Return the address to enter in CI360."""
        return self.api.url_for_path("/" + "/".join(PATH))

    def _account(self) -> None:
        """Let API Gateway write logs: a setting that exists once per account and region."""
        role = iam.Role(
            self,
            "LogsRole",
            description="API Gateway writes its logs with this role",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            inline_policies={
                "Logs": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=[
                                "logs:CreateLogGroup",
                                "logs:CreateLogStream",
                                "logs:DescribeLogGroups",
                                "logs:DescribeLogStreams",
                                "logs:PutLogEvents",
                                "logs:GetLogEvents",
                                "logs:FilterLogEvents",
                            ],
                            resources=[f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:*"],
                        )
                    ]
                )
            },
        )
        self.logs_role = role
        account = apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
        # Other APIs of the account may depend on it.
        for kept in (account, role):
            kept.apply_removal_policy(RemovalPolicy.RETAIN)
        self.api.deployment_stage.node.add_dependency(account)

    def _route(self, function: lambda_.IFunction) -> None:
        body = self.api.add_model(
            "Body",
            content_type="application/json",
            # Nothing is required here: the function names what is missing, and tells a triggered task's body.
            description="What is never a task's body; the function checks the rest",
            schema=apigateway.JsonSchema(
                schema=apigateway.JsonSchemaVersion.DRAFT4,
                type=apigateway.JsonSchemaType.OBJECT,
                properties={
                    "presignedUrls": apigateway.JsonSchema(type=apigateway.JsonSchemaType.OBJECT),
                    "sendParameters": apigateway.JsonSchema(type=apigateway.JsonSchemaType.OBJECT),
                },
            ),
        )
        validator = self.api.add_request_validator(
            "Validator", validate_request_body=True, validate_request_parameters=True
        )
        resource = self.api.root.resource_for_path("/".join(PATH))
        self.method = resource.add_method(
            "POST",
            apigateway.LambdaIntegration(function, proxy=True, allow_test_invoke=False),
            api_key_required=True,
            request_models={"application/json": body},
            request_validator=validator,
        )

    def _answers(self) -> None:
        for name, answer in ANSWERS.items():
            error = {
                "code": answer.code,
                "message": answer.sentence,
                "timestamp": "$context.requestTime",
                "requestId": "$context.requestId",
            }
            headers = {"gatewayresponse.header.X-Request-ID": "context.requestId"}
            if answer.status == "429":
                headers["gatewayresponse.header.Retry-After"] = f"'{RETRY_AFTER_S}'"
            response = apigateway.CfnGatewayResponse(
                self,
                f"Answer{name}",
                rest_api_id=self.api.rest_api_id,
                response_type=answer.kind.response_type,
                status_code=answer.status or None,
                response_parameters=headers,
                response_templates={"application/json": json.dumps({"error": error})},
            )
            # A deployment is a snapshot: it must be made after the methods and responses, and again when one
            # changes.
            deployment = self.api.latest_deployment
            assert deployment is not None
            deployment.node.add_dependency(response)
            deployment.add_to_logical_id({name: [answer.status, headers, error]})

    def _plan(self, ci360: Ci360Settings) -> apigateway.UsagePlan:
        plan = self.api.add_usage_plan(
            "Plan",
            description="What the keys may ask for",
            throttle=apigateway.ThrottleSettings(rate_limit=ci360.requests_per_second, burst_limit=ci360.burst),
            quota=apigateway.QuotaSettings(limit=ci360.requests_per_day, period=apigateway.Period.DAY),
        )
        plan.add_api_stage(stage=self.api.deployment_stage)
        for key in self.keys:
            plan.add_api_key(key)
        return plan

    def _only_from(self, networks: tuple[str, ...], name: str) -> None:
        """Allow only these addresses, before the API key is checked."""
        statements = []
        for version, colon in (("IPV4", False), ("IPV6", True)):
            addresses = [network for network in networks if (":" in network) is colon]
            if addresses:
                listed = wafv2.CfnIPSet(
                    self, f"Addresses{version}", scope="REGIONAL", ip_address_version=version, addresses=addresses
                )
                statements.append(
                    wafv2.CfnWebACL.StatementProperty(
                        ip_set_reference_statement=wafv2.CfnWebACL.IPSetReferenceStatementProperty(
                            arn=listed.attr_arn
                        )
                    )
                )
        wall = wafv2.CfnWebACL(
            self,
            "Wall",
            scope="REGIONAL",
            description="Allows only the addresses of SAS CI360",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(block={}),
            visibility_config=_seen(f"{name}-ci360"),
            rules=[
                wafv2.CfnWebACL.RuleProperty(
                    name=f"Allowed{number}",
                    priority=number,
                    statement=statement,
                    action=wafv2.CfnWebACL.RuleActionProperty(allow={}),
                    visibility_config=_seen(f"{name}-ci360-allowed-{number}"),
                )
                for number, statement in enumerate(statements)
            ],
        )
        stage = self.api.deployment_stage
        arn = Stack.of(self).format_arn(
            service="apigateway",
            account="",
            resource="/restapis",
            resource_name=f"{self.api.rest_api_id}/stages/{stage.stage_name}",
        )
        link = wafv2.CfnWebACLAssociation(self, "WallOfTheStage", resource_arn=arn, web_acl_arn=wall.attr_arn)
        link.node.add_dependency(stage)


def _access_line() -> str:
    """Return the access log's format: the caller and the answer, but neither key nor body."""
    fields = (
        "requestId", "requestTime", "httpMethod", "resourcePath", "status", "responseLength", "responseLatency",
        "identity.sourceIp", "identity.userAgent", "identity.apiKeyId", "error.responseType", "integration.status",
    )  # fmt: skip
    return json.dumps({field: f"$context.{field}" for field in fields})


def _seen(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
