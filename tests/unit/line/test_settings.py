"""The function's settings, from its environment."""

from __future__ import annotations

import pytest
from activation.errors import ConfigError
from activation.identifiers.table import Context
from activation.row_rule import RowRule
from activation.runs.settings import FunctionSettings

GOOD = {
    "CONNECTOR": "meta",
    "SECRET_ARN": "arn",
    "DROPS_BUCKET": "drops",
    "RECEIPTS_BUCKET": "receipts",
    "MIRRORS_BUCKET": "mirrors",
    "LEDGER_TABLE": "ledger",
    "QUEUE_URL": "queue",
    "DEAD_LETTER_QUEUE_URL": "dead",
    "EVENT_BUS_NAME": "bus",
}


def test_what_is_not_set_has_its_default() -> None:
    """Numbers, the expected account and the context may be left out."""
    settings = FunctionSettings.from_environment(GOOD | {"REQUESTS_IN_FLIGHT": ""})
    assert (settings.connector, settings.queue_url, settings.expected_account) == ("meta", "queue", "")
    assert (settings.requests_in_flight, settings.max_rows_per_request) == (0, 0)
    assert settings.max_bytes_per_request == 0
    assert (settings.deadline_s, settings.ledger_ttl_days) == (259_200, 400)
    assert settings.context == Context()


def test_everything_that_is_set_is_taken() -> None:
    """Countries are upper case, placeholders a JSON list."""
    settings = FunctionSettings.from_environment(
        GOOD
        | {
            "REQUESTS_IN_FLIGHT": "3",
            "MAX_ROWS_PER_REQUEST": "500",
            "MAX_BYTES_PER_REQUEST": "250000000",
            "DEADLINE_S": "60",
            "LEDGER_TTL_DAYS": "7",
            "EXPECTED_ACCOUNT": "42",
            "DEFAULT_COUNTRY": "de",
            "PLACEHOLDERS": '["a@b.c"]',
            "ENCODING": "latin-1",
            "DELIMITER": "tab",
            "ALLOW_WEAK": "1",
            "CONSENT": '{"column": "ok", "allow": ["true", "yes"]}',
            "OPERATION": '{"column": "op", "allow": ["i"]}',
            "ACTIONS": '["add", "remove"]',
        }
    )
    assert (settings.encoding, settings.delimiter) == ("latin-1", "\t")
    assert (settings.requests_in_flight, settings.max_rows_per_request, settings.deadline_s) == (3, 500, 60)
    assert (settings.max_bytes_per_request, settings.ledger_ttl_days) == (250_000_000, 7)
    assert settings.expected_account == "42"
    assert settings.allow_weak
    assert settings.consent == RowRule("ok", ("true", "yes"))
    assert settings.operation == RowRule("op", ("i",))
    assert settings.actions == ("add", "remove")
    assert settings.context == Context("DE", frozenset({"a@b.c"}))


def test_every_mistake_is_named_at_once_and_no_value_shown() -> None:
    """One look at the error is enough to mend them all."""
    wrong = {"SECRET_ARN": "", "DEADLINE_S": "soon", "LEDGER_TTL_DAYS": "-1", "PLACEHOLDERS": '{"a": 1}'}
    with pytest.raises(ConfigError) as error:
        FunctionSettings.from_environment(
            {key: value for key, value in (GOOD | wrong).items() if key != "QUEUE_URL"}
        )
    for name in ("SECRET_ARN", "QUEUE_URL", "DEADLINE_S", "LEDGER_TTL_DAYS", "PLACEHOLDERS"):
        assert name in error.value.sentence
    assert "soon" not in error.value.sentence
    assert "BUCKET" not in error.value.sentence


@pytest.mark.parametrize("text", ["[1]", "nobody", '"a"', "null"])
def test_placeholders_are_a_list_of_texts(text: str) -> None:
    """Anything else is a mistake, not an empty list."""
    with pytest.raises(ConfigError, match="PLACEHOLDERS"):
        FunctionSettings.from_environment(GOOD | {"PLACEHOLDERS": text})


@pytest.mark.parametrize(
    "text",
    [
        '{"column": "ok"}',
        '{"column": "", "allow": ["yes"]}',
        '{"allow": ["yes"]}',
        "[1]",
        '{"column": "ok", "allow": ["yes"], "scope": "person"}',
        '{"column": "ok", "allow": ["yes"], "per": "person"}',
    ],
)
def test_a_rule_that_cannot_be_read_is_no_missing_rule(text: str) -> None:
    """A function whose consent is unreadable stops; it does not send everybody."""
    with pytest.raises(ConfigError, match="CONSENT"):
        FunctionSettings.from_environment(GOOD | {"CONSENT": text})


def test_sources_are_read_with_their_defaults() -> None:
    """A source needs a bucket, a prefix, an audience and identifiers."""
    said = '[{"bucket": "b", "prefix": "p/", "audience": "A", "identifiers": "raw"}]'
    (source,) = FunctionSettings.from_environment(GOOD | {"SOURCES": said}).sources
    assert (source.bucket, source.prefix, source.audience, source.identifiers) == ("b", "p/", "A", "raw")
    assert (source.action, source.account) == ("add", "")


@pytest.mark.parametrize("said", ["{}", "[1]", '[{"bucket": "b"}]', "not JSON"])
def test_a_source_that_cannot_be_read_is_a_mistake(said: str) -> None:
    """It is never no source: the drops of a bucket would be refused one by one instead."""
    with pytest.raises(ConfigError, match="SOURCES"):
        FunctionSettings.from_environment(GOOD | {"SOURCES": said})
