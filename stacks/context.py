"""The reader of the settings, which is the library's: audiences as code are read by it as well."""

from activation.json_reader import Reader

__all__ = ["Reader"]
