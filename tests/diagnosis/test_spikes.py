"""Spikes of the loss: counted, classed, and not seen where there is only scatter."""

from __future__ import annotations

import numpy as np
import pytest
from logged import learning, seen, trace

from stepsize.diagnosis.spikes import spike_findings


def test_scatter_alone_makes_no_spikes() -> None:
    """The same for slight and heavy scatter, with tails as of a normal, of an exponential and of small batches."""
    said = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        points = int(rng.integers(60, 4_000))
        scatter = [rng.standard_normal(points), rng.exponential(size=points), np.log(rng.gamma(3, size=points))][
            seed % 3
        ]
        loss = learning(points, noise=0) * np.exp(rng.choice([0.02, 0.1, 0.5]) * scatter)
        said += bool(list(spike_findings(trace(loss))))
    assert said <= 2


@pytest.mark.parametrize("places", [[600], [600, 1_200, 1_900]])
def test_spikes_that_pass_quickly_are_counted(places: list[int]) -> None:
    loss = learning(2_500, noise=0.03)
    for at in places:
        loss[at : at + 4] *= [2.0, 3.0, 2.0, 1.4]
    [found] = spike_findings(trace(loss, [1e-3] * 2_500))
    evidence = dict(found.evidence)
    assert found.kind == "loss_spikes"
    assert evidence["spikes"] == evidence["recovered_fast"] == len(places)
    assert sorted(span.first for span in found.spans) == pytest.approx(places, abs=3)
    assert "5e-4" in found.advice


def test_a_spike_that_heals_slowly_is_slow() -> None:
    loss = learning(3_000, noise=0.03)
    loss[1_500:1_600] *= np.exp(np.linspace(1.2, 0, 100))
    [found] = spike_findings(trace(loss))
    assert dict(found.evidence)["recovered_slow"] == 1
    assert "slowly" in found.message


@pytest.mark.parametrize("leads", [0, 12])
def test_what_rose_before_the_loss_is_named_with_its_lead(leads: int) -> None:
    loss, ratio = learning(2_000, noise=0.03), np.full(2_000, 2e-3)
    ratio *= np.exp(0.05 * np.random.default_rng(0).standard_normal(2_000))
    for at in (700, 1_500):
        loss[at : at + 5] *= 3
        ratio[at - leads : at + 5] *= 2
    [found] = spike_findings(trace(loss, update_ratio=seen(ratio)))
    assert dict(found.evidence).get("lead", 0) == pytest.approx(leads, abs=1)
    assert ("size of the updates rose first" in found.message) == bool(leads)


def test_the_clip_that_is_advised_is_one_of_the_usual_norms() -> None:
    loss, norms = learning(1_000, noise=0.03), np.linspace(0.9, 1.1, 1_000)
    loss[500:504] *= 3
    norms[500:504] = 80
    [found] = spike_findings(trace(loss, grad_norm=seen(norms)))
    assert "gradient's norm at 1.1" in found.advice


def test_the_start_is_not_a_spike() -> None:
    loss = learning(1_000, noise=0.03)
    loss[:30] *= 5
    assert not list(spike_findings(trace(loss)))


def test_a_spike_is_seen_in_a_million_points() -> None:
    loss = learning(1_000_000, noise=0.1)
    loss[654_321] *= 8
    [found] = spike_findings(trace(loss))
    assert found.spans[0].first == 654_321
