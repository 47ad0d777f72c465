"""Runs: lists of them, one of them, and what a person can do to it."""
