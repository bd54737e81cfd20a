"""Train the detector (YOLOv8n) on composites and TXL-PBC's train fields.

Logs, plots and checkpoints go to --out; `--resume` goes on from its last checkpoint. At the end the
network is staged in --staged. On a processor with bf16 units the network's
convolutions are computed in bf16 (loss and weights stay in f32), which halves the time of a step.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.loss import v8DetectionLoss
from ultralytics.utils.tal import TaskAlignedAssigner

from training.commands import group, option
from training.data import DEFAULT_DATA, PROJECT, DataError
from training.detector import export
from training.detector.data import prepare
from training.staging import check_staged
from training.synthesis.composites import DEFAULT_OUT as DEFAULT_COMPOSITES
from training.synthesis.composites import SIDE

DEFAULT_INIT = PROJECT.parent / "shared" / "init" / "yolov8n_coco.pt"

Predictions = Any
"""Tensors, nested in dicts, lists and tuples."""

_WARM_UP_STEPS = 300
_LAST_RATE = 0.01


def has_bf16() -> bool:
    """Return whether the processor multiplies bf16 matrices in hardware."""
    units = torch.cpu.get_capabilities()
    return bool(units.get("amx_bf16") or units.get("avx512_bf16"))


@dataclass(frozen=True)
class Augmentation:
    """How much images are varied; 0 switches one off."""

    resize: float = option(0.15, "by up to this share")
    flip: float = option(0.5, "probability of each axis")
    rotate: float = option(4, "by up to so many degrees")
    colour: float = option(1, "strength")


@dataclass(frozen=True)
class Options:
    """Options of `python -m training detector`."""

    data: Path = option(DEFAULT_DATA, "folder of the image sets")
    composites: Path = option(
        DEFAULT_COMPOSITES, "folder with train/ and val/ made by `python -m training composites`"
    )
    init: Path = option(DEFAULT_INIT, "weights to start from")
    out: Path = option(PROJECT / "runs" / "detector", "folder of the run")
    staged: Path = option(export.DEFAULT_STAGED, "folder to make the weights in")
    epochs: int = option(4)
    minutes: float | None = option(None, "train so long (from now) instead of --epochs")
    imgsz: int = option(SIDE, "side in pixels")
    batch: int = option(16, "images a step")
    learning_rate: float = option(0.001)
    threads: int = option(1, "processor threads")
    seed: int = option(1)
    resume: bool = option(False, "go on from the last checkpoint")
    bf16: bool = option(has_bf16(), "compute in bf16 (where the processor has units for it)")
    augmentation: Augmentation = group(Augmentation(), "augmentation (0 switches one off)")


class PerImageAssigner(TaskAlignedAssigner):
    """Assign cells to anchors as ultralytics does, one image at a time.

    The result is the same, but an image costs by its own number of cells: in a batch, all cost as
    much as the one with most, and a smear field has from none to hundreds.
    """

    def forward(
        self,
        pd_scores: torch.Tensor,
        pd_bboxes: torch.Tensor,
        anc_points: torch.Tensor,
        gt_labels: torch.Tensor,
        gt_bboxes: torch.Tensor,
        mask_gt: torch.Tensor,
        **extra: Any,  # noqa: ANN401  what ultralytics' kinds of boxes add
    ) -> tuple[torch.Tensor, ...]:
        """Assign cells to anchors; shapes as in `TaskAlignedAssigner.forward`."""
        results = []
        for number, count in enumerate(mask_gt.sum((1, 2)).int().tolist()):
            one = slice(number, number + 1)
            cells = (gt_labels[one, :count], gt_bboxes[one, :count], mask_gt[one, :count])
            parts = super().forward(pd_scores[one], pd_bboxes[one], anc_points, *cells, **extra)
            results.append(parts)
        return tuple(torch.cat(parts) for parts in zip(*results, strict=True))


class SmearModel(DetectionModel):
    """Detect many small cells; convolutions may be trained in bf16."""

    bf16 = False

    def init_criterion(self) -> v8DetectionLoss:
        """Return YOLOv8's loss with the assigner for crowded images."""
        criterion = super().init_criterion()
        if not isinstance(criterion, v8DetectionLoss):
            raise DataError("The weights to start from are of a detector without matching.")
        usual = criterion.assigner
        criterion.assigner = PerImageAssigner(
            usual.topk, usual.num_classes, usual.alpha, usual.beta, usual.stride
        )
        return criterion

    def loss(
        self, batch: dict[str, Any], preds: Predictions | None = None
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the loss of a batch, computed in f32, and its parts."""
        if preds is None:
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
                preds = self.forward(batch["img"])
        return super().loss(batch, _in_f32(preds))


def _in_f32(preds: Predictions) -> Predictions:
    """Return nested predictions with every tensor in f32."""
    if isinstance(preds, torch.Tensor):
        return preds.float()
    if isinstance(preds, dict):
        return {name: _in_f32(part) for name, part in preds.items()}
    return type(preds)(_in_f32(part) for part in preds)


class CpuTrainer(DetectionTrainer):
    """Train with channels-last tensors, chosen threads and, if wanted, bf16."""

    threads = 1
    bf16 = False
    steps = 0

    def get_model(
        self,
        cfg: str | dict[str, Any] | None = None,
        weights: torch.nn.Module | None = None,
        verbose: bool = True,
    ) -> DetectionModel:
        """Build the network and load weights; the heads of new classes start anew."""
        torch.set_num_threads(self.threads)
        # ultralytics takes a parsed architecture too, as its own trainer gives it.
        model = SmearModel(
            cast(str, cfg), nc=self.data["nc"], ch=self.data["channels"], verbose=verbose
        )
        model.bf16 = self.bf16
        if weights:
            model.load(weights)
        return model.to(memory_format=torch.channels_last)

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Normalise images to 0..1, channels last in memory."""
        batch = super().preprocess_batch(batch)
        batch["img"] = batch["img"].contiguous(memory_format=torch.channels_last)
        return batch

    def optimizer_step(self) -> None:
        """Set the learning rate for this step (ultralytics: once an epoch), and step."""
        self.steps += 1
        rise = min(1.0, self.steps / _WARM_UP_STEPS)
        rate = rise * (_LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * self.done())) / 2)
        optimizer = cast(torch.optim.Optimizer, self.optimizer)
        for parameters in optimizer.param_groups:
            parameters["lr"] = parameters["initial_lr"] * rate
        super().optimizer_step()

    def done(self) -> float:
        """Return the share of the training that is done, 0..1, of time if that is limited."""
        if self.args.time:
            share = (time.time() - self.train_time_start) / (self.args.time * 3600)
        else:
            before = self.start_epoch * len(self.train_loader)
            share = (before + self.steps) / (self.epochs * len(self.train_loader))
        return min(1.0, share)


def unfinished(run: Path) -> Path:
    """Return the checkpoint to go on from.

    Checked here because ultralytics would go on with any other run that it finds.

    Raises:
        DataError: There is none, or the training is finished.
    """
    checkpoint = run / "weights" / "last.pt"
    if not checkpoint.is_file():
        raise DataError(f"There is no checkpoint {checkpoint} to resume from.")
    # The checkpoint is the command's own, and holds a pickled network.
    if torch.load(checkpoint, map_location="cpu", weights_only=False)["epoch"] < 0:
        raise DataError(f"The training in {run} is finished. Start anew without --resume.")
    return checkpoint


def overrides(options: Options, recipe: Path) -> dict[str, Any]:
    """Return ultralytics' settings for the command's options."""
    varied = options.augmentation
    return {
        "model": str(options.init),
        "data": str(recipe),
        "project": str(options.out.resolve().parent),
        "name": options.out.name,
        "exist_ok": True,
        "epochs": options.epochs,
        "time": options.minutes / 60 if options.minutes else None,
        "imgsz": options.imgsz,
        "batch": options.batch,
        "nbs": options.batch,
        "seed": options.seed,
        "device": "cpu",
        "amp": False,
        "optimizer": "AdamW",
        "lr0": options.learning_rate,
        "momentum": 0.9,
        "warmup_epochs": 0.0,
        "weight_decay": 0.0005,
        "mosaic": 0.0,
        "fliplr": varied.flip,
        "flipud": varied.flip,
        "degrees": varied.rotate,
        "scale": varied.resize,
        "translate": 0.1,
        "hsv_h": 0.02 * varied.colour,
        "hsv_s": 0.5 * varied.colour,
        "hsv_v": 0.3 * varied.colour,
        "resume": str(unfinished(options.out)) if options.resume else False,
    }


def run(options: Options) -> None:
    """Train, then stage the best checkpoint."""
    check_staged(options.staged)
    recipe = prepare(options.data, options.composites, options.out / "dataset")
    trainer = CpuTrainer(overrides=overrides(options, recipe))
    trainer.threads, trainer.bf16 = options.threads, options.bf16
    trainer.train()
    export.export(options.out, options.staged)
