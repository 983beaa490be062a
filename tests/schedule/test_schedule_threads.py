"""Where other schedulers hurt: each test is named after the thread that tells the pain, and shows it absent here."""

import math

import numpy as np
import pytest

import stepsize as ss


def test_pytorch_82859_schedules_compose_in_any_order():
    # torch: chaining LambdaLR and ExponentialLR, whichever overwrites the rate cancels the other.
    decay, halves = ss.exponential_decay(1.0, 0.9, every=1), ss.piecewise_constant([1.0, 0.5], at=[5])
    k = np.arange(20)
    np.testing.assert_allclose((decay * halves)(k), 0.9**k * np.where(k < 5, 1.0, 0.5), rtol=1e-14)
    np.testing.assert_allclose((halves * decay)(k), (decay * halves)(k), rtol=1e-15)


def test_transformers_34053_a_longer_horizon_on_resume_has_a_meaning():
    # torch: load_state_dict keeps the old T_max, and the rate rises to 0.5; HF: one stale update, then a jump.
    old, new = ss.cosine(1.0, 0.0, 100), ss.cosine(1.0, 0.0, 200)
    with pytest.raises(ss.InvalidSchedule, match="has changed at update 80"):
        old.replan(new, at=80)
    for how in ("stretch", "anneal"):
        plan = old.replan(new, at=80, how=how)
        values = plan(np.arange(201))
        assert plan.length == 200
        assert np.array_equal(values[:80], old(np.arange(80)))
        assert np.all(np.diff(values) <= 1e-12)
        assert values[-1] == 0.0


def test_pytorch_38170_past_its_end_the_end_value_holds():
    # torch and HF: the cosine climbs back after T_max, to 0.655 at 1.6 T.
    lr = ss.cosine(1.0, 0.0, 100)
    assert lr([100, 101, 160, 200, 10**9]).tolist() == [0.0] * 5
    assert lr.after("mirror")(160) == pytest.approx(0.6545, abs=1e-4)  # their curve, if it is asked for
    assert "rises_after_end" in {finding.kind for finding in lr.after("mirror").check(100)}


def test_fvcore_81_the_very_end_can_be_asked():
    # fvcore: asked at where = 1 it raises; OneCycleLR raises one step after its total.
    for lr in (ss.linear(1, 0, 10), ss.one_cycle(1, 10), ss.multistep(1, 0.1, [10]), ss.linear(1, 0, 10).repeat(2)):
        assert math.isfinite(lr(10))
        assert math.isfinite(lr(11))


def test_pytorch_193682_a_warmup_of_no_steps_is_absent():
    # torch: LinearLR(total_iters=0) trains at a third of the rate for ever; others divide by zero.
    assert ss.linear(1 / 3, 1.0, 0) >> ss.cosine(1.0, 0.0, 100) == ss.cosine(1.0, 0.0, 100)
    assert ss.cosine(1.0, 0.0, 100).warmup(0) == ss.warmup_cosine(1.0, 100, warmup=0) == ss.cosine(1.0, 0.0, 100)
    assert ss.constant(1.0, 0) >> ss.constant(2.0) == ss.constant(2.0)
    # optax: warmup_constant_schedule(0, peak, 0) is 0 for ever.
    assert ss.constant(1e-3).warmup(0)(0) == 1e-3
    assert ss.one_cycle(1.0, 10, rise=0.1).length == 10  # torch: ZeroDivisionError at a rise of one step


def test_torchtitan_1010_a_decay_of_no_steps_is_absent():
    # torchtitan: a warmup as long as the training leaves no decay, and divides by zero.
    assert ss.wsd(1.0, 100, warmup=100, cooldown=0).length == 100
    assert ss.wsd(1.0, 100, warmup=20)([20, 99, 100, 500]).tolist() == [1.0] * 4
    with pytest.raises(ss.InvalidSchedule, match="warmup=100 do not fit into steps=100: 1 too many"):
        ss.warmup_linear(1.0, 100, warmup=100)


def test_gpt_neox_1373_no_update_is_spent_at_rate_zero():
    # nine of sixteen libraries spend update 0 at rate 0; one spends two.
    lr = ss.warmup_cosine(1.0, 100, warmup=4)
    assert lr(range(5)).tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    theirs = ss.warmup_cosine(1.0, 100, warmup=5, start=0)
    assert theirs(range(6)).tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert "zero_first_update" in {finding.kind for finding in theirs.check(100)}


def test_timm_1242_the_peak_is_reached_and_the_warmup_is_inside_or_outside_by_name():
    # timm: warmup_prefix=False drops the rate at the hand-over, from 0.95 to 0.905; the peak is never reached.
    inside = ss.warmup_cosine(1.0, 100, warmup=20)
    outside = ss.warmup_cosine(1.0, 100, warmup=20, outside=True)
    assert (inside.length, outside.length) == (100, 120)
    for lr in (inside, outside):
        values = lr(np.arange(lr.length + 1))
        assert values.argmax() == 20
        assert values.max() == 1.0
        assert np.all(np.diff(values[20:]) < 0)
        assert values[-1] == 0.0
    theirs = ss.linear(0.0, 1.0, 20)[:19] >> ss.cosine(1.0, 0.0, 100)[20:]
    assert {"jump", "zero_first_update"} <= {finding.kind for finding in theirs.check(99)}


def test_keras_integers_as_arguments_are_numbers_like_others():
    # keras: ExponentialDecay(1, 100, 0.96) is 0.0 from update 1, CosineDecay(1, 100) takes pi for 3, both as int32.
    for whole, real in (
        (ss.exponential_decay(1, 0.96, 100), ss.exponential_decay(1.0, 0.96, 100.0)),
        (ss.cosine(1, 0, 100), ss.cosine(1.0, 0.0, 100)),
        (ss.inverse_time(1, 1, 100), ss.inverse_time(1.0, 1.0, 100.0)),
        (ss.polynomial(1, 0, 100, 2), ss.polynomial(1.0, 0.0, 100, 2.0)),
        (ss.wsd(1, 100, 10, 10), ss.wsd(1.0, 100, 10, 10)),
        (ss.linear(np.int32(0), np.int64(1), np.int32(7)), ss.linear(0.0, 1.0, 7)),
    ):
        assert whole == real
        assert whole(np.arange(100, dtype=np.int32)).dtype == np.float64
    assert ss.exponential_decay(1, 0.96, 100)(1) == pytest.approx(0.96**0.01)
    assert ss.cosine(1, 0, 100)(50) == 0.5


@pytest.mark.parametrize(("period", "growth"), [(1, 3), (10, 2), (5, 3), (7, 5), (10, 1)])
def test_sgdr_restarts_are_not_missed(period, growth):
    # torch, timm and keras: cycles by floor(log(...)); with T_mult = 3 the 5th restart is at the bottom.
    lr = ss.sgdr(1.0, period, growth=growth)
    begin, length = 0, period
    while begin + length <= 10**14 and begin < 10**4 * period * growth**9:
        begin, length = begin + length, length * growth
        assert lr(begin) == 1.0
        assert lr(begin - 1) == pytest.approx(math.sin(math.pi / 2 * growth / length) ** 2, abs=1e-9)


def test_olmo_411_tokens_samples_epochs_and_shares_on_one_schedule():
    # each trainer has its own units, or none.
    lr = ss.linear(0.1, 1, "1e6 tokens") >> ss.constant(1, "2 epochs") >> ss.cosine(1, 0, "20%")
    placed = lr.over(1_000, tokens_per_step=10_000, steps_per_epoch=300.5)
    assert placed == ss.linear(0.1, 1, 100) >> ss.constant(1, 601) >> ss.cosine(1, 0, 200)
    assert ss.linear(1, 0, "29%").over(100).length == 29  # composer: int(0.29 * 100) is 28


def test_mmengine_234_a_schedule_is_seen_before_training_and_seeing_changes_nothing():
    # elsewhere a preview steps a real scheduler with a dummy optimizer, and uses it up.
    lr = ss.warmup_cosine(1e-3, 1_000, 100)
    before = lr(np.arange(1_000))
    assert lr.sparkline(20)
    assert lr.show().lines
    assert "<svg" in lr._repr_svg_()
    assert lr.check(1_000) == []
    assert np.array_equal(lr(np.arange(1_000)), before)


def test_maxtext_2882_a_schedule_without_a_horizon_decays_when_it_is_told():
    # every trainer writes its own warmup-stable-decay, with a horizon fixed before the start.
    trunk = ss.wsd(1.0, None, warmup=100)
    assert math.isinf(trunk.length)
    for at in (500, 1_000, 10**9):
        branch = trunk[:at].cooldown(at // 10, shape="1-sqrt")
        assert branch.length == at + at // 10
        assert branch([0, 99, 200, at - 1]).tolist() == trunk([0, 99, 200, at - 1]).tolist()
        assert branch(branch.length) == 0.0
        assert branch(at + 1) < 1.0
