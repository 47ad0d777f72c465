"""CloudWatch in the sandbox: what the emulated services publish, and alarms that fire and clear by AWS's rules."""
