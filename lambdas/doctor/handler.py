"""Examines the whole app once a day, as `activation doctor` does; findings become metrics and notices."""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict
from typing import Any

import boto3
from activation.aws.clients import CONFIG
from activation.aws.environment import Environment
from activation.aws.sdk import checked
from activation.aws.table import ConditionalTable
from activation.ledger.findings import NotifiedFindings
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.doctor.daily import App
from lambdas.doctor.report import Notices, count, severity_of

DEFAULT_APP = "audience-activation"  # the app that the command finds by itself; see stacks/names.py
_log = Logger()


@_log.inject_lambda_context(clear_state=True)
def lambda_handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Examine the app and return its findings that need somebody; what is raised, Lambda tries again twice."""
    variables = Environment(os.environ)
    name, service = variables.text("APP_NAME"), variables.text("POWERTOOLS_SERVICE_NAME")
    shrinks_percent = variables.whole("SHRINKS_PERCENT", 20)
    variables.finish()

    def command(*arguments: str) -> str:
        of = () if name == DEFAULT_APP else ("--stack", name)
        return shlex.join(("activation", *of, *arguments))

    app = App.find(checked(boto3.client("cloudformation", config=CONFIG)), name)
    table = ConditionalTable(checked(boto3.client("dynamodb", config=CONFIG)), app.ledger_table)
    events = checked(boto3.client("events", config=CONFIG))
    notices = Notices(events, app.bus, NotifiedFindings(table), command)

    def remaining_s() -> float:
        return context.get_remaining_time_in_millis() / 1000

    examined = list(app.examine(command, remaining_s, shrinks_percent=shrinks_percent))
    count(service, examined)
    bad = [
        {"connector": connector, "severity": severity_of(one), **asdict(one)}
        for connector, findings in examined
        for one in findings
        if severity_of(one)
    ]
    for one in bad:
        _log.warning("finding", extra=one)
    notified = sum(len(notices.send(connector, findings)) for connector, findings in examined)
    _log.info("examined", extra={"connectors": len(examined) - 1, "findings": len(bad), "notices": notified})
    return {"checks": sum(len(findings) for _, findings in examined), "findings": bad, "notices": notified}
