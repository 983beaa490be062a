"""Trainings by Lightning and transformers with a Scheduler: the rates that the updates used. See tests/trained.py."""

import csv
import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import stepsize as ss
from stepsize.torch import Scheduler

LR = ss.linear(0.01, 0.09, 8) >> ss.cosine(0.09, 0.0, 20)
STOP, UPDATES = 4, 10  # Lightning: updates before and after; a batch each, two for an update


def watch_rates(optimizer):
    used = []
    optimizer.register_step_pre_hook(lambda *_: used.append(float(optimizer.param_groups[0]["lr"])))
    return used


def with_lightning():
    import lightning.pytorch as pl
    from lightning.pytorch.callbacks import LearningRateMonitor
    from lightning.pytorch.loggers import CSVLogger

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(4, 1)

        def training_step(self, batch, index):
            return self.net(batch[0]).square().mean()

        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=1.0)
            self.used = watch_rates(optimizer)
            scheduler = Scheduler(optimizer, lr=LR)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def fit(folder, updates, checkpoint=None):
        trainer = pl.Trainer(
            accelerator="cpu",
            max_steps=updates,
            max_epochs=-1,
            accumulate_grad_batches=2,
            logger=CSVLogger(folder),
            log_every_n_steps=1,
            callbacks=[LearningRateMonitor("step")],
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
            enable_checkpointing=False,
        )
        module = Module()
        trainer.fit(module, DataLoader(TensorDataset(torch.ones(16, 4)), batch_size=2), ckpt_path=checkpoint)
        trainer.save_checkpoint(Path(folder, "last.ckpt"))
        with Path(trainer.logger.log_dir, "metrics.csv").open() as file:
            return module.used, [float(row["lr-SGD"]) for row in csv.DictReader(file) if row["lr-SGD"]]

    with tempfile.TemporaryDirectory() as folder:
        first, logged = fit(folder, STOP)
        second, _ = fit(folder, UPDATES, Path(folder, "last.ckpt"))
    return {"used": first + second, "stop": len(first), "logged": logged}


def with_transformers():
    from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

    rows = [{"input_ids": torch.arange(8) % 7, "labels": torch.arange(8) % 7} for _ in range(24)]

    def fit(folder, updates, resume=False):
        torch.manual_seed(0)
        model = GPT2LMHeadModel(GPT2Config(vocab_size=8, n_positions=8, n_embd=8, n_layer=1, n_head=1))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1.0)
        used = watch_rates(optimizer)
        arguments = TrainingArguments(
            output_dir=folder,
            max_steps=updates,
            per_device_train_batch_size=2,
            gradient_accumulation_steps=2,
            save_steps=STOP,
            logging_steps=1,
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
        )
        trainer = Trainer(
            model=model, args=arguments, train_dataset=rows, optimizers=(optimizer, Scheduler(optimizer, lr=LR))
        )
        trainer.train(resume_from_checkpoint=resume)
        return used, [row["learning_rate"] for row in trainer.state.log_history if "learning_rate" in row]

    with tempfile.TemporaryDirectory() as folder:
        first, logged = fit(folder, STOP)
        second, _ = fit(folder, UPDATES, resume=True)
    return {"used": first + second, "stop": len(first), "logged": logged}


def attempt(way):
    try:
        return way()
    except ImportError as error:
        return f"absent: {error}"


WAYS = (with_lightning, with_transformers)
