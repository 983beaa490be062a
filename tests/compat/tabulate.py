"""Write `tables/LIB.json`: the rates that schedules of other libraries give, for `stepsize.compat` to match.

The values come from the libraries' own code, driven as their documents say; only numbers are stored. Run it by hand
in an environment that has the library, since few of these install beside each other:

    uv venv --python 3.11 peers
    uv pip install --python peers/bin/python torch numpy fastcore fastprogress fasttransform fastdownload \\
        plum-dispatch cloudpickle pandas scipy matplotlib requests pyyaml packaging pillow scikit-learn tqdm \\
        torchmetrics coolname tabulate py-cpuinfo importlib-metadata psutil "setuptools<81"
    uv pip install --python peers/bin/python --no-deps LRBench==0.0.0.1 timm==1.0.31 fastai==2.8.12 mosaicml==0.32.1 \\
        fvcore==0.1.5.post20221221 iopath pytorch-ignite==0.5.5 pytorch-optimizer==4.1.0 pytorch-warmup==0.2.0
    uv venv --python 3.11 paddle
    uv pip install --python paddle/bin/python paddlepaddle==3.3.1 "setuptools<81"

    peers/bin/python tests/compat/tabulate.py lrbench timm fastai composer fvcore ignite pytorch_optimizer \\
        pytorch_warmup
    paddle/bin/python tests/compat/tabulate.py paddle

`--no-deps` leaves out torchvision and a few others that no schedule needs: empty modules stand in for them.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cases import Case, others
from cases import composer as composer_cases
from cases import fastai as fastai_cases
from cases import lrbench as lrbench_cases
from cases import paddle as paddle_cases
from cases import timm as timm_cases
from stand_ins import Absent, stand_in

sys.path.pop(0)  # else this file would be the package `tabulate` that Composer wants
TABLES = Path(__file__).with_name("tables")
Values = dict[str, list[float]]


def lrbench() -> dict[str, Any]:
    """The package still imports in the manner of Python 2; its modules are given the names that it asks for."""
    for module in ("LRfunctions", "LR"):
        sys.modules[module] = import_module(f"LRBench.lr.{module}")
    piecewise = import_module("LRBench.lr.piecewiseLR").piecewiseLR

    def policy(case: Case) -> dict[str, Any]:
        return {"lrPolicy": name(case), **case["arguments"]}

    def values(case: Case) -> Values:
        if name(case) == "piecewiseLR":
            schedule = piecewise(
                case["arguments"]["subRegions"], [policy(one) for one in case["arguments"]["LRparams"]]
            )
        else:
            schedule = sys.modules["LR"].LR(policy(case))
        return {"values": [schedule.getLR(step) for step in case["steps"]]}

    convention = "update k uses getLR(k), k from 0, asked once for each update in order"
    return table("LRBench", version("LRBench"), "Apache-2.0 (README)", convention, lrbench_cases.cases(), values)


def timm() -> dict[str, Any]:
    stand_in("timm", Path(import_module("importlib.util").find_spec("timm").origin).parent)
    library = import_module("timm.scheduler")

    def values(case: Case) -> Values:
        arguments = dict(case["arguments"])
        optimizer = sgd(arguments.pop("lr"))
        made = getattr(library, name(case))(optimizer, **arguments)
        scheduler = made[0] if isinstance(made, tuple) else made
        advance = scheduler.step if scheduler.t_in_epochs else scheduler.step_update
        return {"values": walked(case, rate_of(optimizer), advance)}

    convention = (
        "t_in_epochs=False: update k uses the rate after step_update(k), called after update k - 1; update 0 uses the "
        "rate set at construction. t_in_epochs=True: the same with step(epoch), and steps are epochs. lr is the "
        "optimizer's"
    )
    release = import_module("timm.version").__version__
    return table("timm", release, "Apache-2.0", convention, timm_cases.cases(), values)


def paddle() -> dict[str, Any]:
    library = import_module("paddle").optimizer.lr

    def made(argument: Any) -> Any:
        if isinstance(argument, dict) and "python" in argument:
            return eval(argument["python"])
        if isinstance(argument, dict):
            return getattr(library, name(argument))(**{key: made(one) for key, one in argument["arguments"].items()})
        return argument

    def values(case: Case) -> Values:
        scheduler = made(case)
        return {"values": walked(case, scheduler, lambda _: scheduler.step())}

    convention = "update k uses scheduler() after k calls of scheduler.step(), one after each update"
    return table("paddle", version("paddlepaddle"), "Apache-2.0", convention, paddle_cases.cases(), values)


def fastai() -> dict[str, Any]:
    from fastai import basics
    from fastai.callback import schedule

    def made(case: Case) -> Callable[[float], float]:
        arguments = {key: one for key, one in case["arguments"].items() if key != "updates"}
        if "scheds" in arguments:
            arguments["scheds"] = [made(one) for one in arguments["scheds"]]
        function = getattr(schedule, name(case))
        return (
            (lambda pos: function(pos=pos, **arguments)) if name(case).startswith("sched_") else function(**arguments)
        )

    def learner(batches: int) -> Any:
        data = basics.torch.utils.data.TensorDataset(*basics.torch.zeros(2, batches, 1))
        loaders = basics.DataLoaders(basics.DataLoader(data, bs=1), basics.DataLoader(data, bs=1))
        return basics.Learner(loaders, basics.nn.Linear(1, 1), loss_func=basics.MSELossFlat())

    def values(case: Case) -> Values:
        if name(case).startswith("fit_"):
            arguments = dict(case["arguments"])
            learn = learner(arguments.pop("n_iter"))
            with learn.no_bar(), learn.no_logging():
                getattr(learn, name(case))(**arguments)
            names = {"lr": "values", "mom": "momentum"}
            return {names[key]: [float(one) for one in seen] for key, seen in learn.recorder.hps.items()}
        function = made(case)
        return {"values": [float(function(step / case["arguments"]["updates"])) for step in case["steps"]]}

    convention = (
        "fit_*: the rates that a real fit used, update by update, over n_epoch epochs of n_iter batches; momentum "
        "where the fit schedules it. The rest: update k of `updates` uses f(k / updates)"
    )
    return table("fastai", version("fastai"), "Apache-2.0", convention, fastai_cases.cases(), values)


def composer() -> dict[str, Any]:
    sys.meta_path.insert(0, Absent("torchvision", "mcli", "torch_optimizer"))
    import_module("composer")
    time, library = import_module("composer.core.time"), import_module("composer.optim.scheduler")
    state_names = {"max_duration", "dataloader_len", "scale_schedule_ratio", "batch_size", "tokens", "lr"}

    def values(case: Case) -> Values:
        run = {"scale_schedule_ratio": 1.0, "batch_size": 1, "tokens": 1, **case["arguments"]}
        scheduler = getattr(library, name(case))(**{key: run[key] for key in case["arguments"].keys() - state_names})
        duration = time.Time.from_timestring(run["max_duration"]) * run["scale_schedule_ratio"]
        found = []
        for step in case["steps"]:
            now = time.Timestamp(
                epoch=step // run["dataloader_len"],
                batch=step,
                sample=step * run["batch_size"],
                token=step * run["tokens"],
            )
            state = SimpleNamespace(timestamp=now, max_duration=duration, dataloader_len=run["dataloader_len"])
            found.append(run["lr"] * scheduler(state, run["scale_schedule_ratio"]))
        return {"values": found}

    convention = (
        "cases: update k uses lr * scheduler(state at batch k, scale_schedule_ratio), with max_duration already scaled "
        "by the ratio, as the Trainer does. trained: what the Trainer's optimizer really used, one update late "
        "(update 0 and update 1 both have the rate of batch 0), since it steps schedulers before it counts the batch. "
        "batch_size is samples a batch, tokens is tokens a batch"
    )
    written = table("composer", version("mosaicml"), "Apache-2.0", convention, composer_cases.cases(), values)
    return written | {"trained": [case | trained_rates(case, library) for case in composer_cases.trained()]}


def trained_rates(case: Case, library: Any) -> Values:
    torch, models = import_module("torch"), import_module("composer.models")

    class Line(models.ComposerModel):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.line = torch.nn.Linear(1, 1)

        def forward(self, batch: Any) -> Any:
            return self.line(batch[0])

        def loss(self, outputs: Any, batch: Any) -> Any:
            return (outputs - batch[1]).square().mean()

    arguments = dict(case["arguments"])
    run = {key: arguments.pop(key) for key in ("lr", "max_duration", "dataloader_len")}
    ratio = arguments.pop("scale_schedule_ratio", 1.0)
    data = torch.utils.data.TensorDataset(torch.zeros(run["dataloader_len"], 1), torch.zeros(run["dataloader_len"], 1))
    model, found = Line(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=run["lr"])
    optimizer.register_step_pre_hook(lambda used, *_: found.append(used.param_groups[0]["lr"]))
    import_module("composer").Trainer(
        model=model,
        optimizers=optimizer,
        train_dataloader=torch.utils.data.DataLoader(data, batch_size=1),
        max_duration=run["max_duration"],
        schedulers=getattr(library, name(case))(**arguments),
        scale_schedule_ratio=ratio,
        device="cpu",
        progress_bar=False,
    ).fit()
    return {"values": found}


def fvcore() -> dict[str, Any]:
    library = import_module("fvcore.common.param_scheduler")

    def made(case: Case) -> Callable[[float], float]:
        arguments = {key: one for key, one in case["arguments"].items() if key != "max_iter"}
        if "schedulers" in arguments:
            arguments |= {
                "schedulers": [made(one) for one in arguments["schedulers"]],
                "lengths": [*arguments["lengths"]],
            }
        return getattr(library, name(case))(**arguments)  # type: ignore[no-any-return]

    def values(case: Case) -> Values:
        scheduler = made(case)
        return {"values": [scheduler(step / case["arguments"]["max_iter"]) for step in case["steps"]]}

    convention = "update k uses scheduler(k / max_iter)"
    return table("fvcore", version("fvcore"), "Apache-2.0", convention, others.fvcore(), values)


def ignite() -> dict[str, Any]:
    library = import_module("ignite.handlers.param_scheduler")

    def made(case: Case, optimizer: Any) -> Any:
        arguments = dict(case["arguments"])
        if "schedulers" in arguments:
            arguments["schedulers"] = [made(one, optimizer) for one in arguments["schedulers"]]
        elif "lr_scheduler" in arguments:
            arguments["lr_scheduler"] = made(arguments["lr_scheduler"], optimizer)
        else:
            arguments |= {"optimizer": optimizer, "param_name": "lr"}
        if "milestones_values" in arguments:
            arguments["milestones_values"] = [tuple(pair) for pair in arguments["milestones_values"]]
        return getattr(library, name(case))(**arguments)

    def values(case: Case) -> Values:
        optimizer = sgd(1.0)
        scheduler = made(case, optimizer)
        scheduler(None)
        return {"values": walked(case, rate_of(optimizer), lambda _: scheduler(None))}

    convention = "update k uses what the scheduler sets at its call k, before the update (Events.ITERATION_STARTED)"
    return table("ignite", version("pytorch-ignite"), "BSD-3-Clause", convention, others.ignite(), values)


def pytorch_optimizer() -> dict[str, Any]:
    library = import_module("pytorch_optimizer.lr_scheduler")

    def values(case: Case) -> Values:
        arguments = dict(case["arguments"])
        optimizer = sgd(arguments.pop("lr", 1.0))
        scheduler = getattr(library, name(case))(optimizer, **arguments)
        return {"values": walked(case, rate_of(optimizer), lambda _: (optimizer.step(), scheduler.step()))}

    convention = (
        "update k uses the group's rate after construction and k calls of scheduler.step(), one after each update"
    )
    cases = others.pytorch_optimizer()
    return table("pytorch-optimizer", version("pytorch-optimizer"), "Apache-2.0", convention, cases, values)


def pytorch_warmup() -> dict[str, Any]:
    library, torch = import_module("pytorch_warmup"), import_module("torch")

    def values(case: Case) -> Values:
        arguments = dict(case["arguments"])
        betas = tuple(arguments.pop("betas", (0.9, 0.999)))
        optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=arguments.pop("lr"), betas=betas)
        inner = arguments.pop("lr_scheduler", None)
        decay = inner and getattr(torch.optim.lr_scheduler, name(inner))(optimizer, T_max=inner["arguments"]["T_max"])
        warmup = getattr(library, name(case))(optimizer, **arguments)

        def advance(_: int) -> None:
            optimizer.step()
            with warmup.dampening():
                if decay:
                    decay.step()

        return {"values": walked(case, rate_of(optimizer), advance)}

    convention = (
        "update k uses the rate after construction and k rounds of `with warmup.dampening(): lr_scheduler.step()`"
    )
    return table("pytorch-warmup", version("pytorch-warmup"), "MIT", convention, others.pytorch_warmup(), values)


def table(
    library: str, release: str, licence: str, convention: str, cases: Iterable[Case], values: Callable[[Case], Values]
) -> dict[str, Any]:
    about = {"library": library, "version": release, "licence": licence, "convention": convention}
    return about | {"cases": [case | values(case) for case in cases]}


def name(case: Case) -> str:
    return str(case["call"].split(":")[1])


def walked(case: Case, look: Callable[[], float], advance: Callable[[int], object]) -> list[float]:
    """What `look` sees before update 0, and after each `advance(k)` that leads to update k = 1, 2, 3, …"""
    assert case["steps"] == list(range(len(case["steps"]))), "a scheduler with a counter is asked for 0, 1, 2, …"
    found = [float(look())]
    for step in case["steps"][1:]:
        advance(step)
        found.append(float(look()))
    return found


def sgd(lr: float) -> Any:
    torch = import_module("torch")
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def rate_of(optimizer: Any) -> Callable[[], float]:
    return lambda: float(optimizer.param_groups[0]["lr"])


def lines(table: dict[str, Any]) -> Iterator[str]:
    """JSON with one case a line; floats as repr gives them, so that none is rounded."""
    ends = ["," if key != [*table][-1] else "" for key in table]
    yield "{"
    for (key, value), end in zip(table.items(), ends, strict=True):
        if isinstance(value, list):
            rows = ",\n".join(
                json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) for row in value
            )
            yield f"{json.dumps(key)}: [\n{rows}\n]{end}"
        else:
            yield f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}{end}"
    yield "}"


def write(library: str) -> None:
    made: dict[str, Any] = globals()[library]()
    TABLES.mkdir(exist_ok=True)
    (TABLES / f"{library}.json").write_text("\n".join(lines(made)) + "\n", encoding="utf-8")
    print(f"{library}: {len(made['cases'])} cases")


if __name__ == "__main__":
    for library in sys.argv[1:]:
        write(library)
