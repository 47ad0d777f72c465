"""The straight line from a dropped file to an ad platform's audience, shared by every function."""
