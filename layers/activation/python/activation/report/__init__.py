"""What people hear of a run: receipts, rejects and events."""
