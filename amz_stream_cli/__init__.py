"""Subscriptions of Amazon Marketing Stream, from the command line: `python -m amz_stream_cli`."""

__version__ = "0.1.0"
