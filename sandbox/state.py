"""The processes of a running sandbox, kept in a file between commands."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.errors import SandboxError
from sandbox.place import Place
from sandbox.processes import Process

EMULATOR = "aws"


@dataclass(frozen=True)
class State:
    """The processes of a sandbox, whether IAM is enforced, and what `sandbox up` last printed."""

    processes: tuple[Process, ...] = ()
    auth: bool = False
    printed: dict[str, Any] = field(default_factory=dict)

    @property
    def emulator(self) -> Process:
        """Return the AWS emulator's process."""
        return next(one for one in self.processes if one.name == EMULATOR)

    @property
    def simulators(self) -> tuple[Process, ...]:
        """Return the simulators' processes."""
        return tuple(one for one in self.processes if one.name != EMULATOR)

    @property
    def ended(self) -> tuple[Process, ...]:
        """Return the simulators that were started and have ended."""
        return tuple(one for one in self.simulators if not one.runs())

    def runs(self) -> bool:
        """Return whether there is a sandbox: its emulator is alive, which holds all that was deployed and sent."""
        return bool(self.processes) and self.emulator.runs()


def load(place: Place) -> State:
    """Read the state; return an empty one if there is no sandbox."""
    try:
        document = json.loads(place.state.read_text())
        return State(
            processes=tuple(Process(**one) for one in document["processes"]),
            auth=document["auth"],
            printed=document["printed"],
        )
    except FileNotFoundError:
        return State()
    except (ValueError, KeyError, TypeError) as error:
        raise SandboxError(f"{place.state} cannot be read; end its processes by hand and delete it") from error


def save(place: Place, state: State) -> None:
    """Write the state atomically."""
    scratch = place.state.with_suffix(".new")
    scratch.write_text(json.dumps(asdict(state), indent=2))
    scratch.replace(place.state)


def forget(place: Place) -> None:
    """Remove the state."""
    place.state.unlink(missing_ok=True)


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Prevent other commands from starting or stopping the sandbox; raises SandboxError if one is doing so."""
    place.make()
    with (place.directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SandboxError(f"another command is starting or ending the sandbox in {place.directory}") from None
        yield
