"""The settings of the function of suppression lists, read once from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from activation.aws.environment import Environment
from activation.identifiers.table import Context
from activation.ledger.suppression_lists import NAME
from activation.model import Action
from activation.runs.settings import FolderTimes, FunctionSettings


@dataclass(frozen=True)
class ListSettings:
    """What the function is told.

    `function` are the names and addresses that every function of the line has. `contexts` is how cells are read:
    one for each default country that a connector has, at least one. `most_rows` is how many people one drop may
    put on a list, or take off it.
    """

    function: FunctionSettings
    contexts: tuple[Context, ...]
    most_rows: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ListSettings:
        """Read the settings; raises ConfigError naming every variable that is missing or unreadable."""
        reader = Environment(environment)
        placeholders = frozenset(reader.texts("PLACEHOLDERS"))
        countries = reader.texts("DEFAULT_COUNTRIES") or ("",)
        contexts = tuple(Context(country.upper(), placeholders) for country in countries)
        settings = cls(
            FunctionSettings(
                connector=NAME,
                secret_arn="",
                drops_bucket=reader.text("DROPS_BUCKET"),
                receipts_bucket=reader.text("RECEIPTS_BUCKET"),
                mirrors_bucket=reader.text("MIRRORS_BUCKET"),
                ledger_table=reader.text("LEDGER_TABLE"),
                queue_url=reader.text("QUEUE_URL"),
                dead_letter_queue_url=reader.text("DEAD_LETTER_QUEUE_URL"),
                event_bus_name=reader.text("EVENT_BUS_NAME"),
                expected_account="",
                requests_in_flight=0,
                deadline_s=reader.whole("DEADLINE_S", 86_400),
                ledger_ttl_days=reader.whole("LEDGER_TTL_DAYS", 400),
                context=contexts[0],
                actions=(Action.ADD.value, Action.REMOVE.value),
                folders=FolderTimes(),
                deletes_final_drops=reader.whole("DELETE_FINAL_DROPS", 0) == 1,
            ),
            contexts,
            reader.whole("MOST_ROWS", 1_000_000),
        )
        reader.finish()
        return settings
