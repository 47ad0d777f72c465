"""The cases of the fault suite: what goes wrong in each, where the others are tested, and which nobody tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol


class Row(Protocol):
    """What the table shows of a case; `on` is the connector it was tried on."""

    number: str
    what: str
    on: str
    delivered: str
    resent: int
    bound: int
    simulated_s: float
    seconds: float
    passed: bool


COVERED: dict[str, str] = {
    "F01": "the platform answers 500 for a minute",
    "F02": "the platform answers 500 for a day: the run gives up, and a redrive resumes it",
    "F03": "the function's time runs out in the middle of a file",
    "F04": "workers are killed with a call in flight",
    "F05": "a worker runs out of memory",
    "F06": "one message reaches two workers",
    "F07": "a worker loses its lease while one of its calls hangs",
    "F08": "continuations without progress come to an end",
    "F09": "a deployment in the middle of a file, with smaller requests",
    "F10": "the function fails with an unexpected error: the message is retried",
    "F11": "too many requests",
    "F12": "throttled for longer than an invocation lasts, for ever, for a negative time",
    "F13": "throttles in Meta's own shapes: 4, 17, 32, 613, 80003 in a 400",
    "F14": "the token has expired before the run",
    "F15": "the token is replaced in the middle of the run",
    "F16": "the platform refuses a whole request because of one row",
    "F17": "the platform accepts a request and calls some rows invalid",
    "F18": "connections break before the platform has applied anything",
    "F19": "answers are lost after the platform has applied the request",
    "F20": "the platform hangs",
    "F21": "200 with HTML, with nothing, with some other JSON",
    "F22": "the platform's name cannot be resolved",
    "F23": "TLS: an untrusted certificate, an expired one, one of another host",
    "F24": "the request is too large",
    "F25": "the version of the API is retired",
    "F26": "the audience is deleted, or flagged, in the middle of the run",
    "F27": "the permission is taken away in the middle of the run",
    "F31": "one event four times, at once and later",
    "F32": "the event of an older version after that of a newer one",
    "F33": "the object is not the version that the run began with",
    "F34": "two files for one audience at once",
    "F35": "a message fails five times, and is redriven from the dead letters",
    "F36": "a day is replayed: finished drops are not sent, unfinished ones resume",
    "F37": "an operator has a finished drop sent again",
    "F38": "a replay during live traffic, to one connector's rule only",
    "F39": "the queue refuses the rule's events",
    "F41": "the function may run only once at a time",
    "F42": "keys of the wrong form",
    "F43": "keys with every kind of letter, and of 1,024 bytes",
    "F44": "an empty file, or only a header",
    "F45": "a large file: memory stays flat",
    "F46": "a gzip bomb",
    "F47": "a gzip file that is cut off, one with a flipped bit",
    "F48": "encodings, delimiters, quotes and headers of every kind",
    "F49": "one line of 50 MB",
    "F50": "Parquet: nested, typed, cut off",
    "F51": "a .csv that is something else",
    "F52": "S3 is slow, busy, breaks off, has lost the version, refuses",
    "F53": "a plaintext address in a file of hashes",
    "F54": "hashes in a plaintext column, in capitals, of another kind",
    "F55": "an error's text contains personal data (the same search follows every other case)",
    "F56": "the secret cannot be decrypted (other bad secrets: tests/end_to_end/test_meta.py)",
    "F65": "DynamoDB is throttled, fails after it wrote, has lost the table",
    "F67": "every upload is refused as if because of a row, but really because of a missing permission",
    "F68": "a mirror's workers are killed with a call in flight, twice",
    "F69": "a mirror that would take out half of the people waits until somebody approves it",
    "F70": "what a mirrored audience was sent is lost",
    "F71": "a drop that is wrong leaves no dead letter, and is repeated by its record",
    "T01": "the audience cannot be changed for two hours",
    "T02": "the answer to the creation of the audience is lost",
    "T03": "the answer to the change of the audience is lost",
    "T04": "a worker is killed while the audience is created",
    "T05": "uploaded files have expired before the audience is created",
    "T06": "uploaded files have expired, and a worker is killed while they are uploaded again",
    "T07": "a file is refused because of its format",
}

NOT_COVERED: dict[str, str] = {
    "F28, F29, F30": (
        "a replace at Meta whose session dies, expires or is empty:"
        " `tests/platforms/simulators/test_meta_replace.py` kills the worker at every step, without a deployment"
    ),
    "F40": "nothing to inject: tests/infrastructure checks the 14 days of dead letters and the alarms",
    "F45, 10 GB": "the emulator keeps objects in memory; a smaller file shows that memory does not grow with size",
    "F57 to F64, F66": "CI360, Postgres, the stream and Glue have suites of their own",
}


def table(results: Iterable[Row]) -> Iterator[str]:
    """Return the table's lines as a terminal shows them."""
    yield _line("case", "on", "what", "delivered", "re-sent", "at most", "seconds", "skipped")
    for one in _ordered(results):
        counts = (str(one.resent), str(one.bound), f"{one.seconds:.1f}", f"{one.simulated_s:.0f}")
        yield _line(one.number, one.on, one.what, one.delivered, *counts) + ("" if one.passed else "  FAILED")


def _line(number: str, on: str, what: str, delivered: str, *counts: str) -> str:
    return f"{number:<4} {on:<10} {what:<82} {delivered:>13} " + " ".join(f"{count:>8}" for count in counts)


def page(results: Iterable[Row]) -> str:
    """Return the page for people: the table without what differs from run to run, and what is not covered."""
    rows = [
        f"| {one.number} | {one.on} | {one.what} | {one.delivered} | {one.resent} | {one.bound} |"
        for one in _ordered(results)
    ]
    return "\n".join(
        (
            "# Fault tests",
            "",
            "Written by `make faults`, which deploys the app to the sandbox, injects each of these faults and",
            "checks that every row of the drop is acknowledged or rejected, that the simulated ad account holds",
            "exactly the expected people, and that at most those requests were repeated that were in flight when",
            "a worker was killed, or whose answer was lost. No personal value is found in logs, ledger, queues,",
            "receipts, events or metrics after any of them. Waits are skipped by moving the sandbox's clocks.",
            "",
            "| case | connector | what goes wrong | people delivered | requests sent again | of at most |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
            "## Not covered",
            "",
            *(f"- {number}: {why}." for number, why in NOT_COVERED.items()),
            "",
        )
    )


def _ordered(results: Iterable[Row]) -> list[Row]:
    return sorted(results, key=lambda one: (one.number, one.what, one.on))
