"""Known defects of the tabulated libraries that no curve in their tables shows, as they were seen when run.

`code` was run by the library in the version of its table, `gives` is what came; `ours` is run by the tests.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recorded:
    """What is wrong, the call that shows it and what it gave, and what stepsize does."""

    library: str
    what: str
    code: str
    gives: str
    ours: str
    value: list[float]


RECORDED = [
    Recorded(
        "lrbench",
        "the counter of NSTEP is one for all: two of them in use step each other",
        "a, b = LR(NSTEP, l=[5]), LR(NSTEP, l=[5, 8]); [(a.getLR(k), b.getLR(k)) for k in (5, 8, 9)]; k0=1, gamma=0.1",
        "a steps a second time, at 9, although it has one milestone",
        'ss.compat("lrbench:NSTEP", k0=1.0, gamma=0.1, l=[5])([4, 5, 9])',
        [1.0, 0.1, 0.1],
    ),
    Recorded(
        "lrbench",
        "piecewiseLR passes one boundary a call: updates that are skipped leave it in the wrong piece",
        "piecewiseLR([10, 20], [FIX 1, FIX 2, FIX 3]) asked 0, 25, 26 and 0 again",
        "pieces 1, 2, 3 and 3",
        'ss.compat("lrbench:piecewiseLR", subRegions=[10, 20], '
        'LRparams=[{"lrPolicy": "FIX", "k0": k} for k in (1, 2, 3)])([0, 25, 26, 0])',
        [1.0, 3.0, 3.0, 1.0],
    ),
    Recorded(
        "lrbench",
        "POLY of a broken power after `l` is a complex number",
        "LR(POLY, k0=0.01, k1=0.1, p=1.2, l=60).getLR(61)",
        "0.00946-0.00039j",
        'ss.compat("lrbench:POLY", k0=0.01, k1=0.1, p=1.2, l=60)([60, 61])',
        [0.01, 0.01],
    ),
    Recorded(
        "lrbench",
        "SIG overflows where its exponent passes 709",
        "LR(SIG, k0=0.1, gamma=-1, l=60).getLR(900)",
        "OverflowError",
        'ss.compat("lrbench:SIG", k0=0.1, gamma=-1.0, l=60)([60, 900])',
        [0.05, 0.0],
    ),
    Recorded(
        "lrbench",
        "the halving waves overflow after 1,074 halvings",
        "LR(TRI2, k0=0.1, k1=1, l=1).getLR(2200)",
        "OverflowError",
        'ss.compat("lrbench:TRI2", k0=0.1, k1=1.0, l=1)([1, 2200])',
        [1.0, 0.1],
    ),
    Recorded(
        "timm",
        "`cycle_mul` below 1 fails in training, even with one cycle",
        "CosineLRScheduler(t_initial=10, cycle_mul=0.5) at update 20",
        "ValueError: math domain error",
        "ss.cosine(1.0, 0.0, 10)([10, 20])",
        [0.0, 0.0],
    ),
    Recorded(
        "timm",
        "cycles that grow are found by a logarithm: a restart may come out before 0, and its square root is complex",
        "PolyLRScheduler(t_initial=30, cycle_mul=1.3, cycle_limit=5, k_decay=0.5) at update 69",
        "a complex learning rate",
        'ss.compat("timm:PolyLRScheduler", base_lr=0.1, t_initial=30, cycle_mul=1.3, cycle_limit=5, k_decay=0.5)'
        "([68, 69])",
        [0.0113594746, 0.1],
    ),
    Recorded(
        "timm",
        "MultiStepLRScheduler trusts the order of its milestones",
        "MultiStepLRScheduler(decay_t=[20, 10], decay_rate=0.1), lr 0.1, at updates 8, 9 and 19",
        "0.1, 0.001, 0.001: both act at 9",
        "ss.multistep(0.1, 0.1, at=sorted([20, 10]))([8, 10, 20])",
        [0.1, 0.01, 0.001],
    ),
    Recorded(
        "paddle",
        "a resume by `last_epoch` goes on from elsewhere",
        "CosineAnnealingDecay(0.5, 20, last_epoch=9)()",
        "0.4324",
        'ss.compat("paddle:CosineAnnealingDecay", learning_rate=0.5, T_max=20)[10:]([0])',
        [0.25],
    ),
    Recorded(
        "paddle",
        "the same, above the rate itself",
        "LinearLR(0.5, 10, start_factor=0.1, last_epoch=4)()",
        "0.598",
        'ss.compat("paddle:LinearLR", learning_rate=0.5, total_steps=10, start_factor=0.1)[5:]([0])',
        [0.275],
    ),
    Recorded(
        "paddle",
        "OneCycleLR whose rise is one update divides by zero",
        "OneCycleLR(0.5, 10, phase_pct=0.1)",
        "ZeroDivisionError",
        "ss.one_cycle(0.5, 10, rise=0.1, end=1e-4)([0, 1])",
        [0.02, 0.5],
    ),
    Recorded(
        "paddle",
        "OneCycleLR whose rise is less has none, and never its maximum",
        "OneCycleLR(0.5, 10, phase_pct=0.05)()",
        "0.4965",
        "ss.one_cycle(0.5, 10, rise=0.05, end=1e-4)([0, 1])",
        [0.02, 0.5],
    ),
    Recorded(
        "fastai",
        "`cycle_mult=1`, plain restarts, divides by zero",
        "learner.fit_sgdr(3, 1, cycle_mult=1)",
        "ZeroDivisionError",
        "ss.sgdr(0.5, 10, cycles=3)([0, 10, 20])",
        [0.5, 0.5, 0.5],
    ),
    Recorded(
        "fastai",
        "shares that sum to 1 but for rounding are refused",
        "combine_scheds([0.7, 0.2, 0.1], scheds)",
        "AssertionError",
        'ss.compat("fastai:combine_scheds", pcts=[0.7, 0.2, 0.1], '
        'scheds=[ss.compat("fastai:SchedNo", start=k, end=k) for k in (1.0, 2.0, 3.0)], updates=10)([6, 7, 9])',
        [1.0, 2.0, 3.0],
    ),
    Recorded(
        "composer",
        "the Trainer steps its schedulers before it counts the batch: all is one update late, and a warmup has 0 twice",
        'Trainer(schedulers=LinearWithWarmupScheduler("8ba"), max_duration="40ba"), lr 0.1',
        "0, 0, 0.0125, 0.025, ...",
        'ss.compat("composer:LinearWithWarmupScheduler", base_lr=0.1, t_warmup="8ba", max_duration="40ba", '
        "dataloader_len=10)([0, 1, 2])",
        [0.0, 0.0125, 0.025],
    ),
    Recorded(
        "composer",
        "several schedulers do not multiply, as the documents say: the last one wins",
        'Trainer(schedulers=[ConstantScheduler(0.5), StepScheduler("4ba")]), lr 0.5',
        "0.5, then 0.05; in the other order 0.25 throughout",
        "(ss.constant(0.5) * ss.step_decay(0.5, 0.1, every=4))([0, 4])",
        [0.25, 0.025],
    ),
    Recorded(
        "fvcore",
        "a slack of 1e-6 of the run makes long runs change early",
        "StepParamScheduler(4, [1, 2, 3, 4])(0.2499999)",
        "2",
        "ss.piecewise_constant([1, 2, 3, 4], at=[2_500_000, 5_000_000, 7_500_000])([2_499_999, 2_500_000])",
        [1.0, 2.0],
    ),
    Recorded(
        "ignite",
        "whether a warmup's end comes twice hangs on rounding: the first value of the cycle is 0.010000000000000009",
        "create_lr_scheduler_with_warmup(LinearCyclicalScheduler(0.01, 0.1, 20), 0.0, 2, warmup_end_value=0.01)",
        "0.0, 0.01, 0.01, 0.019",
        'ss.compat("ignite:create_lr_scheduler_with_warmup", warmup_start_value=0.0, warmup_duration=2, '
        'warmup_end_value=0.01, lr_scheduler=ss.compat("ignite:LinearCyclicalScheduler", start_value=0.01, '
        "end_value=0.1, cycle_size=20))([0, 1, 2])",
        [0.0, 0.01, 0.019],
    ),
    Recorded(
        "pytorch_warmup",
        "the untuned periods are cut by rounding: 2 / (1 - 0.95) is 39.999...",
        "UntunedLinearWarmup with beta2 0.95, at update 38",
        "1: a period of 39",
        "ss.linear(1 / 40, 1.0, 39)([38, 39])",
        [0.975, 1.0],
    ),
]
