import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from training.cells.data import KINDS
from training.cells.network import CellNetwork, Outputs, load_lite, load_network
from training.cells.sampling import Batch
from training.cells.train import Options, Training, loss_of, masked_entropy, rate_at, run
from training.commands import parse
from training.data import DataError

STEPS = 4


def options(out, *more):
    usual = ("--steps", str(STEPS), "--batch", "4", "--scratch", "--distil", "0")
    return parse(Options, ["--out", str(out), *usual, *more])


def interrupt_after(training, steps):
    """Let a training end as a killed process would, some steps after its checkpoint."""
    original = training._train

    def train(batch):
        if training.step == steps:
            raise KeyboardInterrupt
        return original(batch)

    training._train = train
    with pytest.raises(KeyboardInterrupt):
        training.run()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("training.cells.train._SAVE_EVERY", 2)
    monkeypatch.setattr(Training, "_validate", lambda self, loss, seconds: None)
    torch.set_num_threads(1)


def test_an_interrupted_training_ends_as_one_that_was_not(pack, tmp_path):
    Training(options(tmp_path / "whole"), pack, None, 0).run()
    interrupt_after(Training(options(tmp_path / "parts"), pack, None, 0), 3)
    resumed = Training(options(tmp_path / "parts"), pack, None, 0)
    assert resumed.step == 2
    resumed.run()
    whole, parts = (
        load_network(tmp_path / name / "fold0" / "network.pt").state_dict()
        for name in ("whole", "parts")
    )
    for name, values in whole.items():
        torch.testing.assert_close(parts[name], values)


def test_a_finished_training_is_left_as_it_is(pack, tmp_path):
    Training(options(tmp_path), pack, None, 0).run()
    before = (tmp_path / "fold0" / "network.pt").stat().st_mtime_ns
    Training(options(tmp_path), pack, None, 0).run()
    assert (tmp_path / "fold0" / "network.pt").stat().st_mtime_ns == before


def test_a_training_is_not_resumed_with_other_settings(pack, tmp_path):
    Training(options(tmp_path), pack, None, 0).run()
    with pytest.raises(DataError, match="Name another --out"):
        Training(options(tmp_path, "--rate", "0.1"), pack, None, 0)


def test_checkpoints_keep_their_settings_by_these_names(pack, tmp_path):
    Training(options(tmp_path, "--steps", "1"), pack, None, 0).run()
    kept = torch.load(tmp_path / "fold0" / "checkpoint.pt", weights_only=True)["settings"]
    assert kept == {
        **{
            "architecture": "EfficientNetB3",
            "steps": 1,
            "batch": 4,
            "rate": 3e-4,
            "distil": 0.0,
        },
        **{"scratch": True, "frozen": False, "start": "", "published": "", "seed": 1},
    }


def test_a_frozen_training_keeps_the_first_blocks_and_all_statistics(pack, tmp_path, monkeypatch):
    start = CellNetwork().state_dict()
    monkeypatch.setattr(
        "training.cells.train.load_keras", lambda network, _path: network.load_state_dict(start)
    )
    training = Training(replace(options(tmp_path, "--frozen"), scratch=False), pack, None, 0)
    training.run()
    after = training.network.state_dict()
    for name, values in start.items():
        if name.startswith(("trunk.0.", "trunk.1.", "trunk.2.")) or "running_" in name:
            torch.testing.assert_close(after[name], values)
    assert not torch.equal(after["trunk.8.0.weight"], start["trunk.8.0.weight"])


def test_a_training_goes_on_from_another_ones_network(pack, tmp_path):
    Training(options(tmp_path / "first"), pack, None, 0).run()
    second = Training(options(tmp_path / "second", "--start", "../first/fold0"), pack, None, 0)
    trained = load_network(tmp_path / "first" / "fold0" / "network.pt")
    for name, values in trained.state_dict().items():
        torch.testing.assert_close(second.network.state_dict()[name], values)


def test_a_validation_is_of_real_cells_and_written_as_a_row(pack, tmp_path, monkeypatch):
    monkeypatch.undo()
    torch.set_num_threads(1)
    fold = int(pack.fold[(pack.source == "lmu")][0])
    assert {0, 1} <= set(pack.blast[(pack.source == "cnmc") & (pack.fold == fold)])
    Training(options(tmp_path, "--steps", "1"), pack, None, fold).run()
    with (tmp_path / f"fold{fold}" / "metrics.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["step"] == "1"
    assert 0 <= float(row["cnmc_auroc"]) <= 1


def test_the_final_network_is_trained_on_all_cells_and_measured_on_none(
    pack, tmp_path, monkeypatch
):
    monkeypatch.undo()
    pack.save(tmp_path / "pack.npz")
    run(options(tmp_path, "--pack", str(tmp_path / "pack.npz"), "--final", "--threads", "1"))
    with (tmp_path / "final" / "metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[-1]["step"] == str(STEPS)
    assert list(rows[-1]) == ["step", "loss", "seconds"]
    assert pack.training(None).sum() == (pack.fold >= 0).sum()


def test_lite0_starts_as_imagenet_left_it(pack, tmp_path):
    given = parse(Options, ["--out", str(tmp_path), "--architecture", "EfficientNet-Lite0"])
    trained = CellNetwork("EfficientNet-Lite0")
    load_lite(trained)
    started = Training(given, pack, None, 0).network
    for name, values in trained.trunk.state_dict().items():
        torch.testing.assert_close(started.trunk.state_dict()[name], values)


def outputs(count):
    shapes = ((count,), (count, 11), (count, 31), (count, 1280))
    return Outputs(*(torch.randn(shape, requires_grad=True) for shape in shapes))


def batch_of(*rows, smudged=False):
    return Batch(np.empty(0), np.array(rows), np.full(len(rows), smudged))


def test_of_a_smudge_the_kind_alone_is_learnt(pack):
    row = int(np.flatnonzero(pack.attributes[:, 0] >= 0)[0])
    given = outputs(2)
    loss_of(given, pack, batch_of(row, row, smudged=True), None, 0.0).backward()
    assert given.blast.grad.abs().sum() == 0
    assert given.attributes.grad.abs().sum() == 0
    rises = given.kind.grad < 0
    assert rises[:, KINDS.index("smudge")].all()


def test_labels_that_are_missing_change_nothing(pack):
    row = int(np.flatnonzero((pack.source == "cnmc") & (pack.blast == 0))[0])
    given = outputs(2)
    loss_of(given, pack, batch_of(row, row), None, 0.0).backward()
    assert given.blast.grad.abs().sum() > 0
    assert given.attributes.grad.abs().sum() == 0


def test_a_cell_of_unknown_kind_is_at_least_no_smudge(pack):
    row = int(np.flatnonzero((pack.source == "cnmc") & (pack.blast == 0))[0])
    given = outputs(2)
    loss_of(given, pack, batch_of(row, row), None, 0.0).backward()
    smudge = KINDS.index("smudge")
    assert (given.kind.grad[:, smudge] > 0).all()
    others = np.delete(given.kind.grad.numpy(), smudge, axis=1)
    shares = np.delete(given.kind.detach().softmax(1).numpy(), smudge, axis=1)
    # What is taken off the smudge is given to the others as they stand to each other.
    np.testing.assert_allclose(
        others / shares, np.broadcast_to((others / shares)[:, :1], others.shape), rtol=1e-3
    )


def test_only_labelled_cells_are_averaged():
    logits = torch.randn(3, 5)
    labels = np.array([2, -1, 4], np.int8)
    expected = masked_entropy(logits[[0, 2]], labels[[0, 2]])
    torch.testing.assert_close(masked_entropy(logits, labels), expected)


def test_the_rate_rises_and_falls_once():
    rates = [rate_at(step, 100, 1e-3) for step in range(100)]
    top = int(np.argmax(rates))
    assert 5 <= top <= 12
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] < 3e-5
