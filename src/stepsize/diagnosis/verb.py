"""`diagnose`: the verb."""

from __future__ import annotations

import os

from stepsize.diagnosis.answer import Diagnosis
from stepsize.diagnosis.certain import certain_findings
from stepsize.diagnosis.rate_trace import rate_findings
from stepsize.diagnosis.shape import shape_findings
from stepsize.diagnosis.spikes import spike_findings
from stepsize.diagnosis.trace import trace_of
from stepsize.run import Run


def diagnose(run: Run | str | os.PathLike[str]) -> Diagnosis:
    """Say of a run, or of the record at a path, whether its learning rate was right, and how sure that is.

    Args:
        run: a Run, or the path of a record in any format `Run.read` knows.
    Raises:
        UnreadableRun: the record cannot be read, or holds several runs.
    """
    it = run if isinstance(run, Run) else Run.read(run)
    trace = trace_of(it)
    findings = (
        *certain_findings(trace),
        *rate_findings(trace),
        *spike_findings(trace),
        *shape_findings(trace),
    )
    return Diagnosis("undecided", 0.0, {}, findings, it)
