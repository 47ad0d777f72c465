"""What the conformance suite makes of any platform: batches, audiences, and the requests its publisher builds.

Nothing here knows one platform from another: all of it comes from the `Platform` object, and from what its
publisher does with answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pyarrow as pa
from activation.audience_options import AudienceOptions
from activation.errors import ActivationError
from activation.identifiers.table import Field
from activation.model import Action, Audience
from activation.platforms.discovery import platform_named
from activation.platforms.outcome import Outcome
from activation.platforms.platform import Platform
from activation.platforms.publisher import Closed, Opened, Publisher
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload

from tests.platforms.conversation import LOST, answer

Conversation = Generator[Request, Outcome, Opened | Closed]

DEPTH = 4  # answers into a conversation; none so far takes more to come to its last call
# What a platform answers when all goes well and the account has no audience yet: a JSON list of bodies in a file
# of the platform's name. They have to bring its publisher to each of its calls, which
# `test_every_call_is_built_and_named` checks.
SUCCESSES = Path(__file__).parent / "successes"


def answers_of(platform: Platform) -> list[Answer]:
    """Return the answers that lead through the platform's conversations, a lost one included.

    Raises FileNotFoundError with the file to write where the platform has none.
    """
    path = SUCCESSES / f"{platform.name}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"write tests/platforms/successes/{path.name}: a JSON list of the bodies {platform.title} answers with"
            " when all goes well"
        )
    return [*map(answer, json.loads(path.read_text())), LOST]


def hashed_fields(platform: Platform) -> list[Field]:
    """Return up to four of the platform's fields that travel as a digest."""
    return [one for one in platform.table.fields if one.digest.width and one.from_column][:4]


def batch(platform: Platform, count: int, *, first_row: int = 1, fields: list[Field] | None = None) -> Batch:
    """Return a batch of different digests in every cell, its rows numbered from `first_row`."""
    names = fields or hashed_fields(platform)
    columns = {
        one.key: pa.array([f"{row * 7 + place:0{one.digest.width}x}" for row in range(count)])
        for place, one in enumerate(names, start=1)
    }
    rows = pa.array(range(first_row, first_row + count))
    return Batch("run-1", first_row, first_row + count - 1, pa.table(columns), rows)


def with_gaps(platform: Platform, count: int) -> Batch:
    """Return a batch in which cells are missing here and there, and values come twice, but no row is empty.

    It fills every field that the platform refuses blank in a column that other rows fill.
    """
    extra = [one for one in platform.table.fields if one.from_column and not one.blank_with_others]
    fields = [*hashed_fields(platform)[:3], *extra]
    columns = {}
    for place, one in enumerate(fields):
        cells = [f"{row // 2:0{one.digest.width or 8}x}" for row in range(count)]
        gap = place + 2
        columns[one.key] = pa.array(
            [None if row % gap == 1 and place else cell for row, cell in enumerate(cells)], pa.string()
        )
    return Batch("run-1", 1, count, pa.table(columns), pa.array(range(1, count + 1)))


def in_chunks(one: Batch) -> Batch:
    """Return a batch whose columns come in several chunks, as a file is read; one of them is empty."""
    whole = one.columns.combine_chunks().to_batches()[0]
    cut = len(one.rows) // 4
    return replace(
        one, columns=pa.Table.from_batches([whole.slice(0, cut), whole.slice(cut, 0), whole.slice(cut)])
    )


def audience(action: Action = Action.ADD) -> Audience:
    """Return an audience whose name needs care on the wire."""
    return Audience("connector", 'Été & "VIP" 100% +1/2', action)


def keys_of(one: Batch) -> tuple[str, ...]:
    """Return the wire keys of a batch's columns."""
    return tuple(one.columns.schema.names)


def uploads_of(publisher: Publisher, one: Batch) -> list[Upload]:
    """Return a batch's uploads as they are sent: what depends on another knows what that one returned."""
    return [replace(upload, earlier=("handle",)) if upload.after else upload for upload in publisher.uploads(one)]


def sent_actions(platform: Platform) -> frozenset[Action]:
    """Return the actions that uploads are sent with: a mirror is sent as the others."""
    return platform.limits.actions - {Action.MIRROR}


def encoded(publisher: Publisher, one: Batch, action: Action = Action.ADD) -> list[Request]:
    """Return the requests of a batch's uploads to an audience that is there."""
    opened = publisher.planned(keys_of(one))
    return [publisher.encode(upload, audience(action), opened) for upload in uploads_of(publisher, one)]


@cache
def requests_of(name: str) -> tuple[Request, ...]:
    """Return all that a platform's publisher sends: uploads, questions, and what its conversations come to."""
    platform = platform_named(name)
    return tuple(built(platform, platform.rehearsal()))


def built(platform: Platform, publisher: Publisher) -> Iterator[Request]:
    """Return the requests that a publisher builds, to whatever its answers lead it."""
    one, answers = batch(platform, 3), answers_of(platform)
    keys = keys_of(one)
    for action in sorted(sent_actions(platform)):
        to = audience(action)
        yield from encoded(publisher, one, action)
        planned = publisher.planned(keys)
        for upload in uploads_of(publisher, one):
            question = publisher.arrived(upload, to, planned)
            if question is not None:
                yield question
        requests, ends = explore(publisher, answers, partial(publisher.open, to, keys))
        yield from requests
        by_id = replace(to, options=AudienceOptions(audience_id="7"))
        yield from explore(publisher, answers, partial(publisher.open, by_id, keys))[0]
        for opened in [planned, *(end for end in ends if isinstance(end, Opened))]:
            for carry_on in (publisher.close, publisher.follow):
                requests, _ = explore(publisher, answers, partial(carry_on, to, opened, ["handle"]))
                yield from requests
        for opened in (end for end in ends if isinstance(end, Opened)):
            requests, _ = explore(publisher, answers, partial(publisher.reopen, to, opened, keys))
            yield from requests


def explore(
    publisher: Publisher, answers: Sequence[Answer], begin: Callable[[], Conversation]
) -> tuple[list[Request], list[Opened | Closed]]:
    """Hold a conversation in every way that the answers allow; returns its requests and its different results."""
    requests: list[Request] = []
    ends: list[Opened | Closed] = []
    scripts: list[tuple[Answer, ...]] = [()]
    for script in scripts:
        came_to = _hold(publisher, begin(), script)
        if isinstance(came_to, Request):
            requests.append(came_to)
            if len(script) < DEPTH:
                scripts += [(*script, one) for one in answers]
        elif came_to is not None and came_to not in ends:
            ends.append(came_to)
    return requests, ends


def _hold(
    publisher: Publisher, conversation: Conversation, script: tuple[Answer, ...]
) -> Request | Opened | Closed | None:
    """Return what is asked after these answers, else the result; None where the conversation raised."""
    try:
        request = next(conversation)
        for one in script:
            request = conversation.send(publisher.classify(request, one))
    except StopIteration as end:
        result: Opened | Closed = end.value
        return result
    except ActivationError:
        return None
    return request
