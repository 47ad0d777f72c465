"""The search for people where they do not belong: that it finds them, and that the app does not put them there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from tests.end_to_end.evidence import Evidence
from tests.end_to_end.line import Line
from tests.end_to_end.people import DOMAIN, as_csv, people, sha256


def test_the_search_finds_what_is_planted_in_each_place(meta: Line, evidence: Evidence) -> None:
    """A search that found nothing anywhere would prove nothing: each place, and each kind of trace, is seen.

    Tokens are those of the secret, and one that was stored after the search had begun and is replaced by now.
    """
    person = people(1, "planted")[0]
    secret = meta.sandbox.simulator_secret("meta")
    rotated = f"EAA{sha256(person.phone)[:40]}"
    meta.write_secret(json.dumps({**secret, "issued": {"access_token": rotated, "expires_at": 1}}))
    meta.write_secret(json.dumps(secret))
    sandbox, client = meta.sandbox, meta.sandbox.client
    stream = {"logGroupName": meta.log_group, "logStreamName": "planted"}
    bucket, table = sandbox.described["receipts_bucket"], meta.variables["LEDGER_TABLE"]
    letters = meta.addresses["dead_letter_queue_url"]

    def log(text: str) -> None:
        client("logs").create_log_stream(**stream)
        event = {"timestamp": int(time.time() * 1000), "message": text}
        client("logs").put_log_events(**stream, logEvents=[event])

    def announce(text: str) -> None:
        entry = {"Source": "audience-activation", "DetailType": "x", "Detail": json.dumps({"is": text})}
        client("events").put_events(Entries=[{**entry, "EventBusName": meta.variables["EVENT_BUS_NAME"]}])
        time.sleep(0.5)

    places: dict[str, Callable[[str], object]] = {
        "log group": log,
        "table": lambda text: client("dynamodb").put_item(
            TableName=table, Item={"pk": {"S": "meta#planted"}, "is": {"S": text}}
        ),
        "DeadLetters": lambda text: client("sqs").send_message(QueueUrl=letters, MessageBody=text),
        "receipts": lambda text: client("s3").put_object(Bucket=bucket, Key="receipts/x.json", Body=text.encode()),
        "event": announce,
    }
    traces = (
        ("e-mail", f"Hello {person.email.title()}"),
        ("phone", f"call {person.phone} now"),
        ("hash", f"sent {sha256(person.email).upper()}"),
        ("token", f"Bearer {secret['access_token']}"),
        ("token", f"key={secret['app_secret']}&"),
        ("token", f"was {rotated}"),
    )
    for place, write in places.items():
        for kind, text in traces:
            write(text)
            found = evidence.search()
            assert any(kind in one and place in one for one in found), (place, kind, found)
            assert not any(part in " ".join(found) for part in (DOMAIN, text))
            if write is log:
                client("logs").delete_log_stream(**stream)
            meta.reset()
    assert evidence.search() == []


def test_every_place_was_looked_into(meta: Line, evidence: Evidence) -> None:
    """After a run that delivers and one that fails each place has something to search, and nobody in it."""
    some = people(50, "everywhere")
    meta.finish(meta.put("Everywhere", as_csv(some) + b"nobody,1\n"))
    meta.sandbox.simulator_config("meta", tokens=[{"state": "expired"}])
    meta.finish(meta.put("Nowhere", as_csv(some)))
    seen = {place: text for place, text in evidence.texts() if len(text) > 2}
    for place in ("log group", "emulator", "table", "DeadLetters", "json file", "csv file", "event"):
        assert any(place in one for one in seen), place
    logs = "".join(text for place, text in seen.items() if "log group" in place)
    assert '"_aws"' in logs  # the metrics are in the log, in the embedded format
    assert "Everywhere" in "".join(seen.values())
    assert DOMAIN not in "".join(seen.values()).lower()
