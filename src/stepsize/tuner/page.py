"""A study as a page: the answer, the evidence, and how to get both again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepsize.report import Chart, Code, Fact, Page, Section, Series, Table, Text, rate_color
from stepsize.schedule.picture import steps_to_draw
from stepsize.tuner.order import Order
from stepsize.tuner.trial import Trial

if TYPE_CHECKING:
    from stepsize.tuner.study import Study

# The curves of one page are told apart up to about here.
MOST_CURVES = 40


def study_page(study: Study) -> Page:
    """The page of a study."""
    order, low_high = study.order, study.range
    return Page(
        title=f"Learning rate for {order.training}",
        answer=answer(study),
        facts=_facts(study, low_high),
        sections=[
            Section("What the runs say", [Text(" ".join(map(str, study.evidence)))]),
            Section("Loss against learning rate", [_basin_chart(study), _cost_chart(study), _posterior_chart(study)]),
            Section("The schedule", [_schedule_chart(study), Code(repr(study.policy), label="The policy")]),
            Section("Learning curves", [*_curve_charts(study)]),
            Section("Every run", [_run_table(study)]),
            Section("Reproduce", _reproduce(study)),
        ],
        subtitle=f"{len(study.runs)} runs, {study.cost:.2f} full-run equivalents of {order.plan.steps} updates",
    )


def answer(study: Study) -> str:
    """The answer in one sentence."""
    if not study.informative:
        return f"The runs do not decide the rate; {study.rate:.3g} is the best guess they allow."
    optimizer = study.order.recipe.optimizer
    rule = study.order.recipe.schedule
    schedule = rule if isinstance(rule, str) else "your schedule"
    chosen = "".join(f", {name} {value}" for name, value in study.decision.settings)
    return (
        f"Train {f'with {optimizer} ' if optimizer else ''}at a peak learning rate of {study.rate:.3g} "
        f"({schedule}, {study.order.plan.steps} updates{chosen})."
    )


def _facts(study: Study, low_high: tuple[float, float]) -> list[Fact]:
    low, high = low_high
    best = study.best.final(study.order.metric)
    updates, confirmed = study.best.steps, study.decision.confirmed
    return [
        Fact("Peak learning rate", f"{study.rate:.3g}", "run at full length" if confirmed else "least expected cost"),
        Fact("Costs less than 1\N{NO-BREAK SPACE}%", f"{low:.2g} – {high:.2g}", "of what training gains"),
        Fact("The best one, 80\N{NO-BREAK SPACE}%", "{:.2g} – {:.2g}".format(*study.interval()), "at full length"),
        Fact("Twice too high costs", f"{study.cost_of(2):.1%}", "expected, of the gain"),
        Fact("Half as high costs", f"{study.cost_of(0.5):.1%}", "expected, of the gain"),
        Fact(study.order.metric, f"{best:.4g}", f"measured over {updates} updates"),
    ]


def _basin_chart(study: Study) -> Chart:
    basin, decision = study.decision.basin, study.decision
    steps = sorted({r.trial.steps for r in decision.results if r.trial.settings == decision.settings})
    series = []
    for i, length in enumerate(steps):
        color = rate_color((i + 0.5) / len(steps))
        series += _horizon_series(study, length, color)
    scores = [r.loss for r in decision.results if math.isfinite(r.loss)]
    top = min(max(scores), basin.best + 1.1 * basin.gain)
    margin = 0.08 * (top - basin.best) or 1.0  # where every run ended alike
    return Chart(
        f"Final {study.order.metric} against peak learning rate",
        "peak learning rate",
        study.order.metric,
        series,
        log_x=True,
        y_range=(basin.best - margin, top + margin),
        markers=[(study.rate, f"{study.rate:.3g}")],
        spans=[(*study.range, "costs < 1\N{NO-BREAK SPACE}%")],
        note="Points are runs, each with its own complete schedule; at the upper edge, those that diverged. "
        "Lines are the fitted basin with its 80\N{NO-BREAK SPACE}% band.",
    )


def _horizon_series(study: Study, steps: int, color: str) -> list[Series]:
    decision, horizon = study.decision, steps / study.order.plan.steps
    here = [r for r in decision.results if r.trial.settings == decision.settings and r.trial.steps == steps]
    here.sort(key=lambda r: r.trial.rate)
    ceiling = decision.basin.best + 1.1 * decision.basin.gain
    rates = np.array([r.trial.rate for r in decision.results])
    shown = (decision.basin.rates >= rates.min() - 0.2) & (decision.basin.rates <= rates.max() + 0.2)
    x = 10 ** decision.basin.rates[shown]
    label = f"{steps} updates"
    runs = Series(
        f"{label}, runs",
        [10**r.trial.rate for r in here],
        [min(r.loss, ceiling) for r in here],
        color=color,
        points=True,
        line=False,
    )
    if horizon not in decision.basin.horizons:
        return [runs]  # too short to learn anything: the basin does not rest on them
    low, middle, high = decision.basin.band(horizon)[:, shown]
    return [Series(f"{label}, fitted", x, middle, color=color, band=(low, high)), runs]


def _cost_chart(study: Study) -> Chart:
    basin = study.decision.basin
    near = np.abs(basin.rates - study.decision.rate) <= 1.0
    extra = 100 * (basin.cost()[near] - study.regret)
    return Chart(
        "Expected cost of a peak other than the recommended one",
        "peak learning rate",
        "further cost (% of the gain)",
        [Series("expected cost", 10 ** basin.rates[near], extra)],
        log_x=True,
        markers=[(study.rate, "recommended"), (2 * study.rate, "×2"), (study.rate / 2, "×½")],
        note="The gain is the loss before training less the best loss seen.",
    )


def _posterior_chart(study: Study) -> Chart:
    rates, probability = study.posterior
    likely = np.flatnonzero(probability > 1e-3)
    shown = slice(max(likely[0] - 2, 0), likely[-1] + 3)
    low, high = study.interval()
    return Chart(
        "Where the best rate lies at full length",
        "peak learning rate",
        "probability, %",
        [Series("posterior", rates[shown], 100 * probability[shown])],
        log_x=True,
        markers=[(study.rate, "recommended")],
        spans=[(low, high, "80 %")],
    )


def _schedule_chart(study: Study) -> Chart:
    steps = steps_to_draw(int(study.policy.lr.length), 600)  # another batch size makes other updates
    series = [Series(name, steps, schedule(steps)) for name, schedule in study.policy.schedules.items()]
    return Chart("Learning rate over the run", "update", "learning rate", series)


def _curve_charts(study: Study) -> list[Chart]:
    metrics = [name for name in dict.fromkeys(("loss", study.order.metric)) if _seen(study, name)]
    return [_curve_chart(study, name) for name in metrics]


def _seen(study: Study, name: str) -> bool:
    return any(name in run.columns for run in study.runs)


def _curve_chart(study: Study, name: str) -> Chart:
    pairs = [(r.trial, run) for r, run in zip(study.decision.results, study.runs, strict=True)][:MOST_CURVES]
    rates = [trial.rate for trial, _ in pairs]
    low, width = min(rates), max(max(rates) - min(rates), 1e-9)
    series = []
    for trial, run in sorted(pairs, key=lambda pair: pair[0].rate):
        if name in run.columns:
            step, value = run.columns[name]
            finite = np.isfinite(value)
            label = f"lr {10**trial.rate:.3g}, {trial.steps} updates{_seed_words(trial, study)}"
            series.append(
                Series(label, step[finite], _smooth(value[finite]), color=rate_color((trial.rate - low) / width))
            )
    basin = study.decision.basin
    return Chart(
        f"{name} while training, coloured by peak rate",
        "update",
        name,
        series,
        y_range=_visible(series, basin.best + 1.3 * basin.gain),
        note="Dark is a low rate, light a high one. A training loss seen often is smoothed over "
        "2\N{NO-BREAK SPACE}% of the run.",
    )


def _visible(series: list[Series], top: float) -> tuple[float, float]:
    """From the lowest value to `top`: what blew up stays outside."""
    bottom = min((float(np.min(s.y)) for s in series if len(s.y)), default=0.0)
    return bottom, top if top > bottom else bottom + 1.0


def _seed_words(trial: Trial, study: Study) -> str:
    return "" if trial.seed == study.order.plan.seed else f", seed {trial.seed}"


def _smooth(value: NDArray[np.float64]) -> NDArray[np.float64]:
    width = value.size // 50
    if width < 2:
        return value
    kernel = np.ones(width)
    return np.convolve(value, kernel, "same") / np.convolve(np.ones(value.size), kernel, "same")


def _run_table(study: Study) -> Table:
    rows = []
    for result, run in zip(study.decision.results, study.runs, strict=True):
        trial = result.trial
        settings = ", ".join(f"{name} {value}" for name, value in trial.settings) or "–"
        loss = f"{result.loss:.4g}" if math.isfinite(result.loss) else run.outcome
        rows.append([f"{10**trial.rate:.3g}", str(trial.steps), str(trial.seed), settings, loss, f"{result.cost:.3f}"])
    header = ["peak rate", "updates", "seed", "settings", study.order.metric, "cost (full runs)"]
    return Table(header, rows, caption="In the order in which they were made")


def _reproduce(study: Study) -> list[Text | Code]:
    use = (
        "import stepsize as ss\nfrom stepsize.torch import build\n\n"
        'policy = ss.Policy.load("policy.json")\noptimizer, scheduler = build(policy, model)\n'
        "# after each optimizer.step(): scheduler.step()"
    )
    if study.order.recipe.optimizer is None:
        use = 'import stepsize as ss\n\nlr = ss.Policy.load("policy.json").lr\n# update k uses the rate lr(k)'
    return [
        Text("The same training, arguments and seed lead to the same decisions."),
        Code(_call(study.order), label="Search again"),
        Code(use, label="Use the policy"),
    ]


def _call(order: Order) -> str:
    """The command, or the line of Python, that makes this search."""
    plan, recipe = order.plan, order.recipe
    asked: dict[str, Any] = {"steps": plan.steps, "budget": plan.budget, "metric": order.metric, "seed": plan.seed}
    asked |= {"optimizer": recipe.optimizer, "schedule": recipe.schedule}
    if plan.space.sampler != "surface":
        asked["sampler"] = plan.space.document()["sampler"]
    asked |= {"low": float(f"{10**plan.low:.6g}"), "high": float(f"{10**plan.high:.6g}")}
    if plan.parallel != 1:
        asked["parallel"] = plan.parallel
    known = {name: value for name, value in asked.items() if value is not None}
    if ".py:" in order.training and isinstance(recipe.schedule, str):
        options = [f"--{name} {value}" for name, value in known.items()]
        options += [f"--space {d.option}" for d in plan.space] + ([] if plan.widen else ["--no-widen"])
        return " \\\n  ".join([f"stepsize tune {order.training}", *options])
    space = {d.name: d.entry for d in plan.space}
    known |= {} if plan.widen else {"widen": False}
    lines = [f"{name}={value!r}," for name, value in {**known, **({"space": space} if space else {})}.items()]
    return "\n    ".join([f"ss.tune(  # {order.training}", "training,", *lines]) + "\n)"
