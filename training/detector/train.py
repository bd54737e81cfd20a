"""Train the detector (YOLOv8n) on composites and TXL-PBC's train fields.

Logs, plots and checkpoints go to --out; `--resume` goes on from its last checkpoint. At the end the
network for serving is written to --weights-out. On a processor with bf16 units the network's
convolutions are computed in bf16 (loss and weights stay in f32), which halves the time of a step.
"""

import argparse
import math
import time
from pathlib import Path
from typing import Any

import torch
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.loss import v8DetectionLoss
from ultralytics.utils.tal import TaskAlignedAssigner

from training.data import DEFAULT_DATA, PROJECT, DataError
from training.detector import export
from training.detector.data import prepare
from training.synthesis.composites import DEFAULT_OUT as DEFAULT_COMPOSITES
from training.synthesis.composites import SIDE

DEFAULT_INIT = PROJECT.parent / "shared" / "init" / "yolov8n_coco.pt"


Predictions = torch.Tensor | dict | list | tuple

_WARM_UP_STEPS = 300
_LAST_RATE = 0.01


class PerImageAssigner(TaskAlignedAssigner):
    """ultralytics' assigner, one image at a time.

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
    ) -> tuple[torch.Tensor, ...]:
        """Assign cells to anchors; shapes as in `TaskAlignedAssigner.forward`."""
        results = []
        for number, count in enumerate(mask_gt.sum((1, 2)).int().tolist()):
            one = slice(number, number + 1)
            cells = (gt_labels[one, :count], gt_bboxes[one, :count], mask_gt[one, :count])
            parts = super().forward(pd_scores[one], pd_bboxes[one], anc_points, *cells)
            results.append(parts)
        return tuple(torch.cat(parts) for parts in zip(*results, strict=True))


class SmearModel(DetectionModel):
    """A detection model for many small cells, whose convolutions may be trained in bf16."""

    bf16 = False

    def init_criterion(self) -> v8DetectionLoss:
        """Return YOLOv8's loss with the assigner for crowded images."""
        criterion = super().init_criterion()
        usual = criterion.assigner
        criterion.assigner = PerImageAssigner(
            usual.topk, usual.num_classes, usual.alpha, usual.beta, usual.stride
        )
        return criterion

    def loss(
        self, batch: dict[str, Any], preds: Predictions | None = None
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return loss (computed in f32) and its parts for a batch of ultralytics' form."""
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
    """ultralytics' trainer with channels-last tensors, chosen threads and, if wanted, bf16."""

    threads = 1
    bf16 = False
    steps = 0

    def get_model(
        self,
        cfg: str | dict | None = None,
        weights: torch.nn.Module | None = None,
        verbose: bool = True,
    ) -> DetectionModel:
        """Build the network and load `weights` into it (the heads of new classes start anew)."""
        torch.set_num_threads(self.threads)
        model = SmearModel(cfg, nc=self.data["nc"], ch=self.data["channels"], verbose=verbose)
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
        """Set the learning rate for this step (ultralytics alone sets it once an epoch), step."""
        self.steps += 1
        rise = min(1.0, self.steps / _WARM_UP_STEPS)
        rate = rise * (_LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * self.done())) / 2)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * rate
        super().optimizer_step()

    def done(self) -> float:
        """Return how much of the training is done, 0..1, by time if that is what limits it."""
        if self.args.time:
            share = (time.time() - self.train_time_start) / (self.args.time * 3600)
        else:
            before = self.start_epoch * len(self.train_loader)
            share = (before + self.steps) / (self.epochs * len(self.train_loader))
        return min(1.0, share)


def has_bf16() -> bool:
    """Tell whether the processor multiplies bf16 matrices in hardware."""
    units = torch.cpu.get_capabilities()
    return bool(units.get("amx_bf16") or units.get("avx512_bf16"))


def unfinished(run: Path) -> Path:
    """Return the checkpoint to go on from; raise DataError where there is none.

    Checked here because ultralytics would go on with any other run that it finds.
    """
    checkpoint = run / "weights" / "last.pt"
    if not checkpoint.is_file():
        raise DataError(f"There is no checkpoint {checkpoint} to resume from.")
    # The checkpoint is the command's own, and holds a pickled network.
    if torch.load(checkpoint, map_location="cpu", weights_only=False)["epoch"] < 0:
        raise DataError(f"The training in {run} is finished. Start anew without --resume.")
    return checkpoint


def overrides(args: argparse.Namespace, recipe: Path) -> dict[str, Any]:
    """Return ultralytics' settings for the command's options."""
    return {
        "model": str(args.init),
        "data": str(recipe),
        "project": str(args.out.resolve().parent),
        "name": args.out.name,
        "exist_ok": True,
        "epochs": args.epochs,
        "time": args.minutes / 60 if args.minutes else None,
        "imgsz": args.imgsz,
        "batch": args.batch,
        "nbs": args.batch,
        "seed": args.seed,
        "device": "cpu",
        "amp": False,
        "optimizer": "AdamW",
        "lr0": args.learning_rate,
        "momentum": 0.9,
        "warmup_epochs": 0.0,
        "weight_decay": 0.0005,
        "mosaic": 0.0,
        "fliplr": args.flip,
        "flipud": args.flip,
        "degrees": args.rotate,
        "scale": args.resize,
        "translate": 0.1,
        "hsv_h": 0.02 * args.colour,
        "hsv_s": 0.5 * args.colour,
        "hsv_v": 0.3 * args.colour,
        "resume": str(unfinished(args.out)) if args.resume else False,
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training detector`."""
    _add_places(parser.add_argument_group("places"))
    _add_steps(parser.add_argument_group("training"))
    _add_augmentation(parser.add_argument_group("augmentation (0 switches one off)"))


def _add_places(places: argparse._ArgumentGroup) -> None:
    places.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the image sets")
    places.add_argument(
        "--composites",
        type=Path,
        default=DEFAULT_COMPOSITES,
        help="folder with train/ and val/ made by `python -m training composites`",
    )
    places.add_argument("--init", type=Path, default=DEFAULT_INIT, help="weights to start from")
    places.add_argument(
        "--out", type=Path, default=PROJECT / "runs" / "detector", help="folder of the run"
    )
    places.add_argument(
        "--weights-out",
        type=Path,
        default=export.DEFAULT_WEIGHTS,
        help="where the network for serving goes (weights/detector)",
    )


def _add_steps(steps: argparse._ArgumentGroup) -> None:
    steps.add_argument("--epochs", type=int, default=4, help="(%(default)s)")
    steps.add_argument("--minutes", type=float, help="train so long (from now) instead of --epochs")
    steps.add_argument("--imgsz", type=int, default=SIDE, help="side in pixels (%(default)s)")
    steps.add_argument("--batch", type=int, default=16, help="images a step (%(default)s)")
    steps.add_argument("--learning-rate", type=float, default=0.001, help="(%(default)s)")
    steps.add_argument("--threads", type=int, default=1, help="processor threads (%(default)s)")
    steps.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    steps.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    steps.add_argument(
        "--bf16",
        action=argparse.BooleanOptionalAction,
        default=has_bf16(),
        help="compute in bf16 (where the processor has units for it)",
    )


def _add_augmentation(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--resize", type=float, default=0.15, help="by up to this share (%(default)s)"
    )
    group.add_argument("--flip", type=float, default=0.5, help="probability a axis (%(default)s)")
    group.add_argument("--rotate", type=float, default=4, help="up to degrees (%(default)s)")
    group.add_argument("--colour", type=float, default=1, help="strength (%(default)s)")


def run(args: argparse.Namespace) -> None:
    """Train, then export the best checkpoint."""
    recipe = prepare(args.data, args.composites, args.out / "dataset")
    trainer = CpuTrainer(overrides=overrides(args, recipe))
    trainer.threads, trainer.bf16 = args.threads, args.bf16
    trainer.train()
    export.export(args.out, args.weights_out)
