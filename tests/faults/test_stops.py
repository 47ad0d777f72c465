"""What only a person can mend: the token, the secret, the permission, the audience, the release itself."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.end_to_end.dialects.meta import graph_error
from tests.end_to_end.records import Put
from tests.faults.scenario import BATCH_ROWS, SETTINGS, Scenario


def _blocked(scenario: Scenario, put: Put, code: str) -> dict[str, Any]:
    receipt = scenario.line.finish(put)
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", code)
    assert len(receipt["reason"]["sentence"]) > 20
    (letter,) = scenario.line.dead_letters()
    assert (letter["code"], letter["run_id"]) == (code, put.run_id)
    return receipt


def _mended(scenario: Scenario, put: Put, rows: int, some: Any) -> None:
    scenario.line.redrive()
    scenario.line.wait_until_quiet()
    scenario.check(put, rows, some)
    assert scenario.line.dead_letters() == []


@pytest.mark.every_platform("expired", "good")
@pytest.mark.case("F14")
def test_an_expired_token_stops_the_run_at_its_first_call(scenario: Scenario) -> None:
    """The secret is read once more, and as it is the same one nothing else is tried; mended, the run goes on."""
    line = scenario.line
    scenario.put_into("expired")
    put, some = scenario.start(2)
    _blocked(scenario, put, "token_refused")
    assert len(line.calls("")) == 1
    scenario.put_into("good")
    _mended(scenario, put, len(some), some)


@pytest.mark.every_platform("new_token")
@pytest.mark.case("F15")
def test_a_token_that_is_replaced_costs_one_refused_call(scenario: Scenario) -> None:
    """The secret is read once more when the platform refuses the token, and the run goes on with the new one."""
    line = scenario.line
    put, some = scenario.start(8, latency_s=0.3)
    line.wait_for_calls(3)
    assert scenario.dialect.new_token is not None
    secret, settings = scenario.dialect.new_token(
        line.sandbox.simulator_secret(line.platform), "EAAnewtoken0123456789"
    )
    line.write_secret(json.dumps(secret))
    scenario.set(**settings)
    receipt = scenario.check(put, len(some), some)
    assert receipt["continuations"] == scenario.dialect.follow_ups
    assert sum(scenario.dialect.refuses(one) for one in line.calls()) == 1


@pytest.mark.faults
@pytest.mark.case("F22")
def test_a_platform_without_an_address_is_waited_for(scenario: Scenario) -> None:
    """A name that does not resolve is an outage and no failure; the run goes on when it resolves again."""
    line = scenario.line
    secret = line.sandbox.simulator_secret(line.platform)
    line.write_secret(json.dumps({**secret, "endpoint": "https://api.invalid"}))
    line.restart()
    put, some = scenario.start(2)
    run = line.wait_for_run(put, "waiting", within_s=90)
    assert run["code"] == "not_reached"
    line.write_secret(json.dumps(secret))
    line.restart()
    scenario.check(put, len(some), some)


@pytest.mark.faults
@pytest.mark.on("meta")
@pytest.mark.case("F23")
def test_a_certificate_that_is_no_good_stops_the_run(scenario: Scenario, tmp_path: Path) -> None:
    """Nobody's, an expired and another host's certificate get no request; a good one does."""
    line, ours, nobodys = scenario.line, trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    line.configure(0, {**SETTINGS, "SSL_CERT_FILE": str(tmp_path / "ca.pem")})
    yesterday = datetime.now(tz=UTC) - timedelta(days=1)
    good = ours.issue_cert("127.0.0.1")
    cases = {
        "nobody's": (nobodys.issue_cert("127.0.0.1"), "tls"),
        "expired": (ours.issue_cert("127.0.0.1", not_after=yesterday), "tls"),
        "another host's": (ours.issue_cert("graph.example"), "tls"),
        "good": (good, "version_retired"),
    }
    for name, (certificate, code) in cases.items():
        with _https(certificate) as (url, asked):
            line.write_secret(json.dumps({**line.sandbox.simulator_secret("meta"), "endpoint": url}))
            line.restart()
            put = line.put(f"{scenario.audience} {name}", b"email\nf23.0@canary.example\n")
            receipt = line.finish(put)
        assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", code), name
        assert bool(asked) == (name == "good")


@contextmanager
def _https(certificate: trustme.LeafCert) -> Iterator[tuple[str, list[str]]]:
    """Serve a retired API over TLS; returns its address and the paths it was asked for."""
    asked: list[str] = []

    class Retired(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps(graph_error(2635)).encode()
            self.send_response(400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name the base class gives it
            """Log nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    server = HTTPServer(("127.0.0.1", 0), Retired)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.on("meta")
@pytest.mark.case("F25")
def test_a_retired_version_stops_the_run(scenario: Scenario) -> None:
    """The receipt says that this release is too old, after one call."""
    line = scenario.line
    fault = {"route": "", "status": 400, "body": graph_error(2635), "times": None}
    line.sandbox.simulator_faults("meta", fault)
    put, some = scenario.start(2)
    receipt = _blocked(scenario, put, "version_retired")
    assert "version" in receipt["reason"]["sentence"]
    assert len(line.calls("")) == 1
    line.sandbox.end_faults()
    _mended(scenario, put, len(some), some)


@pytest.mark.on("meta")
@pytest.mark.case("F26")
def test_an_audience_that_is_deleted_is_not_made_anew(scenario: Scenario) -> None:
    """Somebody deleted it on purpose, or did not mean to: the run stops and says so, and creates nothing."""
    line = scenario.line
    put, some = scenario.start(8, latency_s=0.3)
    line.wait_for_calls(3)
    (audience,) = line.audiences()
    line.sandbox.simulator_config("meta", audiences=[{"id": audience["id"], "deleted": True}])
    receipt = _blocked(scenario, put, "audience_missing")
    assert 0 < receipt["rows"]["acknowledged"] < len(some)
    assert [one for one in line.audiences() if one["name"] == put.audience and not one.get("deleted")] == []
    line.sandbox.simulator_config("meta", audiences=[{"id": audience["id"], "deleted": False}])
    _mended(scenario, put, len(some), some)


@pytest.mark.faults
@pytest.mark.on("meta")
@pytest.mark.case("F26", what="the audience is flagged in the middle of the run")
def test_an_audience_that_is_flagged_stops_the_run(scenario: Scenario) -> None:
    """Meta flags audiences whose names hint at health or finances; what was sent stays, the rest waits."""
    line = scenario.line
    put, some = scenario.start(8, latency_s=0.3)
    line.wait_for_calls(3)
    (audience,) = line.audiences()
    line.sandbox.simulator_config("meta", audiences=[{"id": audience["id"], "operation_status": 471}])
    _blocked(scenario, put, "audience_flagged")
    line.sandbox.simulator_config("meta", audiences=[{"id": audience["id"], "operation_status": None}])
    _mended(scenario, put, len(some), some)


@pytest.mark.faults
@pytest.mark.every_platform("without rights", "good")
@pytest.mark.case("F27")
def test_a_permission_that_is_taken_away_stops_the_run(scenario: Scenario) -> None:
    """One call is refused and no other is made; what was sent stays sent."""
    line = scenario.line
    put, some = scenario.start(8, latency_s=0.3)
    line.wait_for_calls(2 * scenario.uploads + 1)
    scenario.put_into("without rights")
    receipt = _blocked(scenario, put, "no_permission")
    assert receipt["rows"]["acknowledged"] >= 2 * BATCH_ROWS
    assert sum(scenario.dialect.refuses(one) for one in line.calls("")) == 1
    scenario.put_into("good")
    _mended(scenario, put, len(some), some)


@pytest.mark.case("F56")
def test_a_secret_that_cannot_be_deciphered_stops_the_run_before_the_file_is_read(scenario: Scenario) -> None:
    """The key refuses, or the role may not: the receipt names AWS's answer, and the drop is not even opened."""
    line = scenario.line
    line.restart()
    fault = {"service": "secretsmanager", "action": "GetSecretValue", "caller": "lambda", "status": 400}
    unread = {
        "service": "s3",
        "action": "GetObject*",
        "caller": "lambda",
        "resource": "people.csv",
        "delay_s": 0.1,
    }
    line.sandbox.aws_faults({**fault, "code": "DecryptionFailure"}, unread)
    put, some = scenario.start(2)
    receipt = _blocked(scenario, put, "no_secret")
    assert "DecryptionFailure" in receipt["reason"]["sentence"]
    assert line.sandbox.aws_faults_applied()[1] == 0
    line.sandbox.end_faults()
    _mended(scenario, put, len(some), some)


@pytest.mark.faults
@pytest.mark.case("F56", what="the secret service does not answer for a while")
def test_a_secret_service_that_fails_is_waited_for(scenario: Scenario) -> None:
    """That is no fault of the secret: the run waits and goes on."""
    line = scenario.line
    line.restart()
    fault = {"service": "secretsmanager", "action": "GetSecretValue", "caller": "lambda", "status": 500}
    line.sandbox.aws_faults({**fault, "code": "InternalServiceError", "times": 8})
    put, some = scenario.start(2)
    scenario.check(put, len(some), some)
    assert line.dead_letters() == []
