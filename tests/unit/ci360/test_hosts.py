"""Which hosts may be allowed: no entry that matches a name which somebody else can own."""

from __future__ import annotations

import pytest

from stacks.ci360.hosts import is_anybodys


@pytest.mark.parametrize(
    "host",
    [
        ".s3.eu-central-1.amazonaws.com",
        "s3.amazonaws.com",
        ".s3-accesspoint.eu-west-1.amazonaws.com",
        ".execute-api.eu-west-1.amazonaws.com",
        ".amazonaws.com",
        ".blob.core.windows.net",
        ".dfs.core.windows.net",
        ".windows.net",
        ".cloudfront.net",
        ".storage.googleapis.com",
        ".googleapis.com",
        ".cloudflarestorage.com",
        ".eu.r2.cloudflarestorage.com",
        ".github.io",
        ".com",
        ".co.uk",
    ],
)
def test_a_name_that_anybody_can_have_is_refused(host: str) -> None:
    """Buckets, containers, distributions, pages and registered names belong to whoever asks first."""
    assert is_anybodys(host)


@pytest.mark.parametrize(
    "host",
    [
        "staging.s3.eu-central-1.amazonaws.com",
        ".staging.s3.eu-central-1.amazonaws.com",
        "tenant.blob.core.windows.net",
        "d111111abcdef8.cloudfront.net",
        ".files.example.com",
        ".example.co.uk",
        ".sas.com",
    ],
)
def test_a_name_that_somebody_has_is_accepted(host: str) -> None:
    """Whole names, and suffixes below a name that one customer or company owns."""
    assert not is_anybodys(host)
