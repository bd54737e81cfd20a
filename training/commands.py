"""Commands of the training, and their options as frozen dataclasses.

A command's module has `Options`, a frozen dataclass whose fields are `option(...)` or further such
dataclasses (`group(...)`, whose fields are options of the same command), and
`run(options) -> int | None`. It is imported only when the command is called, so that `detector`
needs no TensorFlow and `classifier` no PyTorch.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from models.manifest import WeightsError
from training.data import DataError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
Options = TypeVar("Options", bound="DataclassInstance")

Choices = Callable[[], Iterable[str]]
_SHOWN_DEFAULTS = (int, float, str)


@dataclass(frozen=True)
class Command:
    """One command: its name, the module that does it, one line of help."""

    name: tuple[str, ...]
    module: str
    help: str


def option(
    default: T, help: str = "", *, choices: Choices | None = None, const: str | None = None
) -> T:
    """Declare an option in a frozen dataclass; its flag is the field's name.

    Numbers, words and paths take a value, tuples several, bool makes a pair of flags.

    Args:
        default: Value where the option is not given.
        help: What it means; a default number or word is added.
        choices: Gives the words allowed, asked when the command is called.
        const: Value where the flag is given alone.
    """
    return field(default=default, metadata={"help": help, "choices": choices, "const": const})


def group(default: T, title: str) -> T:
    """Declare options of another frozen dataclass, with defaults of their own."""
    return field(default=default, metadata={"title": title})


def parse(
    kind: type[Options], argv: Sequence[str], prog: str = "", description: str | None = None
) -> Options:
    """Parse a command's words into its options; exit with status 2 where they are wrong."""
    parser = argparse.ArgumentParser(
        prog=prog, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    _declare(parser, parser.add_argument, kind())
    return _collect(kind, vars(parser.parse_args(argv)))


def run_command(prog: str, commands: Sequence[Command], argv: Sequence[str]) -> int:
    """Run one of the commands.

    Args:
        prog: How the program is called, such as `python -m training`.
        commands: All that there are.
        argv: The words behind it.

    Returns:
        The exit status: 1 where data or weights cannot be used, 2 where there is no such command.
    """
    command = next((c for c in commands if tuple(argv[: len(c.name)]) == c.name), None)
    if command is None:
        asked = bool({"-h", "--help"} & set(argv))
        print(_overview(prog, commands), file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    module = importlib.import_module(command.module)
    name = f"{prog} {' '.join(command.name)}"
    options = parse(module.Options, argv[len(command.name) :], name, module.__doc__)
    try:
        return module.run(options) or 0
    except (DataError, WeightsError) as error:
        print(error, file=sys.stderr)
        return 1


def _overview(prog: str, commands: Sequence[Command]) -> str:
    rows = (f"  {' '.join(command.name):25} {command.help}" for command in commands)
    return "\n".join((f"usage: {prog} COMMAND [--help] ...", "", *rows))


def _declare(
    parser: argparse.ArgumentParser, add: Callable[..., object], defaults: DataclassInstance
) -> None:
    hints = get_type_hints(type(defaults))
    for each in fields(defaults):
        default = getattr(defaults, each.name)
        if is_dataclass(hints[each.name]):
            part = parser.add_argument_group(each.metadata["title"])
            _declare(parser, part.add_argument, default)
        else:
            flag = f"--{each.name.replace('_', '-')}"
            add(flag, default=default, **_settings(hints[each.name], default, **each.metadata))


def _settings(
    hint: Any,  # noqa: ANN401  any annotation
    default: object,
    help: str,
    choices: Choices | None,
    const: str | None,
) -> dict[str, Any]:
    """Return argparse's settings for an option of a type."""
    shown = bool(default) and isinstance(default, _SHOWN_DEFAULTS)
    settings: dict[str, Any] = {"help": f"{help} (%(default)s)" if shown else help}
    if hint is bool:
        return {"help": help, "action": argparse.BooleanOptionalAction}
    if choices is not None:
        settings["choices"] = sorted(choices())
    if const is not None:
        settings |= {"nargs": "?", "const": const}
    if get_origin(hint) is tuple:
        settings["nargs"] = "+"
    return {**settings, "type": _word_type(hint)}


def _word_type(hint: Any) -> Callable[[str], object]:  # noqa: ANN401  any annotation
    """Return what makes one word a value: of `int`, `Path | None`, `tuple[str, ...]`."""
    if get_origin(hint) in (Union, UnionType, tuple):
        (inner,) = {each for each in get_args(hint) if each not in (NoneType, Ellipsis)}
        return _word_type(inner)
    return str if get_origin(hint) is Literal else hint


def _collect(kind: type[Options], values: dict[str, Any]) -> Options:
    hints = get_type_hints(kind)
    return kind(
        **{
            each.name: _collect(hints[each.name], values)
            if is_dataclass(hints[each.name])
            else _frozen(values[each.name])
            for each in fields(kind)
        }
    )


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
