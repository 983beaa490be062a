"""Trainings by Lightning and by transformers with a recorder: what they did. See tests/trained.py."""

import math
import os
import tempfile

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import stepsize as ss
from stepsize.torch import Scheduler

LR = ss.linear(0.05, 0.01, 6)


def columns(path):
    run = ss.Run.read(path)
    return {name: [column.step.tolist(), column.value.tolist()] for name, column in run.columns.items()} | {
        "planned": run.steps,
        "settings": run.settings,
    }


def watch(optimizer, seen):
    """What each update used: its rate and the gradient as it came."""
    optimizer.register_step_pre_hook(lambda *_: seen["lr"].append(float(optimizer.param_groups[0]["lr"])))


def with_lightning(recorded):
    import lightning.pytorch as pl

    from stepsize.lightning import Recorder

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(4, 1)
            self.seen = {"loss": [], "lr": [], "grad_norm": []}

        def training_step(self, batch, index):
            loss = (self.net(batch[0]) - 3).square().mean()
            self.seen["loss"].append(loss.item())
            return loss

        def validation_step(self, batch, index):
            self.log("val/loss", (self.net(batch[0]) - 3).square().mean())

        def on_before_optimizer_step(self, optimizer):
            self.seen["grad_norm"].append(torch.cat([p.grad.flatten() for p in self.parameters()]).norm().item())

        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=1.0, momentum=0.9)
            watch(optimizer, self.seen)
            scheduler = {"scheduler": Scheduler(optimizer, lr=LR), "interval": "step"}
            return {"optimizer": optimizer, "lr_scheduler": scheduler}

    pl.seed_everything(0)
    module = Module()
    data = DataLoader(TensorDataset(torch.randn(24, 4)), batch_size=4)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=2,
        accumulate_grad_batches=2,
        gradient_clip_val=0.01,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        callbacks=[Recorder("run.jsonl", every=1, batch_size=8)] if recorded else [],
    )
    trainer.fit(module, data, data)
    return {"seen": module.seen, "weights": [p.tolist() for p in module.parameters()]}


def with_transformers(recorded):
    from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

    from stepsize.transformers import Recorder

    torch.manual_seed(0)
    seen = {"loss": [], "lr": []}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=8, n_positions=8, n_embd=8, n_layer=1, n_head=1))

    def spoil(module, args, kwargs, output):
        """A loss that is NaN, as a mistake in a loss would make it: of the third update only."""
        if module.training:
            if len(seen["loss"]) == 4:
                output.loss = output.loss * math.nan
            seen["loss"].append(output.loss.item())
        return output

    model.register_forward_hook(spoil, with_kwargs=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    watch(optimizer, seen)
    optimizer.register_step_pre_hook(lambda *_: [p.grad.nan_to_num_() for p in model.parameters()] and None)
    rows = [{"input_ids": torch.arange(8) % 7, "labels": torch.arange(8) % 7} for _ in range(24)]
    arguments = TrainingArguments(
        output_dir="out",
        max_steps=6,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=2,
        logging_steps=1,
        eval_steps=3,
        eval_strategy="steps",
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=rows,
        eval_dataset=rows[:4],
        optimizers=(optimizer, Scheduler(optimizer, lr=LR)),
        callbacks=[Recorder("run.jsonl", every=1)] if recorded else [],
    )
    trainer.train()
    logged = trainer.state.log_history
    seen["grad_norm"] = [row["grad_norm"] for row in logged if "grad_norm" in row]
    seen["val_loss"] = [row["eval_loss"] for row in logged if "eval_loss" in row]
    seen["logged"] = [row["loss"] for row in logged if "loss" in row]
    return {"seen": seen, "weights": [p.tolist() for p in model.parameters()]}


def attempt(way):
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            alone, beside = way(False), way(True)
        except ImportError as error:
            return f"absent: {error}"
        return {"same": alone["weights"] == beside["weights"], **beside["seen"], "run": columns("run.jsonl")}


WAYS = (with_lightning, with_transformers)
