"""Order exports of shops and platforms: which columns say what of an event, by their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from activation.drops.columns import MappedColumns, map_columns
from activation.errors import Rejected
from activation.identifiers.column_map import parse
from activation.model import EVENTS
from activation.platforms.discovery import platform_named
from typer.testing import CliRunner

from cli.__main__ import app

TABLE = platform_named("meta_conversions").table
SALES = parse(["event_name=purchase", "action_source=store"])
ROOT = Path(__file__).resolve().parents[3]

# Header rows as exports of orders have them, shortened.
EXPORTS = {
    "Shopify": (
        (
            "Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Created at,"
            "Lineitem quantity,Lineitem name,Billing Name,Billing City,Billing Zip,Billing Phone,Id,Phone"
        ),
        {"Created at": "event_time", "Total": "value", "Currency": "currency", "Name": "order_id", "Email": "em"}
        | {"Phone": "ph", "Billing Phone": "ph", "Billing City": "ct", "Billing Zip": "zp"},
    ),
    "WooCommerce": (
        (
            "id,number,currency,date_created,discount_total,shipping_total,total,order_key,billing.email,"
            "customer_ip_address,customer_user_agent,payment_method,transaction_id"
        ),
        {"date_created": "event_time", "total": "value", "currency": "currency", "transaction_id": "order_id"}
        | {"billing.email": "em", "customer_ip_address": "client_ip_address"}
        | {"customer_user_agent": "client_user_agent"},
    ),
    "Amazon": (
        "order-id,order-item-id,purchase-date,payments-date,buyer-email,buyer-name,sku,currency,item-price",
        {"purchase-date": "event_time", "currency": "currency", "order-id": "order_id", "buyer-email": "em"},
    ),
    "BigCommerce": (
        "Order ID,Order Date,Order Time,Order Total (inc tax),Order Currency Code,Customer ID,Customer Email",
        {"Order Date": "event_time", "Order Total (inc tax)": "value", "Order Currency Code": "currency"}
        | {"Order ID": "order_id", "Customer Email": "em", "Customer ID": "external_id"},
    ),
    "German": (
        "Bestellnummer,Bestelldatum,Gesamtbetrag,Währung,E-Mail",
        {"Bestelldatum": "event_time", "Gesamtbetrag": "value", "Währung": "currency", "Bestellnummer": "order_id"}
        | {"E-Mail": "em"},
    ),
    "bare words": (
        "email,total,order_date,currency,order id",
        {"order_date": "event_time", "total": "value", "currency": "currency", "order id": "order_id"}
        | {"email": "em"},
    ),
    "Meta's own": (
        "email,email,phone,fn,event_time,value,currency,order_id",
        {"event_time": "event_time", "value": "value", "currency": "currency", "order_id": "order_id"}
        | {"email": "em", "email (2)": "em", "phone": "ph", "fn": "fn"},
    ),
}


def mapped(header: str, *said: str) -> MappedColumns:
    """Return how the columns of sales in shops are read."""
    return map_columns(TABLE, header.split(","), EVENTS, (*SALES, *parse(said)))


@pytest.mark.parametrize(("header", "wanted"), EXPORTS.values(), ids=EXPORTS)
def test_the_columns_of_an_order_export_are_known_by_their_names(header: str, wanted: dict[str, str]) -> None:
    """The order's time, id, whole value and currency are found, and nothing of its parts is taken for them."""
    used = {name: key for name, key in mapped(header).used.items() if not name.startswith("constant")}
    assert used == wanted


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("email,date,order_total,currency", '--map "date=event_time"'),
        ("email,Paid at,Completed at", '--map "Paid at=event_time" or --map "Completed at=event_time"'),
        ("email,order_total", '--map "COLUMN=event_time"'),
    ],
)
def test_a_time_that_may_be_meant_is_named_to_be_pasted(header: str, says: str) -> None:
    """A word with other meanings is not used; the refusal has what to write for it."""
    with pytest.raises(Rejected) as caught:
        mapped(header)
    assert caught.value.code == "required_column_missing"
    assert caught.value.sentence.endswith(f"say what each is: {says}")


def test_what_all_rows_may_have_is_said_with_a_value() -> None:
    """The kind of event and its source are no columns of most exports."""
    with pytest.raises(Rejected) as caught:
        map_columns(TABLE, ["email", "order date"], EVENTS)
    assert '--map "event_name=purchase" where all rows have one' in caught.value.sentence
    assert '--map "action_source=store" where all rows have one' in caught.value.sentence


def test_an_amount_of_no_certain_kind_is_proposed() -> None:
    """An amount may be a line's or an order's, gross or net: the file's owner says which."""
    assert mapped("email,order date,amount").proposed == {"amount": "order_value"}


def test_one_of_two_ids_and_of_two_times_is_used_for_all_rows() -> None:
    """A row whose order has no id is not given its payment's: the two are of different systems."""
    found = mapped("email,order_date,event_time,transaction_id,order_id")
    assert "order_date" in found.ignored
    assert "transaction_id" in found.ignored


def test_people_are_not_sent_the_words_of_events() -> None:
    """An order export dropped for an audience is read as before."""
    table = platform_named("meta").table
    assert table.columns(["Email", "Order Date", "Total", "Currency", "Order ID", "Created at"])[1] == [
        "Order Date", "Total", "Currency", "Order ID", "Created at",
    ]  # fmt: skip


def test_the_command_lists_the_names_of_events() -> None:
    """`activation columns` shows what an event's fields are filled from, and what is proposed only."""
    result = CliRunner().invoke(app, ["columns", "--platform", "meta_conversions", "--json"])
    listed = {one["field"]: one for one in json.loads(result.stdout)}
    assert "order date" in listed["event_time"]["names"]
    assert "paid at" in listed["event_time"]["proposed"]
    assert "total" in listed["value"]["proposed"]


def test_every_field_of_an_event_is_on_its_page() -> None:
    """docs/events.md has the fields that describe an event, each by its name."""
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert TABLE.events is not None
    assert sorted(key for key in TABLE.events.describes if f"`{key}`" not in page) == []
