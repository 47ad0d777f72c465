"""The life of the app, step by step: each is a command that a user types, or a look at what came of one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from sandbox.place import ROOT
from smoke import folder, leftovers, receipts, stream
from smoke.ground import Account
from smoke.shell import Shell
from smoke.steps import StepFailed, Steps

Found = TypeVar("Found")

AUDIENCE = "Ten people"
PEOPLE = ROOT / "samples" / "meta" / "people.csv"
POLICIES = ("MetaDropperPolicyArn", "ReaderPolicyArn", "OperatorPolicyArn")
RUN_S = 300.0
STRAY = "mta/Ten people/raw/people.csv"  # a slip of the finger
REPLAY_S = 1200.0
REPLAY = re.compile(r"activation-\d{8}-\d{6}")
NOT_WRITTEN = "not written yet"  # what `doctor` says of a secret that holds nothing
QUIET_S = 5.0
GONE_S = 180.0


@dataclass
class Life:
    """One app in one account, from its deployment to its end."""

    account: Account
    steps: Steps
    name: str = field(default_factory=folder.fresh_name)
    began: datetime = field(default_factory=lambda: datetime.now(tz=UTC))
    person: Shell = field(init=False)
    outputs: dict[str, str] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)

    def live(self) -> None:
        """Deploy, use and destroy the app; raises StepFailed where a step does not end as it must.

        Whatever happens, what was deployed is destroyed, or the command that does it is printed.
        """
        try:
            self.deploy()
            self.let_in()
            receipt = self.drop()
            self.look(receipt)
            self.replay(receipt)
            self.stream()
        except BaseException:
            self.clean()
            raise
        self.destroy()
        self.look_around()

    def clean(self) -> None:
        """Destroy what a run that failed has deployed, if it has."""
        if not leftovers.resources(self.account.client("cloudformation"), self.name):
            return
        try:
            self.destroy()
        except StepFailed:
            self.steps.console.print(f"destroy it by hand: activation --stack {self.name} destroy", markup=False)

    def deploy(self) -> None:
        """Prepare the account where it is not, and deploy the app under its fresh name."""
        shell, account = self.account.shell, self.account
        more = stream.section(account.client("cloudformation").meta.region_name)
        settings = folder.settings(self.name, any_endpoint=account.any_endpoint, wheels=account.wheels, more=more)
        folder.write(shell.folder, settings)
        with self.steps.step("cdk bootstrap") as outcome:
            outcome.says = self._bootstrap()
        with self.steps.step("a server to send to") as outcome:
            outcome.says = account.prepare(self.name) or "is there"
        with self.steps.step("cdk deploy --all") as outcome:
            file = shell.folder / "outputs.json"
            shell.cdk("deploy", "--all", "--require-approval", "never", "--outputs-file", str(file))
            self.outputs = shell.outputs(file)
            self.made = leftovers.resources(account.client("cloudformation"), self.name)
            outcome.says = f"{self.name}: {len(self.made)} resources"

    def let_in(self) -> None:
        """Write the secret, and let `doctor` see the difference."""
        with self.steps.step("a person to use it") as outcome:
            self.person, outcome.says = self.account.operator([self.outputs[one] for one in POLICIES])
        with self.steps.step("activation doctor, before the secret") as outcome:
            findings = self.person.json("doctor", exits=(1,))
            outcome.says = _failed(findings)
            failed = [one["says"] for one in findings if not one["ok"]]
            if len(failed) != 1 or NOT_WRITTEN not in failed[0]:
                raise StepFailed(f"only a secret is {NOT_WRITTEN}, and doctor says: {outcome.says or 'nothing'}")
        with self.steps.step("activation secret set"):
            given = json.dumps(self.account.secret())
            self.person.activation("secret", "set", folder.CONNECTOR, "--file", "-", given=given)
        with self.steps.step("activation doctor") as outcome:
            findings = self.person.json("doctor", exits=(0, 1, 3, 4))
            # A command that fails, as for a right that is missing, may end so too, and print no finding.
            if not findings or not all(one["ok"] for one in findings):
                raise StepFailed(_failed(findings) or "it prints no finding")
            outcome.says = f"{len(findings)} checks passed"

    def drop(self) -> dict[str, Any]:
        """Drop ten people and wait for their receipt."""
        with self.steps.step("activation drop"):
            arguments = ("drop", str(PEOPLE), "--connector", folder.CONNECTOR, "--audience", AUDIENCE)
            (dropped,) = self.person.json(*arguments)
        with self.steps.step("activation receipt") as outcome:
            receipt = _until(lambda: self._final(dropped["run_id"]), RUN_S, "there is no final receipt")
            people = len(PEOPLE.read_text(encoding="utf-8").splitlines()) - 1
            outcome.says = receipts.check(receipt, people)
            held = self.account.received(AUDIENCE)
            if held not in (None, people):
                raise StepFailed(f"{outcome.says}; but the platform holds {held}")
        return receipt

    def look(self, receipt: dict[str, Any]) -> None:
        """Find the run where runs are listed, and beside it a file whose key begins with no connector's name."""
        with self.steps.step("activation status") as outcome:
            self.account.client("s3").upload_file(str(PEOPLE), self.outputs["DropsBucket"], STRAY)
            wanted = {receipt["drop"]["key"]: "applied", STRAY: "ignored"}

            def listed() -> dict[str, str] | None:
                found = {one["key"]: one["state"] for one in self.person.json("status")}
                return found if STRAY in found else None

            found = _until(listed, RUN_S, f"{STRAY} is not listed")
            if found != wanted:
                raise StepFailed(
                    f"one applied run and one ignored file are expected, not {sorted(found.values())}"
                )
            # Nothing is old enough to be missed, and exit 1 would also be that of a right that is missing.
            self.person.json("status", "--missing")
            outcome.says = "1 run, applied; 1 file under no connector, ignored; no drop without a run"

    def replay(self, receipt: dict[str, Any]) -> None:
        """Replay everything since the beginning: nobody is sent again, and the receipt stays as it is."""
        with self.steps.step("activation replay") as outcome:
            held = self.account.received(AUDIENCE)
            time.sleep(1)  # times are whole seconds, and the last drop's is to be among them
            times = [f"{one:%Y-%m-%dT%H:%M:%S}" for one in (self.began, datetime.now(tz=UTC))]
            printed = self.person.activation("replay", "--from", times[0], "--to", times[1])
            replay = next(word for word in printed.split() if REPLAY.fullmatch(word))
            events = self.account.client("events")

            def over() -> dict[str, Any] | None:
                seen: dict[str, Any] = events.describe_replay(ReplayName=replay)
                return seen if seen["State"] in ("COMPLETED", "FAILED", "CANCELLED") else None

            ended = _until(over, REPLAY_S, "the replay does not end")
            if ended["State"] != "COMPLETED":
                raise StepFailed(f"the replay is {ended['State']}")
            self._wait_until_quiet()
            if self._final(receipt["run_id"]) != receipt:
                raise StepFailed("the receipt is not as it was")
            if self.account.received(AUDIENCE) != held:
                raise StepFailed("the platform was sent people again")
            found = (
                "events were replayed" if "EventLastReplayedTime" in ended else "no event was in the archive yet"
            )
            outcome.says = f"{found}; the receipt is as it was"

    def stream(self) -> None:
        """Let records of Amazon Marketing Stream land, where the region is one that Amazon sends from."""
        if stream.QUEUE_ARN not in self.outputs:
            return
        with self.steps.step("activation stream landed") as outcome:
            outcome.says = stream.land(self.account.shell, self.account.client("sqs"), self.outputs)

    def destroy(self) -> None:
        """Remove the app, and what was deployed beside it."""
        with self.steps.step("activation destroy"):
            self.account.clean(self.name)
            self.account.shell.activation("--stack", self.name, "destroy", "--yes")

    def look_around(self) -> None:
        """Find nothing that was not announced: a key and secrets whose deletion is pending."""
        with self.steps.step("what is left") as outcome:
            found, end = self._left(), time.monotonic() + GONE_S
            while not all(one.pending for one in found):
                if time.monotonic() > end:
                    raise StepFailed(leftovers.said(found))
                time.sleep(5)  # services list for a while what was deleted
                found = self._left()
            outcome.says = leftovers.said(found)

    def _left(self) -> list[leftovers.Left]:
        return leftovers.left(self.account.client, self.name, self.made)

    def _bootstrap(self) -> str:
        """Bootstrap the account's region unless that was done; return what was done."""
        cloudformation = self.account.client("cloudformation")
        try:
            cloudformation.describe_stacks(StackName="CDKToolkit")
        except cloudformation.exceptions.ClientError:
            number = self.account.client("sts").get_caller_identity()["Account"]
            self.account.shell.cdk("bootstrap", f"aws://{number}/{cloudformation.meta.region_name}")
            return "done; it stays"
        return "was done before"

    def _final(self, run_id: str) -> dict[str, Any] | None:
        try:
            # 1: it has failed, 3: it goes on, 4: there is no run yet, and nothing on the standard output
            (receipt,) = self.person.json("receipt", run_id, exits=(0, 1, 3, 4))
        except ValueError:
            return None
        return receipt if receipt.get("final") else None

    def _wait_until_quiet(self) -> None:
        """Wait until the connector's queue has been empty for some seconds."""
        sqs, names = (
            self.account.client("sqs"),
            ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"),
        )

        def waiting() -> int:
            url = self.outputs["MetaQueueUrl"]
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))["Attributes"]
            return sum(int(found[name]) for name in names)

        quiet_since = time.monotonic()
        end = quiet_since + RUN_S
        while time.monotonic() - quiet_since < QUIET_S:
            if waiting():
                quiet_since = time.monotonic()
            if time.monotonic() > end:
                raise StepFailed("the connector's queue does not become empty")
            time.sleep(0.5)


def _until(look: Callable[[], Found | None], within_s: float, otherwise: str) -> Found:
    """Look again and again until there is something; raises StepFailed when there is not in time."""
    end = time.monotonic() + within_s
    while (found := look()) is None:
        if time.monotonic() > end:
            raise StepFailed(f"{otherwise} after {within_s:.0f} s")
        time.sleep(1)
    return found


def _failed(findings: list[dict[str, Any]]) -> str:
    """Return what the findings that failed say."""
    return "; ".join(f"{one['connector']}: {one['check']}: {one['says']}" for one in findings if not one["ok"])
