"""`Recorder`: a callback for Lightning's Trainer."""

from __future__ import annotations

import math
import os
from typing import Any, final

from lightning.pytorch import Callback, LightningModule, Trainer

from stepsize.run.readers.names import house_name
from stepsize.torch.recorder import Recorder as LoopRecorder


@final
class Recorder(Callback):
    """Writes a training by Lightning into a file that `Run.read` and `diagnose` understand.

    A row an update: the loss that `training_step` returned, the mean of an accumulated gradient's batches; the rates
    which the update used; now and then the norm of the gradient, before clipping, and the update ratio. After each
    validation `val_loss`, under whichever name it was logged. Of several optimizers the first one is recorded.

    Args:
        path: of the file; one that is there is gone on with.
        every: measure every so many updates; None for as often as takes at most 0.2 % of the time.
        also: besides the file: a `SummaryWriter`, a function of (update, values), or a list of these.
        settings: what holds for all of it: `batch_size=64`, ... The optimizer tells of itself.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, every: int | None = None, also: Any = None, **settings: Any
    ) -> None:
        self.path, self.every, self.also, self.settings = path, every, also, settings
        self._recorder: LoopRecorder | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin, at the update where the trainer stands."""
        if trainer.fast_dev_run or not trainer.optimizers:  # type: ignore[attr-defined]
            return
        planned = trainer.estimated_stepping_batches
        self._recorder = LoopRecorder(
            self.path,
            trainer.optimizers[0],
            steps=int(planned) if math.isfinite(planned) and planned > 0 else 0,
            start=trainer.global_step,
            every=self.every,
            also=self.also,
            **self.settings,
        )

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Any) -> None:
        """Look at the gradients before they are clipped."""
        if self._recorder is not None and optimizer is trainer.optimizers[0]:
            self._recorder.gradients()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write the row of an update, once it was made."""
        if self._recorder is None:
            return
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if loss is not None and pl_module.automatic_optimization:
            loss = loss * trainer.accumulate_grad_batches  # Lightning has divided it
        self._recorder.step(loss)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the loss of the validation."""
        if self._recorder is None or trainer.sanity_checking:
            return
        found = [value for name, value in trainer.callback_metrics.items() if house_name(name) == "val_loss"]
        self._recorder.log(val_loss=found[0] if found else None, epoch=trainer.current_epoch)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write what is left, also where the training ended in an error."""
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None
