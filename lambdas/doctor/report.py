"""What becomes of findings: a metric by connector and severity, and notices of those that are new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activation.aws.app_events import put_event
from activation.ledger.findings import NotifiedFindings
from activation.ledger.keys import NO_CONNECTOR
from activation.platforms.platform import Finding
from activation.report.notice import finding_notice
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from lambdas.doctor.shrinking import SIZE

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

FAILURE, WARNING = "failure", "warning"
DETAIL_TYPE = "Activation Finding"
# The checks whose failures and warnings have a metric and an alarm of their own: stacks/doctor.py.
TOKENS, VERSION = ("token", "renewal"), "api version"
MOST_SENTENCES = 20  # in an event, which has room for 256 kB


@dataclass(frozen=True)
class Group:
    """The findings of one check and severity: `sentences` has one or more."""

    check: str
    severity: str
    sentences: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return what tells the group from others, and from itself with more or fewer findings."""
        return f"{self.check}/{self.severity}/{len(self.sentences)}"

    @property
    def sentence(self) -> str:
        """Return the first sentence, and how many follow."""
        more = len(self.sentences) - 1
        return self.sentences[0] + (f" (and {more} more)" if more else "")


def groups(findings: Sequence[Finding]) -> list[Group]:
    """Return what needs somebody, failures first."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in sorted(findings, key=lambda each: each.ok):
        if severity := severity_of(one):
            found.setdefault((one.check, severity), []).append(one.says)
    return [Group(check, severity, tuple(sentences)) for (check, severity), sentences in found.items()]


def severity_of(one: Finding) -> str:
    """Return the severity of a finding, "" for a check that passed."""
    return FAILURE if not one.ok else WARNING if one.warns else ""


def count(service: str, examined: Sequence[tuple[str, Sequence[Finding]]]) -> None:
    """Write the metrics: findings by connector and severity, and what the alarms are on.

    Zeros are written as well, so that the alarm ends with the finding. The namespace is the environment's.
    """
    failures = 0
    for connector, findings in examined:
        for severity in (FAILURE, WARNING):
            number = sum(severity_of(one) == severity for one in findings)
            failures += number if severity == FAILURE else 0
            with single_metric("DoctorFindings", MetricUnit.Count, number) as metric:
                metric.add_dimension("service", service)
                metric.add_dimension("connector", connector)
                metric.add_dimension("severity", severity)
    with single_metric("DoctorFailures", MetricUnit.Count, failures) as metric:
        metric.add_dimension("service", service)
    bad = [one.check for _, findings in examined for one in findings if severity_of(one)]
    with single_metric("TokensExpiring", MetricUnit.Count, _number(bad, *TOKENS)) as metric:
        metric.add_dimension("service", service)
    with single_metric("VersionsEnding", MetricUnit.Count, _number(bad, VERSION)) as metric:
        metric.add_dimension("service", service)
    with single_metric("AudiencesShrinking", MetricUnit.Count, _number(bad, SIZE)) as metric:
        metric.add_dimension("service", service)


def _number(bad: Sequence[str], *checks: str) -> int:
    return sum(check in checks for check in bad)


@dataclass(frozen=True)
class Notices:
    """Notifies of findings through the app's `bus`; `command` returns a command of the app."""

    events: EventBridgeClient
    bus: str
    notified: NotifiedFindings
    command: Callable[..., str]

    def send(self, connector: str, findings: Sequence[Finding]) -> list[Group]:
        """Put an event for each group that is new or has lasted for a week, and return those groups.

        At least once: what was notified is recorded afterwards. Raises what the bus and the table raise.
        """
        present = groups(findings)
        due = self.notified.due(connector, [one.key for one in present])
        told = [one for one in present if one.key in due]
        for one in told:
            put_event(self.events, self.bus, DETAIL_TYPE, self._detail(connector, one))
        self.notified.note(connector, [one.key for one in present], due)
        return told

    def _detail(self, connector: str, group: Group) -> dict[str, object]:
        of_app = connector == NO_CONNECTOR
        subject = "The app" if of_app else f"Connector {connector}"
        command = self.command("doctor") if of_app else self.command("doctor", "--connector", connector)
        fails = group.severity == FAILURE
        return {
            "connector": connector,
            "check": group.check,
            "severity": group.severity,
            "findings": list(group.sentences[:MOST_SENTENCES]),
            "notice": finding_notice(subject, group.check, group.sentence, command, fails=fails),
        }
