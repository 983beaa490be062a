"""What `stepsize watch` says of a run, in words."""

from __future__ import annotations

from typing import Any

from stepsize.cli.watching import SCHEMA, Event
from stepsize.diagnosis import Diagnosis, words
from stepsize.run.column import Clock


def place(made: int, planned: int, clock: Clock) -> str:
    """How far a run is.

    >>> place(400, 4000, "step"), place(7, 0, "epoch")
    ('step 400/4000 10 %', 'epoch 7')
    """
    return f"{clock} {made}/{planned} {100 * min(1.0, made / planned):.0f} %" if planned else f"{clock} {made}"


def verdict_words(diagnosis: Diagnosis) -> str:
    """The verdict in a sentence, and how often such a one is right."""
    verdict = diagnosis.verdict
    told = [words.verdict_sentence(diagnosis), words.sureness(diagnosis)]
    if verdict == "undecided":
        return " ".join([f"{verdict}:", *told, *diagnosis.missing[:1]])
    return " ".join(filter(None, [f"{verdict} {diagnosis.confidence:.2f}:", *told, words.advice(diagnosis)]))


def event_words(event: Event) -> str:
    """The event in a sentence or two."""
    finding = event.finding
    return verdict_words(event.diagnosis) if finding is None else f"{finding.kind} {finding.confidence:.2f}: {finding}"


def event_document(event: Event, time: str, source: str) -> dict[str, Any]:
    """The event as a JSON value."""
    diagnosis = event.diagnosis
    return {
        "schema": SCHEMA,
        "event": event.kind,
        "time": time,
        "made": event.made,
        "planned": event.planned or None,
        "clock": event.clock,
        "share": event.share,
        "source": source,
        "verdict": diagnosis.verdict,
        "confidence": diagnosis.confidence,
        "chances": diagnosis.chances,
        "suggestion": diagnosis.suggestion,
        "message": event_words(event),
        "finding": None if event.finding is None else event.finding.document(),
        **({"diagnosis": diagnosis.document()} if event.kind == "end" else {}),
    }
