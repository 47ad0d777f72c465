"""What a connector's function makes once per cold start, and all of its messages share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from activation.aws.clients import Clients
from activation.ledger.approvals import Approvals
from activation.ledger.arrivals import Arrivals
from activation.ledger.audience_lock import AudienceLocks
from activation.ledger.audiences import KnownAudiences
from activation.ledger.drop_users import DropUsers
from activation.ledger.folders import Folders
from activation.ledger.kept_options import KeptOptions
from activation.ledger.orders import Orders
from activation.ledger.replacements import Replacements
from activation.ledger.runs import Ledger
from activation.ledger.suppression_lists import SuppressionRecord
from activation.ledger.unread import UnreadObjects
from activation.mirror.states import MirrorStates
from activation.pipeline.rate_limit import RateLimits
from activation.pipeline.slots import InFlight
from activation.platforms.http import Http
from activation.platforms.limits import Limits
from activation.platforms.platform import Platform
from activation.runs.absent_files import AbsentFiles
from activation.runs.secret import ConnectorSecret
from activation.runs.settings import FunctionSettings
from activation.suppression.current import CurrentSuppressions
from activation.suppression.store import ListStore


@dataclass(frozen=True)
class Connector:
    """What the messages of one connector share, made once per cold start.

    `platform` is where its runs send and `settings` are the function's. `clients` are those of AWS. `secret` signs
    the requests and `http` carries them. `clock` returns Unix seconds; `sleep` takes seconds.
    """

    platform: Platform
    settings: FunctionSettings
    clients: Clients
    secret: ConnectorSecret
    http: Http
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    @cached_property
    def ledger(self) -> Ledger:
        """Return the ledger of the connector's runs."""
        return Ledger(
            self.clients.table,
            self.settings.connector,
            lease_s=3 * self.platform.limits.timeout_s + 30,
            ttl_days=self.settings.ledger_ttl_days,
            clock=self.clock,
        )

    @cached_property
    def locks(self) -> AudienceLocks:
        """Return the audiences' locks."""
        return AudienceLocks(self.clients.table, ttl_days=self.settings.ledger_ttl_days, clock=self.clock)

    @cached_property
    def audiences(self) -> KnownAudiences:
        """Return the list of audiences that were ever written to."""
        return KnownAudiences(self.clients.table, self.clock)

    @cached_property
    def absent_files(self) -> AbsentFiles:
        """Return which files of options this worker has not found a moment ago."""
        return AbsentFiles(self.clock)

    @cached_property
    def kept_options(self) -> KeptOptions:
        """Return what the audiences' files have said."""
        return KeptOptions(self.clients.table, self.settings.connector)

    @cached_property
    def replacements(self) -> Replacements:
        """Return the newest replaces of the audiences."""
        return Replacements(self.clients.table, ttl_days=self.settings.ledger_ttl_days, clock=self.clock)

    @cached_property
    def approvals(self) -> Approvals:
        """Return the approvals of the connector's runs."""
        return Approvals(self.clients.table, self.settings.connector, self.clock)

    @cached_property
    def orders(self) -> Orders:
        """Return what people have asked of the connector's runs."""
        return Orders(self.clients.table, self.settings.connector, self.clock)

    @cached_property
    def mirrors(self) -> MirrorStates:
        """Return what is known of the mirrored audiences."""
        return MirrorStates(self.clients.table, clock=self.clock)

    @cached_property
    def unread(self) -> UnreadObjects:
        """Return the records of drops whose key cannot be read."""
        return UnreadObjects(self.clients.table, ttl_days=self.settings.ledger_ttl_days, clock=self.clock)

    @cached_property
    def folders(self) -> Folders:
        """Return the records of the connector's folders."""
        settings = self.settings
        return Folders(self.clients.table, settings.connector, ttl_days=settings.ledger_ttl_days, clock=self.clock)

    @cached_property
    def drop_users(self) -> DropUsers:
        """Return the runs that need a drop besides its own."""
        settings = self.settings
        return DropUsers(
            self.clients.table, settings.connector, ttl_days=settings.ledger_ttl_days, clock=self.clock
        )

    @cached_property
    def arrivals(self) -> Arrivals:
        """Return when drops last came for the audiences that they are expected for."""
        return Arrivals(self.clients.table, clock=self.clock)

    @cached_property
    def rate_limits(self) -> RateLimits:
        """Return the rate limits of this worker."""
        return RateLimits(self.clients.table, clock=self.clock)

    @cached_property
    def suppressions(self) -> CurrentSuppressions:
        """Return what asks the suppression lists, as they are now, for the connector's platform."""
        store = ListStore(self.clients.s3, self.settings.mirrors_bucket)
        record = SuppressionRecord(self.clients.table)
        return CurrentSuppressions(record, store, self.platform.name, self.clock)

    @property
    def limits(self) -> Limits:
        """Return the platform's limits, narrowed by the connector's settings."""
        return self.platform.limits.narrowed(
            max_rows=self.settings.max_rows_per_request, max_bytes=self.settings.max_bytes_per_request
        )

    @property
    def in_flight(self) -> int:
        """Return how many requests may be in flight at any time."""
        return self.slots.usual

    @cached_property
    def slots(self) -> InFlight:
        """Return how many requests may be in flight at any time, and at most."""
        limits = self.platform.limits
        return InFlight.of(limits.in_flight, limits.most_in_flight, self.settings.requests_in_flight)

    @property
    def timeout_s(self) -> float:
        """Return how many seconds a connection to the platform may be silent."""
        return self.platform.limits.timeout_s
