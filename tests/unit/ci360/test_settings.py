"""The environment of the functions."""

from __future__ import annotations

import pytest
from activation.errors import ConfigError
from activation.model import Action

from lambdas.ci360.settings import ResultsSettings, TransferSettings, WebhookSettings

WEBHOOK = {
    "OCCURRENCE_TABLE": "table",
    "QUEUE_URL": "https://queue.example",
    "DROPS_BUCKET": "bucket",
    "LANDING_PREFIX": "ci360/",
    "DROPS": '{"meta": ["add"], "tiktok": []}',
    "ALLOWED_HOSTS": '["staging.example.com"]',
    "KEEP_DAYS": "30",
}


def test_what_the_template_writes_is_read() -> None:
    """Hosts and the actions of each connector come out as the settings have them."""
    settings = WebhookSettings.from_environment(WEBHOOK)
    assert settings.targets.drops == {"meta": frozenset({Action.ADD}), "tiktok": frozenset()}
    assert settings.hosts.names == {"staging.example.com"}


@pytest.mark.parametrize("kind", [WebhookSettings, TransferSettings, ResultsSettings])
def test_everything_that_is_missing_is_named_at_once(
    kind: type[WebhookSettings | TransferSettings | ResultsSettings],
) -> None:
    """A function without its variables says which, in one error."""
    with pytest.raises(ConfigError) as raised:
        kind.from_environment({})
    named = set(raised.value.sentence.replace(",", "").split())
    assert {"OCCURRENCE_TABLE", "QUEUE_URL"} <= named
    assert ("ALLOWED_HOSTS" in named) is (kind is not ResultsSettings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", ""),
        ("ALLOWED_HOSTS", "staging.example.com"),
        ("ALLOWED_HOSTS", "[7]"),
        ("DROPS", ""),
        ("DROPS", "[]"),
        ("DROPS", '{"meta": ["fly"]}'),
        ("DROPS", '{"meta": 5}'),
        ("KEEP_DAYS", "many"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named_without_its_value(name: str, value: str) -> None:
    """Nothing is taken for a list of hosts, of connectors or for a number that is none."""
    with pytest.raises(ConfigError) as raised:
        WebhookSettings.from_environment(WEBHOOK | {name: value})
    assert raised.value.sentence == f"missing or unreadable: {name}"
