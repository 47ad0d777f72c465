"""The environment of the functions."""

from __future__ import annotations

import pytest
from activation.errors import ConfigError

from lambdas.marketing_stream.configuration import confirm_configuration, fan_out_configuration


def test_everything_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function without its variables says which, all in one error that no value is in."""
    monkeypatch.setenv("SOURCE", "arn:aws:sns:us-east-1:906013806264:*")
    monkeypatch.delenv("DATASET_ID", raising=False)
    monkeypatch.delenv("QUEUE_URL", raising=False)
    for configuration in (confirm_configuration, fan_out_configuration):
        with pytest.raises(ConfigError) as raised:
            configuration()
        assert raised.value.code == "bad_environment"
        assert {"DATASET_ID", "QUEUE_URL"} <= set(raised.value.sentence.replace(",", "").split())
        assert "906013806264" not in raised.value.sentence
