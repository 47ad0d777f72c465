"""The audience of a mirror at the platform: whether it is there, whether it is ours alone, how it is changed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace

from activation.errors import ConfigError, Rejected
from activation.ledger.mirror_run import MirrorRun
from activation.mirror import commands
from activation.mirror.state import MirrorState
from activation.model import Action
from activation.pipeline.client import PlatformClient
from activation.platforms.publisher import await_new
from activation.runs.invocation import Invocation

REPLACE, DIFFERENCE = "replace", "difference"
MISSING = "audience_missing"  # what a publisher says of an audience to remove from that does not exist


def known(invocation: Invocation) -> MirrorState:
    """Return what is known of the run's audience, whose lock the run has acquired.

    Raises ConfigError with newer_state, and with state_lost where the state is damaged.
    """
    try:
        return invocation.connector.mirrors.read(invocation.held.run.audience_lock)
    except Rejected as error:
        raise blocked(invocation, error) from error


def blocked(invocation: Invocation, error: Rejected) -> Rejected | ConfigError:
    """Return a refusal of the state's as one that a person has to act on; any other as it is."""
    if error.code not in ("state_lost", "cells_not_kept"):
        return error
    return ConfigError(
        "state_lost",
        f"{error.sentence}; nothing was sent. Say what the audience is taken to hold: {resets_of(invocation)};"
        f" then {commands.redrive(invocation.audience.connector)}",
    )


def resets_of(invocation: Invocation) -> str:
    """Return the commands that say what the run's audience is taken to hold."""
    audience = invocation.audience
    return commands.resets(audience.connector, audience.name, replaces=_next_replaces(invocation))


def _next_replaces(invocation: Invocation) -> bool:
    """Return whether a mirror could replace the audience as a whole once its state is reset."""
    connector, audience = invocation.connector, invocation.audience
    if Action.REPLACE not in connector.platform.limits.actions or audience.options.shared:
        return False
    return connector.audiences.has_own(invocation.held.run.audience_lock)


def is_mirrored(state: MirrorState) -> bool:
    """Return whether an audience is to hold what a mirror sent, and nothing else."""
    return state.snapshot is not None or bool(state.pending)


@dataclass(frozen=True)
class MirrorAudience:
    """The audience of a mirror run; `client` asks the platform."""

    invocation: Invocation
    client: PlatformClient

    def look(self, keys: tuple[str, ...]) -> None:
        """Look for the audience, once, and decide how it is changed; creates nothing.

        `keys` are the fields that the drop's columns fill. Raises ConfigError with audience_missing for one that
        was deleted at the platform, with audience_not_ours for one of which nobody knows whom it holds, and what
        the platform's calls raise.
        """
        held, state = self.invocation.held, known(self.invocation)
        mirror, audience = mirror_of(self.invocation), self.invocation.audience
        then = f"then {commands.redrive(audience.connector)}"
        found = self._find(keys)
        if found is None and is_mirrored(state):
            by = "replace" if _next_replaces(self.invocation) else "baseline"
            raise ConfigError(
                MISSING,
                "the audience is not at the platform any more, and ad sets that used it have stopped; nothing was"
                f" sent. To have it made again: {commands.reset(audience.connector, audience.name, by)}, {then}",
            )
        if found is not None and is_mirrored(state) and state.audience_id not in ("", found):
            raise ConfigError(
                MISSING,
                "the name, or the id in the audience's options, means another audience by now than the one that"
                " earlier mirrors filled: who is in it is not known, so nothing was sent. Correct the id, or"
                f" forget what the other one held: {resets_of(self.invocation)}; {then}",
            )
        lock = held.run.audience_lock
        owned = found is None or self.invocation.connector.audiences.is_ours(lock, found)
        mode, why = self._mode(keys, owned=owned, is_new=found is None)
        if found is not None and not state.version and not (owned or self._is_shared):
            raise ConfigError(
                "audience_not_ours",
                "the ad account has an audience of this name already, and this app did not create it: a mirror"
                f" would take out whoever is in it and not in the drop. Nothing was sent. To let it do so:"
                f" {commands.adopt(audience.connector, audience.name)}; to remove only people whom the app has"
                f" added, set the audience's option `shared`; {then}",
            )
        with held.lock:
            mirror.looked, mirror.exists, mirror.owned = True, found is not None, owned
            mirror.audience_id = found or ""
            mirror.mode, mirror.why, mirror.cells = mode, why, mode == DIFFERENCE
            mirror.version = state.version

    def _find(self, keys: tuple[str, ...]) -> str | None:
        """Return the audience's id, None where there is none; a removal is what never creates one."""
        audience = replace(self.invocation.audience, action=Action.REMOVE)
        try:
            return self.client.look(self.client.publisher.open(audience, keys)).audience_id
        except Rejected as error:
            if error.code != MISSING:
                raise
        await_new(self.invocation.newly_created)
        self.client.reads.forget()  # whether it is still not there is asked again right before it is created
        return None

    @property
    def _is_shared(self) -> bool:
        return self.invocation.audience.options.shared

    def _mode(self, keys: tuple[str, ...], *, owned: bool, is_new: bool) -> tuple[str, str]:
        if Action.REPLACE not in self.invocation.connector.platform.limits.actions:
            return DIFFERENCE, "the platform does not replace audiences"
        if self._is_shared:
            return DIFFERENCE, "the audience is shared with others, whose people stay"
        if not owned:
            return DIFFERENCE, "the audience is not known to be the app's alone"
        if refused := self._refused_replace(keys):
            return DIFFERENCE, refused
        whose = "the audience is new" if is_new else "the audience is the app's alone"
        return REPLACE, f"{whose}, and the platform replaces it as a whole"

    def _refused_replace(self, keys: tuple[str, ...]) -> str:
        """Return why the platform does not replace by these columns, "" where it does; asks it nothing."""
        audience = replace(self.invocation.audience, action=Action.REPLACE)
        try:
            with closing(self.client.publisher.open(audience, keys)) as conversation:
                next(conversation, None)
        except Rejected as error:
            return error.sentence
        return ""


def mirror_of(invocation: Invocation) -> MirrorRun:
    """Return what the record knows of a mirror; begins it where nothing is known yet."""
    progress = invocation.held.run.progress
    if progress.mirror is None:
        progress.mirror = MirrorRun()
    return progress.mirror
