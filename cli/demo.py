"""`activation demo`: deploy to the sandbox, drop a messy export, run a CI360 task, show receipts and accounts."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.demo_install import require_demo_install, require_spark
from cli.typed import typed

if TYPE_CHECKING:
    from rich.console import Console

    from sandbox.demo.group import Group
    from sandbox.demo.retail_drops import Lake
    from sandbox.demo.sales import Sold
    from sandbox.demo.watch import Delivered, Shown


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the sandbox running at the end.")] = False,
    rows: Annotated[int, typer.Option(min=1000, help="How many rows the export has.")] = 25_000,
    ci360: Annotated[
        bool,
        typer.Option("--ci360", help="Instead of dropping the export, run a task of a simulated SAS CI360."),
    ] = False,
    audiences: Annotated[
        bool,
        typer.Option(
            "--audiences",
            help="Instead of dropping the export, keep three audiences in step with a PostgreSQL.",
        ),
    ] = False,
    normalize: Annotated[
        bool,
        typer.Option(
            "--normalize",
            help="Instead of dropping the export, normalise a retail export by the deployed Glue job, with Spark.",
        ),
    ] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Send the export to every connector, sales as conversions, and a retail export as both; "
            "then run the CI360 task.",
        ),
    ] = False,
) -> None:
    """Run the app on this machine, from a dropped file to a filled audience.

    Exits 1 if any total or member differs from the expected result. Without --all, the export goes to the first
    two connectors of the settings.
    """
    require_demo_install()
    if normalize:
        require_spark()
    from rich.console import Console

    from sandbox import lifecycle, state
    from sandbox.demo import audiences as declared
    from sandbox.demo import retail_drops, watch
    from sandbox.emulator.environment import client_environment
    from sandbox.errors import SandboxError
    from sandbox.place import DEFAULT
    from sandbox.progress import Steps

    console = Console(stderr=True)
    ours = not state.load(DEFAULT).runs()  # a sandbox that was already running is not ours to stop
    failed, up = False, False
    try:
        console.print("[bold]1. Deploy[/] the app with the CDK to an AWS on this machine")
        flags = retail_drops.flag(DEFAULT.directory / "mappings") if normalize else {}
        described = lifecycle.up(steps=Steps(console), flags=flags)
        up = True
        os.environ |= client_environment(described["aws_endpoint_url"])
        for name, settings in described["shortened"].items():
            told = ", ".join(f"{key} = {value:g}" for key, value in settings.items())
            console.print(f"   [dim]simulated {name}: {told}; the platform itself takes hours[/]")
        if audiences:
            failed |= not declared.show(described, console, then=_keep_database if keep else None)
        elif normalize:
            failed |= not _show_job(described, watch.shown(described)[0], console)
        else:
            failed |= not _show_drops(described, console, rows, ci360=ci360, everything=everything)
        if keep or not ours:
            _how_to_go_on(described)
    except SandboxError as error:
        console.print(str(error))
        failed = True
    except KeyboardInterrupt:
        console.print(
            "interrupted; stopping the sandbox"
            if ours
            else "interrupted; the sandbox was running before and is left running"
        )
        failed = True
    finally:
        if up and ours and (failed or not keep):
            lifecycle.down()
    raise typer.Exit(1 if failed else 0)


def _show_drops(described: dict[str, Any], console: Console, rows: int, *, ci360: bool, everything: bool) -> bool:
    """Drop the export, or what was asked for beside it or instead; return whether all is as expected."""
    from sandbox.demo import ci360 as task
    from sandbox.demo import sales, watch

    right, connectors = True, watch.shown(described)
    if everything or not ci360:
        console.print(f"[bold]2. Drop[/] an export of {rows:,} people, with the mistakes of real exports")
        for one in watch.deliver(described, connectors if everything else connectors[:2], rows, console):
            right &= _show(one)
    if everything and (connector := sales.connector_of(described)):
        console.print(f"[bold]3. Drop[/] {sales.ROWS:,} sales as conversions")
        right &= _show_sales(sales.deliver(described, connector, console))
    if everything and connectors:
        right &= _show_retail(described, connectors[0], console)
    if everything or ci360:
        console.print(f"[bold]{5 if everything else 2}. Run[/] a bulk task of a simulated SAS CI360")
        right &= _show(task.deliver(described, console))
    return right


def _show(one: Delivered) -> bool:
    """Print a drop's receipt and the account's members beside the expected ones; return whether all match."""
    from cli.receipt_table import print_receipt

    print_receipt(one.receipt, sandbox=True)
    rows = one.receipt["rows"]
    sums = rows["acknowledged"] + rows["rejected_by_us"] + rows["rejected_by_platform"]
    adds_up = rows["in"] == sums == one.rows
    exact = one.missing == 0 and one.unexpected == 0
    found = rows["rejected_by_us"]
    print(f"sums       {'add up' if adds_up else 'DIFFER'}: {sums:,} of {one.rows:,} rows accounted for")
    print(f"rejects    {found} found, {one.rejects_expected} expected")
    print(
        f"{one.connector:<10} '{one.audience}' holds {one.held:,} members;"
        f" {one.missing} expected members are missing, {one.unexpected} unexpected ones found"
    )
    if one.held < rows["acknowledged"]:
        print("           (fewer than acknowledged: rows with the same identifiers are one member)")
    print()
    return adds_up and exact and found == one.rejects_expected


def _show_sales(one: Sold) -> bool:
    """Print the receipt of a drop of sales and what counts beside what was expected; return whether all match."""
    from cli.receipt_table import print_receipt

    print_receipt(one.receipt, sandbox=True)
    sent, in_doubt = one.receipt["rows"]["acknowledged"], one.receipt["in_doubt"]
    rejects = one.receipt["rejected_by_us"]
    expected, wrong = one.rows - one.expected.rejects.total(), one.expected.rejects.total()
    print(f"events     {sent:,} sent, {expected:,} expected; {one.counted:,} count; {in_doubt:,} in doubt")
    for currency, cents in sorted(one.expected.cents.items()):
        print(f"value      {currency} {one.cents.get(currency, 0) / 100:,.2f}, {cents / 100:,.2f} expected")
    print(f"rejects    {sum(rejects.values())} found, {wrong} expected")
    print()
    return (sent, one.counted, one.cents, rejects) == (
        expected,
        expected,
        one.expected.cents,
        one.expected.rejects,
    )


def _show_retail(described: dict[str, Any], connector: Shown, console: Console) -> bool:
    """Make an audience and conversions of one retail export in this process; return whether all is as expected."""
    from sandbox.demo.retail_drops import Lake

    return _show_lake("4. Normalise", Lake.filled(described, connector.platform), connector, console)


def _show_job(described: dict[str, Any], connector: Shown, console: Console) -> bool:
    """Do the same by the deployed Glue job."""
    import json
    from functools import cache

    import boto3

    from sandbox.demo.deployed_job import DeployedJob
    from sandbox.demo.retail_drops import Lake
    from sandbox.place import ROOT

    settings = json.loads((ROOT / "cdk.context.json").read_text())["audience_activation"]
    job = DeployedJob.found(cache(boto3.client), settings["name"])
    lake = Lake.deployed(described, connector.platform, job, console)
    return _show_lake("2. Export", lake, connector, console)


def _show_lake(step: str, lake: Lake, connector: Shown, console: Console) -> bool:
    """Print what becomes of an export, twice; return whether all is as expected."""
    from sandbox.demo import retail, retail_drops, sales

    console.print(
        f"[bold]{step}[/] {lake.made.rows:,} items sold, in {retail.FILES} files: customers who spent at least"
        f" USD {retail.SPENT} as an audience, tickets as conversions"
    )
    report, filled = retail_drops.spenders(lake, connector, console)
    right = _show_report(report, lake.made.spenders, lake.made.unusable) & _show(filled)
    if shop := sales.connector_of(lake.described):
        report, sold = retail_drops.conversions(lake, shop, console)
        right &= _show_report(report, lake.made.tickets, 0) & _show_sales(sold)
    return right


def _show_report(report: dict[str, Any], groups: int, unusable: int) -> bool:
    """Print what became of an export's rows; return whether the expected groups were written or rejected."""
    from cli.normalize import sums

    print("\n".join(sums(report)))
    print(f"parts: {len(report['parts']):,}")
    found = report["groups"]
    return (found["written"], sum(found["rejected"].values())) == (groups - unusable, unusable)


def _keep_database(group: Group) -> None:
    """Print commands to try on the database, then wait for Ctrl-C, which stops it."""
    from sandbox.place import DEFAULT

    file = DEFAULT.directory / "audiences.yml"
    file.write_text(group.declared())
    named = ("--file", os.path.relpath(file))
    print("The database is running until you press Ctrl-C here. In another terminal:")
    print(f"  {group.server.psql()}     # look at it, or change it")
    print(f"  {typed('audiences', 'plan', *named, sandbox=True)}     # the demo's; add your own to it")
    print(f"  {typed('audiences', 'apply', *named, sandbox=True)}")
    print(f"  {typed('audiences', 'run', 'NAME', sandbox=True)}")
    print(f"  {typed('audiences', 'status', sandbox=True)}", flush=True)
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


def _how_to_go_on(described: dict[str, Any]) -> None:
    from sandbox.demo import export
    from sandbox.place import DEFAULT

    sample = DEFAULT.directory / "people.csv"
    sample.write_bytes(export.write(1_000).body)
    file = os.path.relpath(sample)
    connector = next(iter(described["connectors"]))
    to = ("--connector", connector, "--audience", "My audience")
    print("The sandbox is still running. Drop a file (this sample, or your own) and read its receipt:")
    print(f"  {typed('plan', file, *to, sandbox=False)}     # a dry run: nothing is sent")
    print(f"  {typed('drop', file, *to, sandbox=True)}")
    print(f"  {typed('status', sandbox=True)}")
    print(f"  {typed('receipt', sandbox=True)} RUN     # RUN as drop and status print it")
    for name, url in described["simulators"].items():
        print(f"  curl '{url}/_sim/state?members=0'     # what the simulated {name} holds")
    print(f"  {typed('sandbox', 'down', sandbox=False)}     # stop it")
