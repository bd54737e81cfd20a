"""What an administrator does with teams: make, rename, move people between them."""

from __future__ import annotations

from records import exclusive_transaction, transaction
from records.accounts import teams as records
from records.accounts.accounts import Account
from records.accounts.teams import Team
from records.audit.audit import About, Event
from services.accounts.accounts import clean_name, name_key
from services.audit.audit import about_account, note


def create(name: str) -> Team | None:
    """Make a team, or return None if the name is taken; raises `UserNameError`."""
    shown = clean_name(name)
    with exclusive_transaction():
        if records.named(name_key(shown)):
            return None
        team = records.add(shown, name_key(shown))
        note(Event.TEAM_CREATE, _the_team(team), name=shown)
    return team


def rename(team: Team, name: str) -> bool:
    """Give a team another name; False if another team has it. Raises `UserNameError`."""
    shown = clean_name(name)
    with exclusive_transaction():
        if records.named(name_key(shown)) not in (None, team):
            return False
        note(Event.TEAM_RENAME, _the_team(team), before=team.name, after=shown)
        team.name, team.name_key = shown, name_key(shown)
    return True


def move(account: Account, team: Team) -> None:
    """Move an account to a team; its analyses stay with the team they were made in."""
    if account.team_id == team.id:
        return
    with transaction():
        before, after = account.team.name, team.name
        note(Event.TEAM, about_account(account), name=account.name, before=before, after=after)
        account.team = team


def _the_team(team: Team) -> About:
    return About("team", team.id)
