"""The same line with moto in the place of AWS: requests that the services' own models accept."""

from __future__ import annotations

import json

from activation.identifiers.digest import digest
from activation.identifiers.table import Digest

from tests.unit.line.platform import Fault
from tests.unit.line.watched_aws import Aws
from tests.unit.line.world import World, people, table


def test_a_run_with_everything_in_it(moto: Aws) -> None:
    """Continuations, a crash, rejects of both sides, a throttle, two audiences and a dead letter add up."""
    world = World(moto, in_flight=2, max_rows=4)
    emails = people(17)
    world.platform.refuses = {digest(Digest.SHA256_HEX, emails[9])}
    world.platform.faults += [
        Fault(skip=2, status=429, headers={"retry-after": "1000"}),
        Fault(skip=3, act=lambda: world.aws.fuse.set(1, after=True)),
    ]
    body = world.drop("email\nnobody\n" + "".join(f"{one}\n" for one in emails))
    world.run(body)
    receipt = world.check(*(one for one in emails if one != emails[9]))
    assert receipt["rows"]["in"] == 18
    assert world.rejects() == [("1", "EMAIL", "not_an_email"), ("11", "", "bad_member")]
    assert world.crashes == 1
    world.run(body)
    assert world.receipt() == receipt


def test_a_failed_run_and_its_redrive(moto: Aws) -> None:
    """The dead letter has its attributes, and brings the run back."""
    world = World(moto)
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString="{}")
    world.run(world.drop(table(people(5))))
    (dead,) = world.take_dead_letters()
    assert dead["MessageAttributes"]["code"]["StringValue"] == "bad_secret"
    good = json.dumps({"token": "good", "account": world.name})
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=good)
    world.run(dead["Body"])
    world.check(*people(5))
    assert [one["DetailType"] for one in world.events] == ["Activation Blocked", "Activation Completed"]
