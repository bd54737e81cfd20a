"""`flask --app app learn-signed`: learn from the cells that readers signed; withdraw cases."""

from __future__ import annotations

import json
import time

import click
from flask import current_app
from flask.cli import with_appcontext

from cli.actor import at_the_shell
from jobs.work import TaskError
from records.accounts import accounts
from records.accounts.accounts import Account
from records.cases import cases
from records.cases.cases import Case
from services.accounts.accounts import name_key
from services.learning.fitting import Fitting
from services.learning.withdrawal import in_use_with_gone_fields, withdraw

_EVERY = 10


@click.command("learn-signed")
@click.option(
    "--keep", "administrator", metavar="NAME", help="Keep the model, as fitted by this account."
)
@click.option(
    "--without",
    "withdrawn",
    metavar="CASE",
    multiple=True,
    help="Id of a case, the last part of its address: nothing is learnt from it again.",
)
@with_appcontext
def learn_signed(administrator: str | None, withdrawn: tuple[str, ...]) -> None:
    """Fit a model to the signed cells of fields, and print accuracy before and after.

    Each cell is answered by a model that was fitted without its patient. The model is not kept,
    unless --keep names the administrator who will decide on it; the features of cells that were
    not read before are. --without withdraws a case for good: what is kept of its cells for
    learning is removed, and models in use that know cells that are gone are named. The last line
    is one JSON object.
    """
    if withdrawn and not administrator:
        raise click.UsageError("--without needs --keep, with the name of an administrator.")
    fitting: Fitting = current_app.extensions["leukoscope_fitting"]
    if administrator:
        at_the_shell()
    author = _administrator(administrator) if administrator else None
    if author:
        _withdraw(author, [_case(each) for each in withdrawn])
    start = time.monotonic()
    try:
        told = _kept(fitting, author) if author else fitting.prove(_tell)[1].proof
    except TaskError as error:
        _name_what_knows_gone_cells()
        raise click.ClickException(str(error)) from error
    _name_what_knows_gone_cells()
    click.echo(json.dumps({**told, "seconds": round(time.monotonic() - start, 2)}))


def _kept(fitting: Fitting, author: Account) -> dict[str, object]:
    head = fitting.fit_now(author, _tell)
    _say(f"Model {head.number} is kept. Read its test at /models/laboratory/{head.number}.")
    return {**(head.proof or {}), "model": head.number}


def _withdraw(author: Account, withdrawn: list[Case]) -> None:
    for case in withdrawn:
        done = withdraw(author, case)
        _say(f"Case {case.id} {'is' if done else 'was already'} withdrawn from learning.")


def _name_what_knows_gone_cells() -> None:
    for how, head, count in in_use_with_gone_fields():
        known = "It is not known what" if count is None else f"{count} of the fields that"
        gone = "was fitted to" if count is None else "was fitted to are gone"
        _say(f"{known} model {head.number} ({how}) {gone}. Activate a newer one, or stop it.")


def _administrator(name: str) -> Account:
    known = {account.id for account in accounts.administrators()}
    account = accounts.find_account(name_key(name))
    if account is None or account.id not in known:
        raise click.ClickException(f"“{name}” is no active administrator.")
    return account


def _case(case_id: str) -> Case:
    case = cases.find(case_id)
    if case is None:
        raise click.ClickException(f"There is no case {case_id}.")
    return case


def _tell(done: int, total: int) -> None:
    if done % _EVERY == 0 or done == total:
        _say(f"{done} of {total} fields read")


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
