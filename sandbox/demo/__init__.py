"""The demo: drop a realistically messy export into the sandbox, and check the result."""
