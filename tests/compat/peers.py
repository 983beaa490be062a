"""The curves that the installed libraries really give, for `conformance.py`.

Keras and Optax are asked in a process of their own, since their backend and precision are set when they are
imported: `python -m tests.compat.peers keras` writes a list of curves as JSON.
"""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.compat.cases import Case

Curves = list[list[float]]
ROOT = Path(__file__).parents[2]


def named(library: str) -> list[Case]:
    """The calls of an installed library that are compared."""
    return list(import_module(f"tests.compat.cases.{library}").cases())


def torch() -> Curves:
    return [stepped(case, scheduler) for case in named("torch")]


def scheduler(optimizer: Any, call: Case) -> Any:
    """torch's own scheduler; what they are given is made first, on the same optimizer."""
    library = import_module("torch.optim.lr_scheduler")
    name = call["call"].split(":")[1]
    make = import_module("torch.optim.swa_utils").SWALR if name == "SWALR" else getattr(library, name)
    arguments = {key: made(value, optimizer) for key, value in call["arguments"].items() if key != "updates"}
    if name != "CyclicLR":
        arguments.pop("base_lr", None)
    return make(optimizer=optimizer, **arguments)


def made(value: Any, optimizer: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [scheduler(optimizer, one) for one in value]
    return eval(value["python"]) if isinstance(value, dict) and "python" in value else value


def stepped(case: Case, make: Callable[[Any, Case], Any]) -> list[float]:
    """What each update uses when the scheduler steps after it."""
    torch = import_module("torch")
    rate = base_rate(case)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate, momentum=0.9)
    values = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the epoch argument that SequentialLR passes itself
        stepping = make(optimizer, case)
        for _ in case["steps"]:
            values.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            if len(values) < len(case["steps"]):
                stepping.step()
    return values


def base_rate(case: Case) -> float:
    arguments = case["arguments"]
    inner = arguments.get("schedulers", [{"arguments": {}}])[0]["arguments"]
    return float(arguments.get("base_lr", inner.get("base_lr", 1.0)))


def transformers() -> Curves:
    library = import_module("transformers.optimization")

    def make(optimizer: Any, case: Case) -> Any:
        arguments = {key: value for key, value in case["arguments"].items() if key != "base_lr"}
        name = case["call"].split(":")[1]
        if name.startswith("get_"):
            return getattr(library, name)(optimizer, **arguments)
        lengths = {key: arguments.pop(key, None) for key in ("num_warmup_steps", "num_training_steps")}
        return library.get_scheduler(name, optimizer, **lengths, scheduler_specific_kwargs=arguments)

    return [stepped(case, make) for case in named("transformers")]


def keras() -> Curves:
    """In float32, as it computes, on its NumPy backend, which divides where compiled code multiplies by an inverse."""
    schedules = import_module("keras").optimizers.schedules

    def values(case: Case) -> list[float]:
        schedule = getattr(schedules, case["call"].split(":")[1])(**case["arguments"])
        return [float(schedule(step)) for step in case["steps"]]

    return [values(case) for case in named("keras")]


def optax() -> Curves:
    library = import_module("optax.schedules")

    def made(call: Case) -> Any:
        arguments = {key: inner(value) for key, value in call["arguments"].items()}
        return getattr(library, call["call"].split(":")[1])(**arguments)

    def inner(value: Any) -> Any:
        calls = isinstance(value, list) and all(isinstance(one, dict) and "call" in one for one in value)
        return [made(one) for one in value] if calls else value

    def values(case: Case) -> list[float]:
        schedule = made(case)
        return [float(schedule(step)) for step in case["steps"]]

    return [values(case) for case in named("optax")]


APART = {"keras": keras, "optax": optax}
LIVE: dict[str, Callable[[], Curves]] = {
    "torch": torch,
    "transformers": transformers,
    "keras": lambda: apart("keras"),
    "optax": lambda: apart("optax"),
}


def apart(library: str, module: str = "tests.compat.peers", **settings: str) -> Any:
    """What a module writes about a library, from a process that has nothing but that library."""
    fixed = {"KERAS_BACKEND": "numpy", "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", module, library]
    environment = os.environ | fixed | settings
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def release(library: str) -> str:
    return version(library)


if __name__ == "__main__":
    json.dump(APART[sys.argv[1]](), sys.stdout)
