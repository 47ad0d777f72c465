"""The people who must not be reached: lists of digests that every connector asks before it sends."""
