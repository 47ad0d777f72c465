"""Where a statement names its parameters."""

from __future__ import annotations

import pytest

from lambdas.sync.parameters import Named, parameter_names, pieces


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select 1", set()),
        ("select a from t where tenant = :tenant and s not in :not_segments", {"tenant", "not_segments"}),
        ("select ':no', \":no\", a::text, x'0'::bytea from t", set()),
        ("select 'it''s :no' from t where a=:yes", {"yes"}),
        (r"select e'\' :no' from t where a = :yes", {"yes"}),
        ("select $$ :no $$, $tag$ $$ :no $tag$ from t where a = :yes", {"yes"}),
        ("select a -- :no\n from t /* :no /* :no */ :no */ where a = :yes", {"yes"}),
        ("select arr[1:2], arr[n:m] from t where a = any(:yes)", {"yes"}),
        ("select '10:30'::time, timestamp '2026-01-01 10:30:00' from t", set()),
        ("select a /* :no never closed", set()),
    ],
)
def test_parameters_are_found_outside_of_everything_that_only_holds_a_colon(sql: str, names: set[str]) -> None:
    """A parameter is a name after a colon that is not within a text, a comment, a cast or a slice."""
    assert parameter_names(sql) == names


def test_the_pieces_are_the_whole_statement() -> None:
    """The pieces, with the parameters as they were written, are the statement again."""
    sql = "select a from t where b = :one and c in :two -- :no"
    assert "".join(f":{one.name}" if isinstance(one, Named) else one for one in pieces(sql)) == sql
