"""The function of the configured Clean Rooms queries: one slot or event a message."""

from __future__ import annotations

import os

import boto3
import msgspec
from activation.aws.clients import CONFIG
from activation.aws.environment import Environment
from activation.aws.sdk import checked
from activation.aws.sqs_edge import sqs_handler
from activation.aws.table import ConditionalTable
from activation.ledger.paid_starts import PaidStarts
from aws_lambda_powertools import Logger

from lambdas.clean_rooms.calls import ProtectedQueries
from lambdas.clean_rooms.queries import Query
from lambdas.clean_rooms.results import Results
from lambdas.clean_rooms.runs import QueryRuns

DAY_S = 86_400.0
_log = Logger()


def _runs() -> QueryRuns:
    variables = Environment(os.environ)
    table, days = variables.text("LEDGER_TABLE"), variables.whole("LEDGER_TTL_DAYS")
    queue, dead_letters = variables.text("QUEUE_URL"), variables.text("DEAD_LETTER_QUEUE_URL")
    queries = _queries(variables)
    variables.finish()
    ledger = ConditionalTable(checked(boto3.client("dynamodb", config=CONFIG)), table)
    return QueryRuns(
        queries={one.name: one for one in queries},
        starts=PaidStarts(ledger, keep_s=days * DAY_S),
        calls=ProtectedQueries.connect(),
        results=Results(checked(boto3.client("s3", config=CONFIG))),
        sqs=checked(boto3.client("sqs", config=CONFIG)),
        queue_url=queue,
        dead_letters_url=dead_letters,
        log=_log,
    )


def _queries(variables: Environment) -> tuple[Query, ...]:
    try:
        return msgspec.convert(variables.parsed("QUERIES", None), tuple[Query, ...])
    except msgspec.ValidationError:
        variables.wrong("QUERIES")
        return ()


lambda_handler = sqs_handler(_runs, _log)
