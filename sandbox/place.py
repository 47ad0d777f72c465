"""The files of a sandbox: all below one ignored directory of the project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"  # shared by all sandboxes: wheels, unpacked and zipped assets


@dataclass(frozen=True)
class Place:
    """One sandbox's directory. Sandboxes in different directories are independent."""

    directory: Path

    @property
    def state(self) -> Path:
        """Return the file with the state of the sandbox."""
        return self.directory / "state.json"

    @property
    def logs(self) -> Path:
        """Return the folder with a log for each process and step."""
        return self.directory / "logs"

    @property
    def temporary(self) -> Path:
        """Return the folder used instead of /tmp."""
        return self.directory / "tmp"

    @property
    def cdk_out(self) -> Path:
        """Return the folder the app is synthesised into."""
        return self.directory / "cdk.out"

    @property
    def outputs(self) -> Path:
        """Return the file with the outputs of the deployed stacks."""
        return self.directory / "outputs.json"

    def history(self, name: str) -> Path:
        """Return the file that keeps what a simulator holds; it goes when the sandbox is stopped."""
        return self.temporary / f"{name}.history"

    def make(self) -> None:
        """Make the folders."""
        for folder in (self.directory, self.logs, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)

    def log(self, name: str) -> Path:
        """Return the log of a process or step."""
        return self.logs / f"{name}.log"


DEFAULT = Place(ROOT / ".sandbox")
