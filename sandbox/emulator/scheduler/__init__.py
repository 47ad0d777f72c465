"""EventBridge Scheduler as AWS runs it: time zones, context attributes, retries and dead letters, on one clock."""
