"""`activation destroy`: remove the app and all it keeps from an account, after listing it and asking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.app_stacks import AppStack, Found

SUBSCRIBED = (
    "Amazon sends to these stacks until their subscriptions are archived, and counts those against its limits even"
    " when the stacks are gone: archive them first, with `activation stream list` and"
    " `activation stream update -s ID -t ARCHIVED`"
)


def destroy(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
    keep_streams: Annotated[
        bool, typer.Option("--keep-streams", help="Leave the stacks of Amazon Marketing Stream alone.")
    ] = False,
) -> None:
    """Remove the stacks, and every drop, receipt, record, dead letter and secret of the app.

    Lists what goes, and goes on when the app's name is typed. Secrets and keys can be restored for a week; nothing
    else can. The app's stacks of Amazon Marketing Stream go too, with the records that landed, in whichever region
    they are: archive their subscriptions first. What the app did not make stays: a bucket, key or secret that the
    settings name, and the stacks of another copy of the app.
    """
    from cli import deployment
    from cli.app_stacks import find_stacks
    from cli.removal import KEY_DAYS, delete_stack, remove

    name = deployment.app_name()
    found = find_stacks(name, streams=not keep_streams)
    if not found.stacks:
        deployment.fail(f"no stack of {name} is deployed in this account and region")
    for line in _listed(found):
        print(line)
    if not yes and _typed(name) != name:
        deployment.fail("nothing was removed")
    refused: list[str] = []
    for stack in found.stacks:
        print(f"deleting {stack.name}")
        if not delete_stack(stack):
            stuck = f"{stack.name} could not be deleted: see its events in CloudFormation, then try again"
            deployment.fail("\n".join([*refused, stuck]))
        # At once: of a stack that is gone, a second try would no longer know what it has kept.
        refused += remove([stack])
    if refused:
        deployment.fail("\n".join(refused))
    print(f"{name} is removed; its secrets and its keys can be restored for {KEY_DAYS} days")


def _typed(name: str) -> str:
    asked = f"All of this goes, for good. Type {name} to go on"
    typed: str = typer.prompt(asked, default="", show_default=False)
    return typed


def _listed(found: Found) -> Iterator[str]:
    """Yield what goes, a line for each stack and for each thing that holds data, and what is left alone."""
    for stack in found.stacks:
        yield from _of_stack(stack)
    if any(stack.streams for stack in found.stacks):
        yield SUBSCRIBED
    for region, code in found.unseen.items():
        yield f"{region} cannot be looked into ({code}): stacks of Amazon Marketing Stream there are left"


def _of_stack(stack: AppStack) -> Iterator[str]:
    from cli.removal import BUCKET, REMOVERS

    yield f"{stack.name} ({stack.region}): {len(stack.resources)} resources"
    kinds = Counter(kind for kind in stack.resources.values() if kind in REMOVERS)
    for kind, count in sorted(kinds.items()):
        yield f"  {count} {kind.removeprefix('AWS::')}"
    for name, kind in stack.resources.items():
        if kind == BUCKET:
            yield f"  bucket {name}"
