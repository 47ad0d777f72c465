"""One upload at the platform: encoded, sent, and sent again without the lines that the platform refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from activation.errors import Retryable
from activation.model import Audience
from activation.pipeline.client import Effect, PlatformClient
from activation.pipeline.suppressing import Withheld
from activation.platforms.limits import Limits
from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.publisher import Opened
from activation.platforms.upload import Upload

# How often the rows that the platform names are taken out of one upload before it is halved: some platforms name
# only the first few of many.
NAMED_ROUNDS = 3
NOTHING_SENT = "nothing_sent"  # the code of an upload that is settled, since none of it may be sent


class Destination(Protocol):
    """The audience at the platform that a run's uploads go to."""

    def open(self) -> Opened:
        """Return the audience, found or created by the first call; raises what the platform's calls raise."""
        ...

    def open_again(self) -> Opened:
        """Look at the audience again and return it: it may have been created, or has changed."""
        ...

    def number(self, upload: Upload) -> int:
        """Return an upload's number in its session, recorded before the upload is sent."""
        ...

    def created(self, opened: Opened) -> None:
        """Record the audience that an upload has created."""
        ...


Untimely = Callable[[Upload], Mapping[int, str]]


class Suppressing(Protocol):
    """What keeps suppressed people out of uploads: the lists, as they are now."""

    def withheld(self, upload: Upload) -> Withheld:
        """Return what of an upload is not sent; raises where the lists cannot be read."""
        ...

    def check(self, version: int) -> None:
        """Raise Retryable where the lists have changed since this version."""
        ...

    def nobody(self, upload: Upload) -> Upload:
        """Return an upload in place of another one, with a line that is nobody's."""
        ...


class Everybody:
    """Keeps nobody out: of an upload that removes people."""

    def withheld(self, upload: Upload) -> Withheld:
        """Return that all of it is sent."""
        return Withheld(upload.columns)

    def check(self, version: int) -> None:
        """Do nothing."""

    def nobody(self, upload: Upload) -> Upload:
        """Return the upload: all of it is sent."""
        return upload


def all_in_time(_: Upload) -> Mapping[int, str]:
    """Return no line: people have no time."""
    return {}


@dataclass(frozen=True)
class UploadClient:
    """Sends uploads to one audience, one request at a time.

    `client` sends the requests. `audience` is where the people go, `destination` that audience at the platform.
    `limits` are the platform's as the settings narrow them. `untimely` returns the lines of an upload that may not
    be sent now, each with its code, `suppression` what of it is of suppressed people.
    """

    client: PlatformClient
    audience: Audience
    destination: Destination
    limits: Limits
    untimely: Untimely = all_in_time
    suppression: Suppressing = field(default_factory=Everybody)

    def send(self, upload: Upload, effect: Effect) -> Outcome:
        """Send an upload; when the platform refuses it and names lines, take these out and send the rest.

        An upload whose body exceeds the platform's limit is not sent: it would be refused.
        """
        withheld = self.suppression.withheld(upload)
        effect.left_out = withheld.left_out
        effect.check = partial(self.suppression.check, withheld.version)
        late = {**self.untimely(upload), **withheld.lines}
        named, rest, lines = dict(late), replace(upload, columns=withheld.columns), list(range(upload.lines))
        if len(late) + len(withheld.empty) == upload.lines:
            if not upload.last:
                return _partial(Outcome(OutcomeKind.PARTIAL, code=NOTHING_SENT), late)
            rest, lines = self.suppression.nobody(upload), []  # a session without its last upload would never end
        elif late or withheld.empty:
            rest, lines = rest.without({*late, *withheld.empty})
        suspected = effect.in_doubt  # a worker that died may have sent the rest, not the whole
        for _ in range(NAMED_ROUNDS):
            outcome = self._request(rest, effect)
            if outcome.kind is not OutcomeKind.REFUSED or not outcome.refused:
                break
            bad = {at: code for at, code in outcome.refused.items() if 0 <= at < len(lines)}
            named |= {lines[at]: code for at, code in bad.items()}
            if len(bad) == len(lines):
                return _partial(outcome, named)
            rest, kept = rest.without(bad)
            lines = [lines[at] for at in kept]
            effect.in_doubt = suspected
        if len(lines) < upload.lines and outcome.kind in (OutcomeKind.OK, OutcomeKind.PARTIAL):
            refused = named | {lines[at]: code for at, code in outcome.refused.items() if 0 <= at < len(lines)}
            return _partial(outcome, refused, unnamed=outcome.refused_count - len(outcome.refused))
        # The rest was refused without naming lines: halves of the whole upload have to find them.
        if outcome.kind is OutcomeKind.REFUSED:
            return replace(outcome, refused={}, about_rows=outcome.about_rows or len(named) > len(late))
        return outcome

    def _request(self, upload: Upload, effect: Effect) -> Outcome:
        """Send an upload once to the audience as it is known, and once more where that was wrong.

        Raises Retryable with replace_incomplete while the audience accepts no uploads.
        """
        opened = self.destination.open()  # known by now, except for the first upload of a run
        if opened.after_s or (opened.by_upload and effect.in_doubt):
            opened = self.destination.open_again()  # the lost request may have created the audience
        outcome = self._send_to(_accepting(opened), upload, effect)
        if outcome.kind is OutcomeKind.REOPEN:
            outcome = self._send_to(_accepting(self.destination.open_again()), upload, effect)
        return outcome

    def _send_to(self, opened: Opened, upload: Upload, effect: Effect) -> Outcome:
        publisher = self.client.publisher
        if self.limits.session_of(self.audience.action):
            upload = replace(upload, number=1 if opened.by_upload else self.destination.number(upload))
        request = publisher.encode(upload, self.audience, opened)
        too_many = upload.lines > self.limits.max_rows
        if upload.lines > 1 and (too_many or request.size_bytes > self.limits.max_bytes):
            return Outcome(
                OutcomeKind.TOO_LARGE, code="over_limit", reason="the upload is over the platform's limit"
            )
        if opened.by_upload:  # a second one of these would create a second audience, or begin a second session
            return self.client.send(replace(request, repeatable=False), effect=effect)
        return self.client.send(request, lambda: publisher.arrived(upload, self.audience, opened), effect=effect)


def _accepting(opened: Opened) -> Opened:
    if opened.after_s:
        sentence = opened.interim or "the audience accepts no uploads at the moment"
        raise Retryable("replace_incomplete", sentence, after_s=opened.after_s)
    return opened


def _partial(outcome: Outcome, refused: Mapping[int, str], *, unnamed: int = 0) -> Outcome:
    count = len(refused) + unnamed
    return replace(outcome, kind=OutcomeKind.PARTIAL, refused=dict(refused), refused_count=count)
