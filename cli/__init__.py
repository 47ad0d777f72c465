"""The `activation` command."""
