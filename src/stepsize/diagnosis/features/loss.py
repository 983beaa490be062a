"""What the loss of the training shows: scale-free numbers, unchanged by the unit of the loss and of the clock."""

from __future__ import annotations

import numpy as np

from stepsize.diagnosis.features.curve import Curve, decades

FEWEST = 3


def loss_features(curve: Curve, length: int) -> dict[str, float]:
    """The features of the training loss; only `broke` where there are fewer than three values."""
    found = {"broke": float(curve.broke)}
    if curve.size < FEWEST:
        return found
    return found | _pace(curve) | _noise(curve) | _rises(curve) | _moves(curve) | _size(curve, length)


def _pace(curve: Curve) -> dict[str, float]:
    """When it fell: early and then no more, or still falling at the end."""
    found = {f"t{round(100 * part)}": curve.reaches(part) for part in (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)}
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        found[f"late{round(100 * share)}"] = float(np.clip((curve.at(share) - curve.end) / curve.drop, -2, 2))
    after = curve.end
    for octave in range(8):
        before = curve.early(2.0 ** -(octave + 1))
        found[f"octave{octave}"] = float(np.clip((before - after) / curve.drop, -2, 2))
        after = before
    middles = np.arange(curve.level.size)
    found["linear"] = float(np.corrcoef(middles, curve.level)[0, 1]) if np.ptp(curve.level) > 0 else 0.0
    return found | _powers(curve)


def _powers(curve: Curve) -> dict[str, float]:
    """The exponent with which a positive loss falls over the last two halvings of what was left of the run."""
    quarter, half = curve.at(0.25), curve.at(0.5)
    if min(quarter, half, curve.end) <= 0:
        return {}
    return {
        "power_late": float(np.clip(np.log2(half / curve.end), -1, 3)),
        "power_mid": float(np.clip(np.log2(quarter / half), -1, 3)),
    }


def _noise(curve: Curve) -> dict[str, float]:
    """How much it jitters, against its drop and against its level."""
    early, mid, late = curve.noise(0, 0.1), curve.noise(0.2, 0.6), curve.noise(0.75, 1)
    found = {
        "noise_early": decades(early / curve.drop),
        "noise_mid": decades(mid / curve.drop),
        "noise_late": decades(late / curve.drop),
        "noise_end": decades(late / (abs(curve.end) + 1e-30)),
        "noise_trend": decades(late / curve.drop) - decades(mid / curve.drop),
        "drop_to_noise": decades(curve.drop / max(mid if np.isfinite(mid) else 0, 1e-12 * curve.scale)),
    }
    return found | _progress(curve, late) | _residuals(curve)


def _progress(curve: Curve, noise: float) -> dict[str, float]:
    """What each halving of the run still brought, in units of the noise: whether it stands still in it."""
    unit = max(noise if np.isfinite(noise) else 0, 1e-9 * curve.scale)
    levels = [curve.end, *(curve.early(2.0**-k) for k in range(1, 7))]
    moved = np.arcsinh((np.array(levels[1:]) - levels[:-1]) / unit)
    return {f"progress{k}": float(np.clip(move, -8, 8)) for k, move in enumerate(moved)}


def _residuals(curve: Curve) -> dict[str, float]:
    """The shape of the jitter around the level: zigzag, heavy tails, leaning upwards."""
    it = curve.sparse
    rest = (it.value - np.interp(it.share, (np.arange(curve.level.size) + 0.5) / curve.level.size, curve.level))[
        it.share > 0.3
    ]
    spread = float(rest.std()) if rest.size > 10 else 0.0
    if not 0 < spread < np.inf:
        return {}
    usual = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
    return {
        "zigzag": float(np.corrcoef(rest[1:], rest[:-1])[0, 1]),
        "tails": float(np.clip(np.log10((spread + 1e-15) / (usual + 1e-12 * abs(curve.end) + 1e-15)), -1, 2)),
        "lean": float(np.clip(np.mean(((rest - rest.mean()) / spread) ** 3), -5, 5)),
    }


def _rises(curve: Curve) -> dict[str, float]:
    """How far it ever stood above where it began, and above its own level."""
    start, drop = curve.start, curve.drop
    first = curve.between(0, 0.05)
    later = curve.value[curve.share > 0.05]
    level = np.interp(
        curve.share[curve.share > 0.05], (np.arange(curve.level.size) + 0.5) / curve.level.size, curve.level
    )
    moves = np.diff(curve.level)
    return {
        "rise5": _above(float(first.max()) - start if first.size else 0.0, drop),
        "rise": _above(float(curve.value.max()) - start, drop),
        "spike": _above(float((later - level).max()) if later.size else 0.0, drop),
        "first_updates": float(np.clip((curve.value[1:4].min() - curve.value[0]) / drop, -2, 2)),
        "rising": float(np.mean(moves > 0)),
        "rising_late": float(np.mean(moves[moves.size // 2 :] > 0)),
        "end_above_best": float(np.clip((curve.end - curve.best) / drop, 0, 10)),
    }


def _moves(curve: Curve) -> dict[str, float]:
    """The same in units that a curve without a drop has too: of its noise, and of its size.

    A rate far too low and one so high that nothing is left to learn with both give a flat curve. Only the first steps,
    and whether there is any trend in the noise, tell them apart.
    """
    mid = curve.noise(0.2, 1)
    unit = max(mid if np.isfinite(mid) else 0, 1e-9 * curve.scale)
    first = curve.between(0, 0.05)
    highest = float(first.max()) if first.size else curve.start
    settled = curve.at(0.1)
    in_noise = {
        "moved": curve.start - curve.end,
        "moved_early": curve.start - settled,
        "moved_late": settled - curve.end,
        "rise5": highest - settled,
        "range": float(np.ptp(curve.level[curve.level.size // 10 :])),
    }
    found = {f"{name}_in_noise": float(np.clip(np.arcsinh(move / unit), -10, 10)) for name, move in in_noise.items()}
    found |= {f"{name}_in_size": decades(abs(move) / curve.scale) for name, move in in_noise.items()}
    return found | {"noise_in_size": decades(mid / curve.scale), "trend": _trend(curve)}


def _trend(curve: Curve) -> float:
    """How surely it falls over its last nine tenths: the slope over its error, squeezed by arcsinh."""
    it = curve.sparse
    x, y = it.share[it.share > 0.1], it.value[it.share > 0.1]
    if x.size < 5 or np.ptp(y) == 0:
        return 0.0
    x = x - x.mean()
    slope = float((x * y).sum() / (x * x).sum())
    rest = y - y.mean() - slope * x
    error = float(np.sqrt((rest * rest).sum() / (x.size - 2) / (x * x).sum()))
    return float(np.clip(np.arcsinh(slope / max(error, 1e-12 * curve.scale)), -10, 10))


def _above(height: float, drop: float) -> float:
    return float(np.log10(1e-3 + np.clip(height / drop, 0, 1e6)))


def _size(curve: Curve, length: int) -> dict[str, float]:
    """How much was learnt, and from how much of a record."""
    positive = curve.start > 0 and curve.best > 0
    return {
        "learned": float(np.clip((curve.start - curve.end) / curve.scale, -1, 1)),
        "drop_to_scale": decades(curve.drop / curve.scale),
        "log_drop": float(np.clip(np.log10(curve.start / curve.best), -12, 12)) if positive else float("nan"),
        "points": decades(curve.size),
        "length": decades(length),
    }
