"""From a cell to what a platform matches on: normalised by that platform's own rule, then hashed."""
