"""The straight line from a dropped file to an ad platform's audience, shared by every function."""

__version__ = "0.1.0"  # of the whole project: pyproject.toml and `activation --version` read it here
