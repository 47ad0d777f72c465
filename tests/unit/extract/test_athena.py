"""Extraction by Athena's UNLOAD, in the sandbox's emulator with a real engine."""

from __future__ import annotations

import io
import time
import uuid
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq
import pytest
from activation.errors import ConfigError, Retryable
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from lambdas.sync.extract.athena_errors import of_call, of_query
from lambdas.sync.extract.athena_statement import unload_sql
from lambdas.sync.source import Consent, Selection
from tests.unit.extract.lake import PEOPLE, YES, Lake
from tests.unit.extract.world import selection


def test_a_query_becomes_parts_with_parameters_and_consent(lake: Lake) -> None:
    """Who has not consented is counted by the same query, and no value of theirs is written anywhere."""
    extract = lake.extract(selection(PEOPLE, "email", "born", consent=YES, tenants=(20, 25)))
    assert (extract.rows_read, extract.rows, extract.left_out) == (4, 2, {"no_consent": 2})
    assert lake.rows(extract) == [
        {"email": "a@b.example", "born": "1990-05-03", "agreed": "yes"},
        {"email": "c@d.example", "born": None, "agreed": " YES"},
    ]
    listed = lake.emulator.client("s3").list_objects_v2(Bucket=lake.bucket, Prefix="meta/vip/")["Contents"]
    assert len(listed) > len(extract.parts)
    for one in listed:
        body = lake.emulator.client("s3").get_object(Bucket=lake.bucket, Key=one["Key"])["Body"].read()
        assert b"planted" not in body
        assert "planted" not in str(pq.ParquetFile(io.BytesIO(body)).read().to_pylist())


def test_a_table_of_the_catalogue_is_extracted(lake: Lake) -> None:
    """A table by its name, with a column of consent that is a boolean."""
    extract = lake.extract(selection("", "email", table="people", consent=Consent("agreed", ("true",))))
    assert (extract.rows, extract.left_out) == (1, {"no_consent": 1})
    everybody = lake.extract(selection("", "email", table="people"))
    assert [one["email"] for one in lake.rows(everybody)] == ["a@b.example", "c@d.example"]


def test_an_empty_selection_is_one_part_without_rows(lake: Lake) -> None:
    """Nobody is said as such, with and without consent."""
    for consent in (None, YES):
        asked = selection(PEOPLE, "email", consent=consent, tenants=(99,))
        extract = lake.extract(asked)
        assert ([part.rows for part in extract.parts], extract.rows_read, extract.left_out) == ([0], 0, {})
        assert lake.rows(extract) == []


def test_a_token_begins_one_query(lake: Lake) -> None:
    """Asked again with its token, the same files are found; a changed selection needs another attempt."""
    asked, token = selection(PEOPLE, "email", consent=YES, tenants=(20,)), uuid.uuid4().hex
    first = lake.extract(asked, token=token)
    assert lake.extract(asked, token=token) == first
    changed = selection(PEOPLE, "email", consent=YES, tenants=(25,))
    with pytest.raises(Retryable, match="has changed") as caught:
        lake.extract(changed, token=token)
    assert caught.value.code == "source_unreachable"


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (selection(PEOPLE, "email", "phone", tenants=(20,)), "column_missing", "'phone'"),
        (
            selection(PEOPLE, "email", consent=Consent("gone", ("yes",)), tenants=(20,)),
            "consent_missing",
            "'gone'",
        ),
        (
            selection(PEOPLE, "email", consent=Consent("agreed", ("1",)), tenants=(20,)),
            "consent_missing",
            "no row",
        ),
        (selection(PEOPLE, "email"), "source_not_configured", ":tenants"),
        (selection("select email from nothing_of_the_kind", "email"), "selection_failed", "refuses"),
        (selection("select email from", "email"), "selection_failed", "refuses"),
        (selection("select cast('planted@example.com' as integer) as c"), "selection_failed", "refuses"),
    ],
)
def test_a_query_that_cannot_be_run_stops_the_slot(lake: Lake, asked: Selection, code: str, said: str) -> None:
    """A missing column is named, one of consent stops the slot, and no value is in a sentence."""
    with pytest.raises(ConfigError) as caught:
        lake.extract(asked)
    assert caught.value.code == code
    assert said in caught.value.sentence
    assert "planted" not in caught.value.sentence


def test_a_workgroup_that_is_not_there_is_for_a_person(lake: Lake) -> None:
    """A wrong name says where it stands."""
    error = ClientError(
        {"Error": {"Code": "InvalidRequestException", "Message": "WorkGroup x is not found."}},
        "StartQueryExecution",
    )
    assert of_call(error).code == "source_not_configured"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("TooManyRequestsException", "source_unreachable"),
        ("ThrottlingException", "source_unreachable"),
        ("InternalServerException", "source_unreachable"),
        ("AccessDeniedException", "source_denied"),
    ],
)
def test_a_refused_request_is_classified(code: str, found: str) -> None:
    """Throttles and Athena's own failures pass, permissions do not."""
    error = ClientError({"Error": {"Code": code, "Message": "planted"}}, "StartQueryExecution")
    assert of_call(error).code == found
    assert "planted" not in str(of_call(error))
    assert of_call(EndpointConnectionError(endpoint_url="https://x")).code == "source_unreachable"


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ({"State": "CANCELLED"}, "source_unreachable"),
        ({"State": "FAILED", "AthenaError": {"Retryable": True, "ErrorCategory": 2}}, "source_unreachable"),
        ({"State": "FAILED", "AthenaError": {"ErrorCategory": 1}}, "source_unreachable"),
        ({"State": "FAILED", "StateChangeReason": "HIVE_PATH_ALREADY_EXISTS: s3://x"}, "source_unreachable"),
        ({"State": "FAILED", "StateChangeReason": "Insufficient permissions to execute"}, "source_denied"),
        (
            {
                "State": "FAILED",
                "StateChangeReason": "COLUMN_NOT_FOUND: line 1:8: Column 'agreed' cannot be resolved",
            },
            "consent_missing",
        ),
        (
            {
                "State": "FAILED",
                "StateChangeReason": "COLUMN_NOT_FOUND: line 1:8: Column 'email' cannot be resolved",
            },
            "column_missing",
        ),
        (
            {"State": "FAILED", "StateChangeReason": "TYPE_MISMATCH: line 1:8: Cannot cast row to varchar"},
            "selection_failed",
        ),
    ],
)
def test_a_failed_query_is_classified(status: dict[str, Any], found: str) -> None:
    """By Athena's own verdict and the first words of its reason, as its pages show them."""
    assert of_query(status, ["email", "agreed"], YES).code == found


def test_a_local_folder_is_refused(lake: Lake) -> None:
    """Athena writes into S3 alone."""
    into = replace(lake.destination("x"), bucket="")
    with pytest.raises(ConfigError, match="S3 alone"):
        lake.source().extract(selection(PEOPLE, "email", tenants=(20,)), into, time.time() + 5, "a" * 32)


@given(st.lists(st.text(), min_size=1), st.integers(), st.booleans())
def test_no_parameter_can_leave_its_literal(texts: list[str], number: int, flag: bool) -> None:
    """Cut at quotes, a statement has as many literals as it names texts, and each reads back as the text."""
    asked = selection(
        "select c from t where c in :all and n = :n and f = :f", "c", all=tuple(texts), n=number, f=flag
    )
    statement = unload_sql(asked, ["c"], "s3://b/p/")
    literals, at = [], 0
    while (begin := statement.find("'", at)) != -1:
        end = begin + 1
        while statement[end] != "'" or statement[end + 1 : end + 2] == "'":
            end += 2 if statement[end] == "'" else 1
        literals.append(statement[begin + 1 : end].replace("''", "'"))
        at = end + 1
    assert literals == [*texts, "s3://b/p/", "PARQUET", "ZSTD"]
