"""TikTok custom audiences: files are uploaded, then used together to create or change an audience."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace

from activation.errors import Rejected, Retryable
from activation.model import Action, Audience
from activation.platforms.account import AdAccount
from activation.platforms.outcome import Outcome, OutcomeKind, failure
from activation.platforms.publisher import Closed, Opened, await_new
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload

from lambdas.tiktok import answers
from lambdas.tiktok.answers import Details
from lambdas.tiktok.calls import Calls
from lambdas.tiktok.payload import MULTIPLE_TYPES, calculate_type, csv, multipart
from lambdas.tiktok.platform import MAX_FILES_PER_CALL
from lambdas.tiktok.search import FIRST_WAIT_S, LONGEST_WAIT_S, find_audience, why_not_ready

MAX_NAME_CHARACTERS = 128
MIN_PEOPLE = 1_000  # matched people, before an audience can be used or changed: the SDK's description of `update`
LOOK_AGAIN_S = 10.0  # after a creation whose answer was lost, before it is repeated


ACTIONS = {Action.ADD: "APPEND", Action.REMOVE: "REMOVE", Action.REPLACE: "REPLACE"}
TAKEN = (OutcomeKind.OK, OutcomeKind.PARTIAL)
FOUND = "found"  # for an audience that existed after all

NOTES = {
    "minimum": "An audience can be used from 1,000 matched people on; TikTok refuses changes that leave fewer.",
    "retention": "An audience ends 365 days after it was last changed or last used in an active ad group.",
}
PERSONAL = re.compile(r"[0-9A-Fa-f]{32,}|\S+@\S+|\+?\d[\d -]{6,}")
# The search for personal data takes time that grows with the square of a text's length.
MESSAGE_CHARACTERS_READ, MESSAGE_CHARACTERS_SHOWN = 2000, 200


@dataclass(frozen=True)
class TikTokPublisher:
    """One advertiser. `clock_s` returns Unix seconds; it tells ended audiences from those being created."""

    account: AdAccount
    clock_s: Callable[[], float] = field(default=time.time, repr=False)

    @property
    def calls(self) -> Calls:
        """Return the calls to the advertiser's audiences."""
        return Calls(self.account)

    def planned(self, keys: tuple[str, ...]) -> Opened:
        """Return a stand-in for an existing audience that accepts files of these columns."""
        return Opened("0", state={"calculate_type": calculate_type(keys)})

    def open(self, audience: Audience, keys: tuple[str, ...]) -> Generator[Request, Outcome, Opened]:
        """Look the audience up before anything is uploaded; if it does not exist, it is created at the end.

        Raises Rejected if it cannot take this drop (another type of identifier, ended, nothing to remove from),
        ConfigError if two have the name, Retryable while TikTok still works on it.
        """
        if not 0 < len(audience.name) <= MAX_NAME_CHARACTERS:
            raise Rejected("bad_name", f"a TikTok audience has a name of 1 to {MAX_NAME_CHARACTERS} characters")
        wanted = calculate_type(keys)
        accepted = (wanted, MULTIPLE_TYPES)
        found = yield from find_audience(self.calls, audience.name, accepted, audience.options.audience_id)
        if found is None:
            if audience.action is Action.REMOVE:
                raise Rejected(
                    "audience_missing", "the advertiser has no customer-file audience of this name to remove from"
                )
            await_new(audience)
            return Opened("", state={"calculate_type": wanted})
        if not found.valid:
            raise why_not_ready(found, self.clock_s())
        of_type = MULTIPLE_TYPES if found.calculate_type == MULTIPLE_TYPES else wanted
        return Opened(found.audience_id, state={"calculate_type": of_type})

    def reopen(
        self, audience: Audience, opened: Opened, keys: tuple[str, ...]
    ) -> Generator[Request, Outcome, Opened]:
        """Look the audience up again."""
        return (yield from self.open(audience, keys))

    def uploads(self, batch: Batch) -> list[Upload]:
        """Return one upload: a file may contain empty cells."""
        return [batch.upload()]

    def encode(self, upload: Upload, audience: Audience, opened: Opened) -> Request:
        """Return the request that uploads a file with the lines."""
        of_type = opened.state["calculate_type"]
        fields = {"advertiser_id": self.account.account_id, "calculate_type": of_type}
        return self.calls.upload(multipart(fields, csv(upload.columns, of_type)), upload.lines)

    def classify(self, request: Request, answer: Answer) -> Outcome:
        """Return what an answer means, by TikTok's return code."""
        return answers.classify(request, answer)

    def arrived(self, upload: Upload, audience: Audience, opened: Opened) -> Request | None:
        """Return None: TikTok cannot list files, and a file that is never used does no harm."""
        return None

    def close(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Create the audience from the uploaded files (`handles` are their paths), or apply them to it.

        All files go into one call. If they are too many for one, there is a call each time TikTok lets the
        audience be changed again. If the files have expired by then, all are uploaded again. Raises the error from
        `failure` if a call fails.
        """
        done = int(opened.state.get("applied", "0"))
        files = list(handles[done : done + MAX_FILES_PER_CALL])
        if not files:
            return (yield from self.follow(audience, opened, handles))
        if opened.audience_id:
            outcome = yield from self._apply(audience.action, opened.audience_id, files, first=done == 0)
        else:
            outcome = yield from self._create(audience, opened.state["calculate_type"], files)
            if outcome.kind in TAKEN:
                opened = replace(opened, audience_id=str(outcome.value), created=outcome.code != FOUND)
        if outcome.kind is OutcomeKind.GONE:
            return Closed(gone=outcome, opened=opened)
        if outcome.kind not in TAKEN:
            raise failure(outcome)
        notes = {**_notes(audience, opened), **opened.notes}
        if outcome.reference:
            notes["request_id"] = outcome.reference
        if outcome.kind is OutcomeKind.PARTIAL:
            notes["partly_taken"] = outcome.reason
        state = {**opened.state, "applied": str(done + len(files))}
        opened = replace(opened, notes=notes, state=state)  # the last receipt has the notes as well
        if done + len(files) < len(handles):
            return Closed(unfinished=True, after_s=LONGEST_WAIT_S, opened=opened)
        closed = yield from self.follow(audience, opened, handles)
        return replace(closed, opened=closed.opened or opened)

    def follow(
        self, audience: Audience, opened: Opened, handles: Sequence[str]
    ) -> Generator[Request, Outcome, Closed]:
        """Poll whether TikTok has processed the files."""
        outcome = yield self.calls.get(opened.audience_id)
        details = outcome.value
        notes = {}
        if isinstance(details, Details):
            if details.members is not None:
                notes["matched_members"] = str(details.members)
            if details.messages:
                notes["messages"] = " / ".join(_quoted(text) for text in details.messages[:5])
            if details.valid:
                if details.expires:
                    notes["expires"] = details.expires
                return Closed(notes=notes)
            if details.members and details.members < MIN_PEOPLE:
                notes["too_small"] = (
                    "TikTok has processed the files and matched too few people: the audience cannot be used or"
                    " changed. Delete it, and drop more people at once."
                )
                return Closed(notes=notes)
        asked = int(opened.state.get("asked", "0")) + 1
        return Closed(
            pending=True,
            after_s=min(FIRST_WAIT_S * 2 ** min(asked - 1, 20), LONGEST_WAIT_S),
            notes=notes,
            opened=replace(opened, state={**opened.state, "asked": str(asked)}),
        )

    def _create(self, audience: Audience, of_type: str, files: list[str]) -> Generator[Request, Outcome, Outcome]:
        """Create the audience, unless an earlier attempt whose answer was lost has created it.

        Only this run writes to the name, which was free when the run opened the audience: an audience that now
        exists under that name and is not ready was created by this run. Returns an outcome with the audience's id
        or with the state of the files, or raises.
        """
        found = yield from find_audience(self.calls, audience.name, (of_type,))
        if found is not None and found.valid:  # created by somebody else in the meantime
            outcome = yield from self._apply(audience.action, found.audience_id, files, first=True)
            return replace(outcome, value=found.audience_id, code=FOUND if outcome.kind in TAKEN else outcome.code)
        if found is None:
            outcome = yield self.calls.create(audience.name, of_type, files, audience.options.retention_days)
            if outcome.kind in (*TAKEN, OutcomeKind.GONE):
                return outcome
            if outcome.kind is not OutcomeKind.UNKNOWN:
                raise failure(outcome)
            found = yield from find_audience(self.calls, audience.name, (of_type,))
            if found is None:
                raise Retryable(outcome.code, outcome.reason, after_s=max(outcome.after_s, LOOK_AGAIN_S))
        return Outcome(OutcomeKind.OK, value=found.audience_id)

    def _apply(
        self, action: Action, audience_id: str, files: list[str], *, first: bool
    ) -> Generator[Request, Outcome, Outcome]:
        """Apply files; files of a replacement after its first call are appended.

        If the answer is lost and the audience is then busy, the files have arrived: the audience was ready before,
        and only this run writes to it. Otherwise they are sent again, which does no harm.
        """
        if not first:
            yield from self._until_ready(audience_id)
        word = "APPEND" if action is Action.REPLACE and not first else ACTIONS[action]
        outcome = yield self.calls.update(audience_id, word, files)
        if outcome.kind is not OutcomeKind.UNKNOWN:
            return outcome
        details = (yield self.calls.get(audience_id)).value
        if isinstance(details, Details) and not details.valid:
            return Outcome(OutcomeKind.OK)
        return (yield self.calls.update(audience_id, word, files))

    def _until_ready(self, audience_id: str) -> Generator[Request, Outcome, None]:
        """Raise Retryable while TikTok works on the files of the previous call."""
        details = (yield self.calls.get(audience_id)).value
        if not isinstance(details, Details) or not details.valid:
            raise Retryable("busy", "TikTok is still working on the previous files", after_s=LONGEST_WAIT_S)


def _notes(audience: Audience, opened: Opened) -> dict[str, str]:
    """Return what to know of the audience; it ends when its options say only if it was created with them."""
    days = audience.options.retention_days
    if not days:
        return NOTES
    if opened.created:
        return {**NOTES, "retention": f"The audience ends {days} days after it was created."}
    kept = "the audience exists, and its end stays as it is: TikTok takes retention_days only at its creation"
    return {**NOTES, "options_differ": kept}


def _quoted(message: str) -> str:
    """Return the beginning of a platform's message without anything that could be personal."""
    head = message[:MESSAGE_CHARACTERS_READ]
    if len(head) < len(message):
        head = head[: -len(head.split(" ")[-1]) or None]  # the pattern may not recognise a word cut in half
    return PERSONAL.sub("…", head)[:MESSAGE_CHARACTERS_SHOWN]
