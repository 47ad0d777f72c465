"""The demo's declared audiences: rows of a database fill three audiences, then move whom the database moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from sandbox.demo.group import STATUS, Group, Row, group
from sandbox.postgres.cdp import SYSTEMS

if TYPE_CHECKING:
    from rich.console import Console

CUSTOMERS = 60_000
MOVED, EMPTIED = "kangoo", "nube"
# One after the other among a system's wanted customers who have a phone.
CHANGES = (
    ("one opts out", "update customers_master set accepts_marketing = false where id = {0}"),
    ("one leaves", "delete from customers_master where id = {1}"),
    ("one changes phone", "update customers_master set phone = '+54 9 11 99990001' where id = {2}"),
    (
        "two share a phone",
        "update customers_master set phone = (select phone from customers_master where id = {3}) where id = {4}",
    ),
)
_PEOPLE = """
select id from customers_master where tenant_id = any(array[{tenants}]) and accepts_marketing and phone is not null
  and email like '%@%.%' and id not in (
    select customer_id from cdp.cdp_rfm_analysis where rfm_segment in ('Lost', 'Hibernating'))
order by id limit 5
"""


@dataclass(frozen=True)
class Moved:
    """What a second run has moved: the mirror's figures in its receipt, and whether the platform is in step."""

    mirror: dict[str, Any]
    expected: dict[str, int]
    in_step: bool

    @property
    def exact(self) -> bool:
        """Return whether exactly those moved who should."""
        return self.in_step and {name: self.mirror[name] for name in self.expected} == self.expected


def show(
    described: dict[str, Any],
    console: Console,
    customers: int = CUSTOMERS,
    *,
    then: Callable[[Group], None] | None = None,
) -> bool:
    """Fill, change and empty; return whether everything came as expected. Raises SandboxError.

    `then` is called while the database is still there, if everything did.
    """
    with group(described) as one:
        one.prepare(customers)
        console.print(
            f"[bold]2. Declare[/] {len(SYSTEMS)} audiences by rows of a table beside {customers:,} customers"
        )
        print_rows("before", one.table(), console)
        console.print(one.apply().strip())
        console.print("[bold]3. A tick[/] finds the rows")
        filled = one.run_now(*SYSTEMS)
        print_rows("after", filled, console)
        right = all(is_filled(one, row) for row in filled.values())
        console.print(f"   the platform holds {'exactly' if right else 'NOT'} whom a query of our own selects")
        console.print(f"[bold]4. Change[/] {MOVED}: {', '.join(what for what, _ in CHANGES)}")
        moved = change(one)
        console.print(
            "   the second run: "
            + ", ".join(
                f"{name} {moved.mirror[name]:,} ({want:,} expected)" for name, want in moved.expected.items()
            )
            + f"; {'in step' if moved.in_step else 'NOT in step'}"
        )
        console.print(f"[bold]5. Lose[/] all customers of {EMPTIED}: nothing may be sent")
        stopped, explained = empty(one)
        print_rows("after", one.table(), console)
        console.print(explained.strip())
        as_expected = right and moved.exact and stopped
        if then and as_expected:
            then(one)
        return as_expected


def is_filled(one: Group, row: Row) -> bool:
    """Return whether a row says what is so: applied, and as many held as the platform holds of those wanted."""
    held = one.held(row.system)
    return (
        (row.sync_status, row.error_log) == ("applied", "")
        and row.custom_audience_id != ""
        and "" < row.last_sync[:19] < row.next_sync[:19]
        and held == one.wanted(row.system) != set()
        and int(row.total_customers) == len(held)
    )


def change(one: Group) -> Moved:
    """Change five customers and run their system again."""
    before = one.wanted(MOVED)
    ids = [row[0] for row in one.server.rows(_PEOPLE.format(tenants=", ".join(map(str, SYSTEMS[MOVED]))))]
    one.server.run(*(statement.format(*ids) for _, statement in CHANGES))
    after = one.wanted(MOVED)
    one.run_now(MOVED)
    expected = {"joined": len(after - before), "left": len(before - after)}
    return Moved(one.newest_receipt(MOVED)["mirror"], expected, one.held(MOVED) == after)


def empty(one: Group) -> tuple[bool, str]:
    """Empty a system's source and run it; return whether the run stopped, and what `approve` says of it."""
    before = one.held(EMPTIED)
    tenants = ", ".join(map(str, SYSTEMS[EMPTIED]))
    one.server.run(f"update customers_master set tenant_id = 9999 where tenant_id = any(array[{tenants}])")
    row = one.run_now(EMPTIED)[EMPTIED]
    receipt = one.newest_receipt(EMPTIED)
    explained = one.command("audiences", "approve", receipt["run_id"], exits=1)
    stopped = row.sync_status == "blocked" and row.error_log.startswith(f"{receipt['reason']['code']}: ")
    return stopped and one.held(EMPTIED) == before and receipt["reason"]["code"] in explained, explained


def print_rows(title: str, rows: dict[str, Row], console: Console) -> None:
    """Print the table of configurations."""
    # One column for each system: the sentences of `error_log` then keep their words on a narrow screen.
    name = f"cdp.facebook_configurations, {title}"
    shown = Table(title=name, title_justify="left", box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("system_name", no_wrap=True)
    for row in rows.values():
        shown.add_column(row.system)
    for column in STATUS:
        texts = (getattr(row, column) for row in rows.values())
        shown.add_row(column, *(text[:19] if column in ("last_sync", "next_sync") else text for text in texts))
    console.print(shown)
