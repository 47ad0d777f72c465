"""What a run reports: receipts, rejects and events."""
