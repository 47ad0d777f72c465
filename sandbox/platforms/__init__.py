"""Simulated ad platforms over real HTTP, each with its platform's published limits and oddities."""
