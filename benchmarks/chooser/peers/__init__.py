"""The tuners beside ours: each a function that buys runs at a desk until nothing more can be paid."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.chooser.desk import Desk
from benchmarks.chooser.peers import asha, grid, optuna_samplers, parabola, uniform

Method = Callable[[Desk], None]

PEERS: dict[str, Method] = {
    "random": uniform.search,
    "grid": grid.search,
    "grid + parabola": parabola.search,
    "TPE, NaN as it is": optuna_samplers.tpe_nan,
    "TPE, NaN made large": optuna_samplers.tpe_large,
    "GP": optuna_samplers.gp,
    "Hyperband": optuna_samplers.hyperband,
    "ASHA": asha.search,
}
# Those that a minute has time for.
QUICK = ("random", "grid", "grid + parabola", "TPE, NaN as it is", "TPE, NaN made large", "ASHA")
