"""The models in use."""

from __future__ import annotations

from flask import Response, current_app
from pydantic import Field

from api.v1.common.answers import UNCHANGED, Tagged, tagged
from api.v1.common.document import make_blueprint
from models.manifest import Manifest
from pages.common.requires import Audience, requires
from records.accounts.api_tokens import Scope
from records.learning import heads
from records.learning.heads import HeadUse
from services.model_cards import CLASSIFIER, DETECTOR, read_card

blueprint = make_blueprint("models", __name__, "/models", "The networks in use.")


class Model(Tagged):
    """A network in use; what its manifest does not tell is null."""

    name: str = Field(description="“detector” or “classifier”.")
    architecture: str | None
    version: str | None
    specimens: list[str] = Field(description="Kinds of specimen that it was validated for.")


class Models(Tagged):
    """The networks, and the number of the laboratory's own model over the classifier, if any."""

    items: list[Model]
    laboratory_model: int | None


@blueprint.get("", responses={200: Models, **UNCHANGED})
@requires(Audience.SIGNED_IN, scope=Scope.READ)
def index() -> Response:
    """List the models in use."""
    weights = current_app.config["LEUKOSCOPE"].weights_dir
    active = heads.id_in_use(HeadUse.ACTIVE)
    items = [_model(name, read_card(weights, name).manifest) for name in (DETECTOR, CLASSIFIER)]
    return tagged(
        Models(items=items, laboratory_model=heads.get(active).number if active else None)
    )


def _model(name: str, manifest: Manifest | None) -> Model:
    if manifest is None:
        return Model(name=name, architecture=None, version=None, specimens=[])
    return Model(
        name=name,
        architecture=manifest.architecture,
        version=manifest.version,
        specimens=list(manifest.specimens),
    )
