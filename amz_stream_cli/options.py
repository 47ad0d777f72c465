"""The options that the commands share, each checked before the API is called."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from stacks.marketing_stream.catalogue import BY_ID, Realm


def _dataset(given: str) -> str:
    if given not in BY_ID:
        if not re.fullmatch(r"any:[a-z0-9]+(-[a-z0-9]+)*", given):
            raise typer.BadParameter(f"one of {', '.join(BY_ID)}; give any other as any:<dataset>")
        return given.removeprefix("any:")
    return given


def _complete_dataset(incomplete: str) -> list[str]:
    return [one for one in BY_ID if one.startswith(incomplete)]


def _token(given: str) -> str:
    if given and not 22 <= len(given) <= 36:
        raise typer.BadParameter("must have 22 to 36 characters; leave it out to have one generated")
    return given


def _notes(given: str | None) -> str | None:
    if given is not None and len(given) > 128:
        raise typer.BadParameter("must have at most 128 characters")
    return given


def _id(given: str) -> str:
    # The id becomes a segment of a URL, where `..` and `/` would change the path.
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}", given):
        raise typer.BadParameter("must be an identifier such as amzn1.fead.cs1.abc, of at most 255 characters")
    return given


# Below the options, where the names have the width of the window: in their column they would be cut.
DATASETS = f"Datasets: {', '.join(BY_ID)}."

Region = Annotated[Realm, typer.Option("--api-region", "-a", help="Advertising region of the API.")]
DataSet = Annotated[
    str,
    typer.Option(
        "--data-set-id",
        "-d",
        metavar="DATASET",
        help="The dataset: one of those below, or any other as any:<dataset>.",
        callback=_dataset,
        autocompletion=_complete_dataset,
    ),
]
SubscriptionId = Annotated[
    str, typer.Option("--subscription-id", "-s", callback=_id, help="The subscription's identifier.")
]
Token = Annotated[
    str,
    typer.Option(
        "--client-request-token",
        "-c",
        callback=_token,
        help="22 to 36 characters; a retry with the same one creates no second subscription. Generated if absent.",
    ),
]
Notes = Annotated[str, typer.Option("--notes", "-n", callback=_notes, help="Up to 128 characters.")]
NewNotes = Annotated[str | None, typer.Option("--notes", "-n", callback=_notes, help="New notes.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with the API's own fields.")]
ProfileId = Annotated[str, typer.Option(help="The advertiser's profile; by default the credentials' own.")]
AccountId = Annotated[str, typer.Option(help="The account of an Amazon DSP advertiser.")]
Dsp = Annotated[bool, typer.Option("--dsp", help="Use the subscriptions to Amazon DSP datasets.")]
