"""Three runs as wandb writes them offline, the last one killed; the argument is the folder."""

import math
import os
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])
for kind in ("DIR", "CACHE_DIR", "CONFIG_DIR", "DATA_DIR", "ARTIFACT_DIR"):
    (FOLDER / kind).mkdir()
    os.environ[f"WANDB_{kind}"] = str(FOLDER / kind)
os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_ERROR_REPORTING="false")

import wandb  # noqa: E402


def run(name, **config):
    quiet = wandb.Settings(console="off", disable_git=True, x_disable_stats=True, x_disable_meta=True)
    return wandb.init(project="p", name=name, id=name, config=config, settings=quiet)


with run(
    "own-clock", optim={"name": "x", "optimizer": "adamw"}, learning_rate=3e-4, batch_size=64, max_steps=400
) as it:
    for k in range(40):
        loss = {7: math.nan, 8: math.inf, 9: -math.inf}.get(k, 2 / (k + 1))
        text = "x" * 100_000 if k == 20 else "short"
        it.log({"train/loss": loss, "train/global_step": 10 * k, "note": text, "flag": True, "norms": {"grad": k / 4}})
        it.log({"val_loss": 1 / (k + 1)})
        it.log({"lr": 3e-4, "train/global_step": 10 * k})

with run("by-epoch", epochs=20) as it:
    for epoch in range(1, 11):
        it.log({"loss": 2 / epoch, "epoch": epoch}, commit=False)
        it.log({"val_loss": 3 / epoch})

it = run("killed")
for k in range(3000):
    it.log({"loss": 2 / (k + 1), "lr": 0.1}, step=3 * k)
os._exit(0)
