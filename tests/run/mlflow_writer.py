"""Two runs and a deleted one as MLflow writes them, to a database and to files; the argument is the folder."""

import math
import os
import sys
from pathlib import Path

os.environ.update(MLFLOW_ALLOW_FILE_STORE="true", MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")

import mlflow

FOLDER = Path(sys.argv[1])


def write(uri):
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("e")
    for name in ("first", "second"):
        with mlflow.start_run(run_name=name):
            mlflow.log_params({"optimizer_name": "SGD", "learning_rate": 0.1, "batch_size": 64, "epochs": 5})
            for k in range(6):
                # Values as of a run that was resumed at step 20: what came later counts.
                mlflow.log_metric("train/loss", {1: math.nan, 2: math.inf}.get(k, 2 / (k + 1)), step=10 * k)
            for k in range(2, 6):
                mlflow.log_metric("train/loss", {3: -math.inf}.get(k, 3 / (k + 1)), step=10 * k)
            mlflow.log_metric("unplaced", 0.5)
            mlflow.log_metric("unplaced", 0.25)
    with mlflow.start_run(run_name="by-epoch"):
        mlflow.log_param("epochs", 5)
        for epoch in range(5):
            mlflow.log_metrics({"loss": 2 / (epoch + 1), "val_loss": 3 / (epoch + 1)}, step=epoch)
    with mlflow.start_run(run_name="gone") as gone:
        mlflow.log_metric("loss", 1.0, step=1)
    mlflow.delete_run(gone.info.run_id)


write(f"sqlite:///{FOLDER / 'mlflow.db'}")
write((FOLDER / "mlruns").as_uri())
