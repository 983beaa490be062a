"""What findings are about: every kind that a diagnosis may report, and the verdicts."""

from __future__ import annotations

VERDICTS = frozenset({"diverged", "too_high", "good", "too_low", "undecided"})
FINDINGS = frozenset(
    {
        "decays_too_early",
        "decays_too_late",
        "diverged",
        "flat_tail",
        "loss_spikes",
        "nan",
        "never_decays",
        "never_learned",
        "not_converged",
        "oscillation",
        "overfitting",
        "plateau",
        "rate_restarts",
        "rate_rounded",
        "rate_zero",
        "rises_after_end",
        "rule_never_fires",
        "unrecovered_jump",
        "warmup_longer_than_run",
        "warmup_needed",
        "warmup_too_long",
        "zero_first_update",
    }
)
KINDS = VERDICTS | FINDINGS
# Worth a word, after everything else.
REMARKS = frozenset({"never_decays", "rate_rounded"})
# What a person must hear first, whatever the verdict is: the run is lost, or its schedule is not what was meant.
GRAVE = frozenset(
    {
        "decays_too_early",
        "diverged",
        "nan",
        "never_learned",
        "rate_restarts",
        "rate_zero",
        "rises_after_end",
        "rule_never_fires",
        "unrecovered_jump",
        "warmup_longer_than_run",
    }
)
