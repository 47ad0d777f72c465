"""The demo: an export as messy as real ones, dropped into the sandbox, and what came of it."""
