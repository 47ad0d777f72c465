"""Consent of extracted rows: who said no is left out and counted; a question without an answer stops the slot."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from activation.drops.row_filters import NO_CONSENT

from lambdas.sync.source import Consent, consent_missing


def folded(text: str) -> str:
    """Return an answer as answers are compared: composed, lower case, without white space at its ends."""
    return unicodedata.normalize("NFC", text).strip().lower()


def check_answers(consent: Consent, possible: Iterable[str], form: str) -> None:
    """Raise ConfigError (consent_missing) if no allowed answer is among those that the column can have.

    Nobody would have said yes, which is then a mistake in the declaration and not what people said.
    """
    answers = {folded(one) for one in possible}
    if not answers & {folded(one) for one in consent.allow}:
        raise consent_missing(consent.column, f"is of the type {form}, which never has an answer of `allow`")


@dataclass
class ConsentFilter:
    """Takes the rows without an allowed answer out of batches; `left_out` counts them by code."""

    consent: Consent | None
    left_out: dict[str, int]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows of a batch that may be sent."""
        if self.consent is None:
            return batch
        answers = pc.fill_null(batch.column(self.consent.column), "")
        texts = pc.utf8_lower(pc.utf8_trim_whitespace(pc.utf8_normalize(answers, form="NFC")))
        allowed = pc.is_in(texts, pa.array([folded(one) for one in self.consent.allow], pa.string()))
        kept = batch.filter(allowed)
        if without := batch.num_rows - kept.num_rows:
            self.left_out[NO_CONSENT] = self.left_out.get(NO_CONSENT, 0) + without
        return kept
