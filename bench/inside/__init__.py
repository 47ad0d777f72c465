"""Modules run inside the measured processes: each prints one JSON object and imports only what it measures."""
