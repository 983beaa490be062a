"""`Recorder`: a callback for the Trainer of transformers."""

from __future__ import annotations

import os
from typing import Any, final

from transformers import TrainerCallback

from stepsize.torch.later import scalar
from stepsize.torch.recorder import Recorder as LoopRecorder


@final
class Recorder(TrainerCallback):
    """Writes a training by transformers' Trainer into a file that `Run.read` and `diagnose` understand.

    A row an update: the loss as the model gave it, so that NaN and infinities are in it, which the Trainer's own
    log replaces by a mean of what was before (`logging_nan_inf_filter`); the rates which the update used;
    now and then the update ratio and the norm of the gradient. Where the Trainer clips, as it does by default, that
    norm is `grad_norm/clipped`, and `grad_norm` is what the Trainer logs. After each evaluation `val_loss`.
    A model that returns no loss, or whose loss is computed outside of it, has the Trainer's in the rows it logs.

    Args:
        path: of the file; one that is there is gone on with.
        every: measure every so many updates; None for as often as takes at most 0.2 % of the time.
        also: besides the file: a `SummaryWriter`, a function of (update, values), or a list of these.
        settings: what holds for all of it. The optimizer and the batch size tell of themselves.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, every: int | None = None, also: Any = None, **settings: Any
    ) -> None:
        self.path, self.every, self.also, self.settings = path, every, also, settings
        self._recorder: LoopRecorder | None = None
        self._losses: list[Any] = []
        self._shares = self._seen = False
        self._hook: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin, at the update where the trainer stands."""
        about = {"batch_size": args.train_batch_size * args.gradient_accumulation_steps * args.world_size}
        self._recorder = LoopRecorder(
            self.path,
            kwargs["optimizer"],
            steps=max(state.max_steps, 0),
            start=state.global_step,
            every=self.every,
            also=self.also,
            clipped=bool(args.max_grad_norm),
            **{**about, "seed": args.seed, **self.settings},
        )
        self._hook = kwargs["model"].register_forward_hook(self._look, with_kwargs=True)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Write the row of the update just made."""
        if self._recorder is None:
            return
        losses, self._losses = self._losses, []
        # A model that knows how many tokens an update has gives each batch's share of the loss; else each its own.
        loss = sum(losses) / (1 if self._shares else len(losses)) if losses else None
        self._recorder.step(loss)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Take what only the Trainer knows: the norm of the gradient before clipping."""
        known = logs or {}
        if self._recorder is None or "learning_rate" not in known:
            return
        found = {"grad_norm": known.get("grad_norm")} if args.max_grad_norm else {}
        self._recorder.log(**found, **({} if self._seen else {"loss": known.get("loss")}))

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Write the loss of the evaluation."""
        if self._recorder is not None and "eval_loss" in (metrics or {}):
            self._recorder.log(val_loss=metrics["eval_loss"], epoch=state.epoch)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Write what is left."""
        if self._recorder is not None:
            self._recorder.close()
            self._hook.remove()
            self._recorder = None

    def _look(self, model: Any, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        loss = output.get("loss") if isinstance(output, dict) else getattr(output, "loss", None)
        if model.training and loss is not None and loss.numel() == 1:
            self._seen, self._shares = True, kwargs.get("num_items_in_batch") is not None
            self._losses.append(scalar(loss, "loss"))
