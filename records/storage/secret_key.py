"""The secret that signs sessions: made at the first start, readable by its owner only."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from settings import SettingsError

KEY_BYTES = 32


def secret_key(instance_dir: Path) -> bytes:
    """Return the installation's key, made if missing; raises `SettingsError` if it is exposed."""
    path = instance_dir / "secret_key"
    try:
        _make_private(instance_dir)
        _make_once(path)
        return _read(path)
    except OSError as error:
        raise SettingsError(f"The secret key {path} cannot be used: {error.strerror}.") from error


def _make_private(instance_dir: Path) -> None:
    instance_dir.mkdir(parents=True, exist_ok=True)
    instance_dir.chmod(stat.S_IRWXU)


def _make_once(path: Path) -> None:
    """Write a whole new key under another name first: a second process never reads half of it."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(
            f"The secret key {path} can be read by others. Anybody who has read it can sign in as "
            "anyone: delete it, start again, and a new one is made."
        )
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise SettingsError(f"The secret key {path} is too short. Delete it and start again.")
    return key
