"""Cases: listed and read."""

from __future__ import annotations

from flask import Response, current_app
from flask_login import current_user
from pydantic import Field

from api.v1.cases_schemas import (
    CaseDetail,
    Cases,
    NewCase,
    Specimen,
    describe,
    differential,
    members,
)
from api.v1.common.answers import UNCHANGED, json_of, tagged
from api.v1.common.document import PREFIX, make_blueprint, problems
from api.v1.common.idempotency import KeyHeader, derived_key, idempotent
from api.v1.common.ids import CasePath
from api.v1.common.paging import Part, cursor_of, with_next
from pages.common.lookups import team_case
from pages.common.problems import ProblemError
from pages.common.requires import requires
from records.accounts.accounts import Role
from records.accounts.api_tokens import Scope
from records.analyses import analyses, field_tasks
from records.audit.audit import Event
from records.cases import cases, signatures
from records.cases.cases import Case
from records.cases.states import CaseState
from records.pagination import Place
from records.worklist import worklist
from records.worklist.worklist import Filters, View
from services.cases import cases as service
from services.cases.pseudonyms import objection
from services.cases.review import cells_of
from services.cases.review import differential as counted
from services.laboratory.classes import cell_classes

blueprint = make_blueprint("cases", __name__, "/cases", "Specimens, each under a pseudonym.")

LONGEST_SEARCH = 120
NO_PSEUDONYM = "Enter a pseudonym."


class CasesPart(Part):
    """Filter the list of cases."""

    state: CaseState | None = None
    view: View = Field(View.ALL, description="A part of the worklist; only “archived” has those.")
    specimen: Specimen | None = None
    text: str | None = Field(
        None,
        max_length=LONGEST_SEARCH,
        description="In the pseudonym, the accession number, the notes or the name of a file.",
    )


@blueprint.get("", responses={200: Cases})
@requires(Role.VIEWER, scope=Scope.READ)
def index(query: CasesPart) -> Response:
    """List the team's cases, newest first."""
    filters = Filters(
        view=query.view,
        account_id=current_user.id,
        text=query.text or None,
        state=query.state,
        specimen=query.specimen,
    )
    found = worklist.behind(current_user.team_id, filters, query.place, query.limit + 1)
    shown = found[: query.limit]
    ids = [case.id for case in shown]
    states, counts = cases.states(ids), worklist.counts_of(ids, current_user.id)
    items = [describe(case, states[case.id], counts[case.id]) for case in shown]
    cursor = None
    if len(found) > len(shown):
        cursor = cursor_of(Place(shown[-1].created_at, shown[-1].id))
    return with_next(json_of(Cases(items=items, next=cursor)), cursor)


@blueprint.get("/<case_id>", responses={200: CaseDetail, **UNCHANGED})
@requires(Role.VIEWER, audit=Event.VIEW, scope=Scope.READ)
def show(path: CasePath) -> Response:
    """Return one case with its images and its differential."""
    return tagged(detail(team_case(path.case_id)))


@blueprint.post("", responses={201: CaseDetail, **problems(400, 409, 413, 415)})
@requires(Role.READER, scope=Scope.UPLOAD)
@idempotent
def create(body: NewCase, header: KeyHeader) -> Response:
    """Open a case."""
    details = body.details
    if refused := objection(details.pseudonym, body.checked):
        raise ProblemError(422, refused, errors=[{"where": "pseudonym", "why": refused}])
    if not details.pseudonym:
        raise ProblemError(422, NO_PSEUDONYM, errors=[{"where": "pseudonym", "why": NO_PSEUDONYM}])
    blind = current_app.config["LEUKOSCOPE"].blind
    case = service.open_case(current_user.id, details, derived_key(header), blind)
    response = json_of(detail(case), 201)
    response.headers["Location"] = f"{PREFIX}/cases/{case.id}"
    return response


def detail(case: Case) -> CaseDetail:
    """Describe a case with what is in it, as it stands for whoever asks."""
    kept = analyses.of_case(case.id)
    cells = cells_of(case, kept, current_user.id)
    counts = worklist.counts_of([case.id], current_user.id)[case.id]
    return CaseDetail(
        **members(case, service.state_of(case), counts),
        version=signatures.version_of(case.id),
        analyses=[one.id for one in kept],
        waiting=[task.id for task in field_tasks.unread_of_case(case.id)],
        differential=differential(counted(cells, cell_classes())),
    )
