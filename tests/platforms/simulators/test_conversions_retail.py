"""Store sales joined to customers, with the column names of TPC-DS, as conversions from end to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from activation.identifiers.table import Context

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.conversions_line import ConversionsLine

# What the settings say once for all of the connector's files.
COLUMNS = {"event_name": "purchase", "action_source": "store", "currency": "USD", "d_date": "event_time"}


def sale(line: ConversionsLine, ticket: int, paid: str, item: int = 1) -> Mapping[str, str]:
    """Return a line of a ticket: what was paid for one item, by whom, on which day."""
    day = datetime.fromtimestamp(line.clock.now - 3 * 86_400, tz=UTC).date().isoformat()
    return {
        "c_customer_id": f"AAAAAAAA{ticket:08d}",
        "c_first_name": "Ada",
        "c_last_name": "Example",
        "c_birth_day": "12",
        "c_birth_month": "7",
        "c_birth_year": "1980",
        "c_email_address": f"person{ticket}@example.com",
        "ss_ticket_number": str(ticket),
        "ss_item_sk": str(item),
        "ss_net_paid": paid,
        "d_date": day,
    }


def test_sales_of_a_retail_join_are_purchases_with_what_was_paid(meta: Outside) -> None:
    """Columns are recognised by their names, the rest is said once in the settings, and days have a zone."""
    line = ConversionsLine(meta, columns=COLUMNS)
    line.settings = replace(line.settings, context=Context(time_zone="America/New_York"))
    line.restart()
    receipt = line.deliver([sale(line, ticket, f"{ticket}.25") for ticket in range(1, 31)])
    assert receipt["state"] == "applied", receipt["reason"]
    line.check_sums(receipt)
    events = line.counted()
    assert sorted(one["custom_data"]["value"] for one in events) == [ticket + 0.25 for ticket in range(1, 31)]
    assert {one["event_name"] for one in events} == {"Purchase"}
    assert {tuple(sorted(one["user_data"])) for one in events} == {
        ("dobd", "dobm", "doby", "em", "external_id", "fn", "ln")
    }
    assert receipt["columns"]["ignored"] == ["ss_item_sk"]
    assert receipt["warnings"] == []


def test_the_items_of_a_ticket_are_not_one_item_s_value(meta: Outside) -> None:
    """A join has a line for each item: such tickets are left out until they are added up, the rest is sent."""
    line = ConversionsLine(meta, columns=COLUMNS)
    line.settings = replace(line.settings, context=Context(time_zone="America/New_York"))
    line.restart()
    items = [sale(line, 1, "10.00", 1), sale(line, 1, "5.50", 2)]
    receipt = line.deliver([*items, sale(line, 2, "3.00")])
    assert receipt["rejected_by_us"] == {"repeated_event_id": 2}
    assert line.dataset()["values"] == {"USD": 3.0}
    added_up = line.deliver([sale(line, 1, "15.50")], file="added-up.csv")
    assert added_up["rows"]["acknowledged"] == 1
    assert line.dataset()["values"] == {"USD": 18.5}
