"""Write `trackio_0_43.sql` beside this file; needs trackio 0.43.0, and no network."""

import math
import os
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

TABLES = ("metrics", "configs")


def main() -> None:
    with TemporaryDirectory() as folder:
        os.environ.update(TRACKIO_DIR=folder, HF_HUB_OFFLINE="1")
        import trackio

        for name in ("first", "second"):
            trackio.init(project="p", name=name, config={"optimizer": "adamw", "learning_rate": 3e-4, "max_steps": 100})
            for step in range(0, 60, 10):
                loss = {30: math.nan, 40: math.inf}.get(step, 2 / (step + 1))
                trackio.log({"train/loss": loss, "lr": 1e-3, "norms": {"grad": step / 10}}, step=step)
            trackio.log({"val_loss": 0.5}, step=50)
            trackio.finish()
        with sqlite3.connect(Path(folder, "p.db")) as database:
            kept = [
                line
                for line in database.iterdump()
                if any(f'"{name}"' in line or f" {name} " in line for name in TABLES)
            ]
    Path(__file__).with_name("trackio_0_43.sql").write_text("\n".join(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
