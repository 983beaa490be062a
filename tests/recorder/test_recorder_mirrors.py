"""What the recorder measures goes to the trackers that are open, and nothing of the user's is overwritten."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

import stepsize as ss
from stepsize.torch import Recorder

TRAIN = """
import sys
from stepsize.recorder import Recorder
def train(log=None, also=None):
    with Recorder("run.jsonl", also=also) as recorder:
        for k in range(3):
            recorder.add({"loss": 1.0 / (k + 1), "update_ratio": 0.1 + k, "grad_norm": 2.0}, measured=True)
            recorder.updates += 1
            recorder.flush()
            if log is not None:
                log(k, 0.5)
"""


def run(code, folder):
    done = subprocess.run(
        [sys.executable, "-c", TRAIN + code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "HOME": str(folder), "MLFLOW_ALLOW_FILE_STORE": "true"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_summary_writer_gets_every_measured_row(tmp_path):
    pytest.importorskip("tensorboard")
    run(
        "sys.modules['tensorflow'] = None\n"  # tensorboard would load it, and takes its own stub where it is not
        "from torch.utils.tensorboard import SummaryWriter\n"
        "writer = SummaryWriter('events'); train(also=writer); writer.close()\n",
        tmp_path,
    )
    mirrored = ss.Run.read(tmp_path / "events")
    assert mirrored.column("update_ratio").step.tolist() == [0, 1, 2]
    assert mirrored["update_ratio"] == pytest.approx([0.1, 1.1, 2.1])
    assert mirrored.loss == pytest.approx([1, 1 / 2, 1 / 3])


def test_an_open_run_of_mlflow_gets_what_is_measured(tmp_path):
    if importlib.util.find_spec("mlflow") is None:
        pytest.skip("mlflow is not installed")
    said = run(
        "import mlflow, json\n"
        "mlflow.set_tracking_uri('file:store')\n"
        "with mlflow.start_run() as active:\n"
        "    train(lambda k, loss: mlflow.log_metric('loss', loss, step=k))\n"
        "client = mlflow.MlflowClient()\n"
        "names = sorted(client.get_run(active.info.run_id).data.metrics)\n"
        "got = [(m.step, m.value) for m in client.get_metric_history(active.info.run_id, 'stepsize/update_ratio')]\n"
        "print(json.dumps([names, got]))\n",
        tmp_path,
    )
    names, got = json.loads(said.splitlines()[-1])
    assert names == ["loss", "stepsize/grad_norm", "stepsize/update_ratio"]
    assert got[0] == [0, 0.1]


def test_an_open_run_of_wandb_gets_it_with_the_users_own_rows(tmp_path):
    if importlib.util.find_spec("wandb") is None:
        pytest.skip("wandb is not installed")
    said = run(
        "import wandb, json\n"
        "run = wandb.init(mode='offline', project='p', settings=wandb.Settings(console='off', silent=True))\n"
        "train(lambda k, loss: run.log({'loss': loss}))\n"
        "print(json.dumps([run.step, {k: v for k, v in dict(run.summary).items() if k[0] != '_'}]))\n"
        "run.finish()\n",
        tmp_path,
    )
    step, summary = json.loads(said.splitlines()[-1])
    assert step == 3  # as many rows as the user logged
    assert {"loss", "stepsize/update_ratio", "stepsize/grad_norm", "stepsize/step"} <= summary.keys()


def test_no_tracker_is_imported(tmp_path):
    said = run("train(); print({'wandb', 'mlflow', 'trackio', 'tensorboard'} & set(sys.modules))", tmp_path)
    assert said.strip() == "set()"


def test_a_mirror_that_fails_is_dropped_with_one_warning(tmp_path):
    torch = pytest.importorskip("torch")
    heard = []

    def fails(update, values):
        raise ConnectionError("no route to host")

    weight = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    also = [fails, lambda update, values: heard.append((update, sorted(values)))]
    recorder = Recorder(tmp_path / "run.jsonl", optimizer, every=2, also=also)
    for update in range(4):
        loss = weight.square().sum()
        loss.backward()
        optimizer.step()
        if update == 0:  # the first row is written at once
            with pytest.warns(RuntimeWarning, match=r"also\[0\] takes no more .* no route to host"):
                recorder.step(loss)
        else:
            recorder.step(loss)
    recorder.close()
    assert heard == [(k, ["grad_norm", "loss", "lr", "update_ratio"]) for k in (0, 2)]
    assert ss.Run.read(tmp_path / "run.jsonl").updates == 4
