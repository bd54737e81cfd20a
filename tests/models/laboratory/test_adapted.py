import numpy as np
import pytest

from core.taxonomy import BLAST, SMUDGE
from models.classifier.cell_views import View
from models.classifier.classifier import Classifier, likeliest_kind
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from models.laboratory.adapted import AdaptedClassifier, LaboratoryHead
from models.laboratory.cells import CellReadings
from models.laboratory.embedder import EMBEDDER, Embedder
from models.laboratory.head import Head
from models.laboratory.kinds import KIND_CLASSES, KINDS, KindsHead
from models.versions import active_folder
from settings import ROOT

FEATURES = 2


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(active_folder(ROOT / "weights", "classifier"), "f32")


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder.load(active_folder(ROOT / "weights", EMBEDDER), "f32")


def head(weight: float, threshold: float = 0.7, lower: float = 0.3) -> Head:
    """Make a head that follows the first feature."""
    weights = np.array([weight, 0.0])
    return Head(1.0, 0.0, weights, np.zeros(FEATURES), np.ones(FEATURES), threshold, lower)


@pytest.fixture(scope="module")
def readings(classifier: Classifier) -> CellReadings:
    outputs = classifier.outputs(np.full((90, 90, 3), 180, np.uint8))
    features = np.array([[-9.0, 0], [0, 0], [9.0, 0]], np.float16)
    shares = classifier.kinds(outputs)
    kinds = np.array([[shares.get(kind, 0.0) for kind in KINDS]] * 3)
    return CellReadings((outputs,) * 3, np.full(3, 0.5), np.zeros(3), features, kinds)


def test_a_head_decides_what_is_a_blast(classifier, embedder, readings):
    adapted = AdaptedClassifier(
        classifier, embedder, LaboratoryHead("1", {View.CONTEXT: head(1.0)})
    )
    said = adapted.corrected(readings, View.CONTEXT)
    assert [one.label for one in said] == [NORMAL, UNCERTAIN, ALL_BLAST]
    assert said[2].kind == BLAST
    assert said[0].kind not in (BLAST, SMUDGE)
    assert said[0].morphology == classifier.opinion(readings.outputs[0], View.CONTEXT).morphology
    assert adapted.threshold(View.CONTEXT) == 0.7
    assert adapted.version == f"{classifier.version}+1"


def test_a_smudge_is_no_blast_however_sure(classifier, embedder, readings):
    smudges = LaboratoryHead("1", {View.CONTEXT: head(1.0)}, smudge=head(1.0))
    said = AdaptedClassifier(classifier, embedder, smudges).corrected(readings, View.CONTEXT)
    assert (said[2].kind, said[2].label) == (SMUDGE, UNCERTAIN)
    assert said[1].kind != SMUDGE


def kinds_head() -> KindsHead:
    """Make a head that takes cells for monocytes or basophils by their first feature."""
    weights = np.array([[1.0, 0.0], [-1.0, 0.0]])
    classes = "monocyte", "basophil"
    return KindsHead(classes, 1.0, np.zeros(2), weights, np.zeros(FEATURES), np.ones(FEATURES) / 5)


def test_a_head_of_kinds_moves_the_mass_of_its_classes_alone(classifier, embedder, readings):
    shares = classifier.kinds(readings.outputs[0])
    of_either = shares["monocyte"] + shares["basophil"]
    corrected = LaboratoryHead("1", kinds=kinds_head()).kind_shares(readings, View.CONTEXT)
    first, last = (dict(zip(KINDS, row, strict=True)) for row in corrected[[0, 2]].tolist())
    assert first["basophil"] == pytest.approx(of_either)
    assert last["monocyte"] == pytest.approx(of_either)
    others = set(shares) - {"monocyte", "basophil"}
    assert {kind: first[kind] for kind in others} == {kind: shares[kind] for kind in others}
    assert last["monocyte"] + last["basophil"] == pytest.approx(of_either)


def test_proposed_kinds_and_their_probabilities_follow_the_head(classifier, embedder, readings):
    weights = np.zeros((len(KIND_CLASSES), FEATURES))
    weights[KIND_CLASSES.index("eosinophil"), 0] = 1.0
    nothing, scale = np.zeros(FEATURES), np.ones(FEATURES) / 5
    head = KindsHead(KIND_CLASSES, 1.0, np.zeros(len(KIND_CLASSES)), weights, nothing, scale)
    adapted = AdaptedClassifier(classifier, embedder, LaboratoryHead("1", kinds=head))
    shares = {**classifier.kinds(readings.outputs[0]), SMUDGE: 0.0}
    kind, of_kind = likeliest_kind(shares, UNCERTAIN, classifier.least_smudge)
    said = adapted.corrected(readings, View.CONTEXT)
    assert said[1].kind == kind
    assert said[1].kind_probability == pytest.approx(of_kind)
    assert said[2].kind == "eosinophil"
    of_all = sum(of for name, of in shares.items() if name not in (BLAST, SMUDGE))
    assert said[2].kind_probability == pytest.approx(of_all, rel=0.02)


def test_a_view_without_a_head_is_read_by_the_classifier(classifier, embedder, readings):
    adapted = AdaptedClassifier(
        classifier, embedder, LaboratoryHead("1", {View.CONTEXT: head(1.0)})
    )
    windows = [np.full((90, 90, 3), 180, np.uint8)]
    assert (
        adapted.opinions(windows, View.SEGMENTED)[0].label
        == classifier.opinions(windows, View.SEGMENTED)[0].label
    )
    assert adapted.threshold(View.SEGMENTED) == classifier.threshold(View.SEGMENTED)
