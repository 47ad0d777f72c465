"""The CDK app of the receiver: `python -m smoke.receiver.app`, with the names in its environment."""

from __future__ import annotations

import os
from pathlib import Path

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from smoke.receiver import NAME, TOKEN_SHA256, URL


def build(name: str, token_sha256: str, *, outdir: str | None = None) -> App:
    """Build the app: one stack of this name, with a function that knows the token of this hash, and its URL.

    The URL asks for no signature of AWS's, since the connector signs as Meta wants it; the token is the lock.
    """
    app = App(outdir=outdir)
    stack = Stack(app, name, analytics_reporting=False)
    function = lambda_.Function(
        stack,
        "Receiver",
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        handler="receiver.handler",
        code=lambda_.Code.from_asset(str(Path(__file__).with_name("function")), exclude=["__pycache__"]),
        environment={"TOKEN_SHA256": token_sha256},
        timeout=Duration.seconds(10),
        log_group=logs.LogGroup(
            stack, "Logs", retention=logs.RetentionDays.ONE_DAY, removal_policy=RemovalPolicy.DESTROY
        ),
    )
    url = function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE)
    CfnOutput(stack, URL, value=url.url)
    return app


if __name__ == "__main__":
    build(os.environ[NAME], os.environ[TOKEN_SHA256]).synth()
