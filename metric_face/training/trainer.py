"""Lightning's trainer for a run: devices, precision, callbacks and loggers."""

from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging

from metric_face.config import Config
from metric_face.models import device_of_choice, training_dtype
from metric_face.processes import this_process
from metric_face.training.checkpoint_file import CheckedFiles
from metric_face.training.checkpoints import Start
from metric_face.training.cluster import OurProcesses
from metric_face.training.components import Components
from metric_face.training.conflict_callback import ConflictCallback
from metric_face.training.csv_log import RunLog
from metric_face.training.epoch_lines import EpochBar, EpochLines
from metric_face.training.loggers import logger_of
from metric_face.training.reporting import Reporting
from metric_face.training.time_plan import TimePlan


def build_trainer(
    config: Config, components: Components, home: Path, start: Start, reporting: Reporting
) -> L.Trainer:
    """Build the trainer.

    Args:
        config: settled.
        components: what is trained.
        home: the run directory, for logs.
        start: where a resumed run goes on; the log keeps its rows up to there.
        reporting: whether there is a progress bar.
    """
    callbacks = _callbacks(config, components, reporting)
    device = device_of_choice()
    dtype = training_dtype(
        components.model, components.transform.size, device, config.trainer.precision, reporting.say
    )
    process = this_process()
    on_gpu = device.type == "cuda"
    return L.Trainer(
        accelerator="gpu" if on_gpu else "cpu",
        devices=[torch.cuda.current_device()] if on_gpu else 1,
        strategy="ddp" if process.world_size > 1 else "auto",
        num_nodes=process.world_size,
        precision="bf16-mixed" if dtype == torch.bfloat16 else "32-true",
        max_epochs=config.trainer.epochs,
        accumulate_grad_batches=config.optimizer.accumulate,
        gradient_clip_val=config.optimizer.clip or None,
        callbacks=callbacks,
        plugins=[CheckedFiles(), OurProcesses(process)],
        logger=[
            RunLog(home / "metrics.csv", start.step),
            *(logger_of(name, home) for name in config.trainer.loggers),
        ],
        log_every_n_steps=components.module.log_every,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # the sampler shares its batches among the ranks itself
        enable_progress_bar=not reporting.quiet,
        enable_model_summary=False,
        default_root_dir=home,
    )


def _callbacks(config: Config, components: Components, reporting: Reporting) -> list[L.Callback]:
    callbacks: list[L.Callback] = [components.deadline, components.stop, components.checkpoints]
    if config.loss.probe_every:
        # At the weights each process would see the gradient of its own images alone.
        shared_every = 50 * config.loss.probe_every if this_process().world_size == 1 else 0
        callbacks.append(ConflictCallback(config.loss.probe_every, shared_every))
    if config.trainer.ema:
        callbacks.append(EMAWeightAveraging(decay=config.trainer.ema))
    if config.trainer.patience:
        monitor = components.checkpoints.monitor
        callbacks.append(EarlyStopping(monitor, mode="max", patience=config.trainer.patience))
    if components.deadline.seconds is not None:
        callbacks.append(TimePlan(reporting.say, components.deadline))
    if reporting.quiet:
        callbacks.append(EpochLines(reporting.say, components.checkpoints, components.deadline))
    else:
        callbacks.append(EpochBar(console_kwargs={"stderr": True}))
    return callbacks
