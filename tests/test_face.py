"""The face of the library: light to import, and every name where it is said to be."""

import subprocess
import sys

import pytest

import stepsize as ss
from stepsize._extras import extra

HEAVY = {"torch", "jax", "keras", "tensorflow", "scipy", "pandas", "matplotlib", "optuna", "ray", "sqlite3"}
HEAVY |= {"optax", "transformers", "cyclopts", "rich", "filelock", "sklearn", "mlxtend"}
LATER = ["Diagnosis", "Finding", "Range", "Recorder", "Run", "Script", "Study", "compat", "diagnose", "drive", "find"]
LATER += ["tune", "when"]
AT_ONCE = ["Policy", "Schedule", "constant", "cosine", "linear", "multistep", "warmup_cosine", "wsd"]


def in_a_fresh_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_it_loads_numpy_alone():
    loaded = in_a_fresh_process("import sys, stepsize; print(*{name.split('.')[0] for name in sys.modules})")
    assert "numpy" in loaded.split()
    assert HEAVY.isdisjoint(loaded.split())


def test_making_evaluating_and_saving_a_schedule_loads_no_more():
    loaded = in_a_fresh_process(
        "import sys, stepsize as ss; lr = ss.warmup_cosine(1, 10, 2); lr(3); lr.sparkline(); lr._repr_svg_();"
        "ss.Policy.from_json(ss.Policy(lr, 'adamw').to_json());"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    assert HEAVY.isdisjoint(loaded.split())


@pytest.mark.parametrize("order", [1, -1])
def test_every_name_is_reachable_whichever_is_asked_for_first(order):
    names = [*LATER, *AT_ONCE][::order]
    code = f"import stepsize; print([name for name in {names} if not callable(getattr(stepsize, name))])"
    assert in_a_fresh_process(code) == "[]"


def test_every_listed_name_exists():
    assert {*LATER, *AT_ONCE} <= set(dir(ss))
    assert all(hasattr(ss, name) for name in dir(ss))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'stepsize' has no attribute 'optimise'"):
        _ = ss.optimise


@pytest.mark.parametrize(
    ("hidden", "extra_name", "code"),
    [
        ("torch", "torch", "import stepsize.torch"),
        ("keras", "keras", "import stepsize.keras"),
        ("optax", "optax", "import stepsize.optax"),
        ("lightning", "lightning", "import stepsize.lightning"),
        ("transformers", "transformers", "import stepsize.transformers"),
        ("matplotlib", "plot", "import stepsize; stepsize.constant(1).show()"),
    ],
)
def test_a_missing_dependency_is_answered_with_the_line_that_installs_it(hidden, extra_name, code):
    said = in_a_fresh_process(
        f"import sys; sys.modules[{hidden!r}] = None\ntry:\n    {code}\nexcept ImportError as error:\n    print(error)"
    )
    assert said == f'{hidden} is not installed; run: pip install "stepsize[{extra_name}]"'


def test_only_a_missing_module_is_answered_so():
    with pytest.raises(ZeroDivisionError), extra("plot"):
        _ = 1 / 0
    with pytest.raises(ss.MissingExtra, match="no_such_module"), extra("plot"):
        import no_such_module  # noqa: F401


def test_every_error_of_ours_is_a_stepsize_error_and_of_its_built_in_kind():
    kinds = {
        "InvalidSchedule": ValueError,
        "InvalidPolicy": ValueError,
        "InvalidSpace": ValueError,
        "InvalidTraining": ValueError,
        "UnreadableRun": ValueError,
        "MissingExtra": ImportError,
        "EngineError": RuntimeError,
    }
    for name, kind in kinds.items():
        assert issubclass(getattr(ss, name), (ss.StepsizeError, kind))
        assert issubclass(getattr(ss, name), kind)
