"""The command `guardrail`.

Other packages hang their commands on it by the entry-point group `guardrail.commands`: a name and a
`typer.Typer`. They are loaded when they are called or listed, never by another command.
"""

from __future__ import annotations

from importlib import metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from guardrail.commands import check, demo, exits, policy, score
from guardrail.commands.extras import DISTRIBUTION, missing_message
from guardrail.errors import GuardrailError

ENTRY_POINTS = "guardrail.commands"


def _fail(message: str, code: int) -> typer.Exit:
    typer.echo(f"guardrail: {message}", err=True)
    return typer.Exit(code)


def _unavailable(name: str, reason: str) -> Any:
    """A command that stands in for one that can't be loaded, and says why when it is called."""
    stand_in = typer.Typer()

    @stand_in.command(
        name=name,
        help=f"Not available: {reason}",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def report() -> None:  # pyright: ignore[reportUnusedFunction] - registered by the decorator
        raise _fail(reason, exits.FAILED)

    return typer.main.get_command(stand_in)


def _load(entry: metadata.EntryPoint) -> Any:
    try:
        command = typer.main.get_command(entry.load())
    except ModuleNotFoundError as error:
        return _unavailable(entry.name, missing_message(error) or f"no module named {error.name}")
    except (ImportError, AttributeError) as error:
        return _unavailable(entry.name, f"{entry.value} can't be loaded: {error}")
    command.name = entry.name
    return command


class CommandGroup(TyperGroup):
    """The built-in commands, then those of entry points; errors become one line and an exit code."""

    def list_commands(self, ctx: Any) -> list[str]:
        built_in = super().list_commands(ctx)
        return [*built_in, *sorted(metadata.entry_points(group=ENTRY_POINTS).names - set(built_in))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        built_in = super().get_command(ctx, cmd_name)
        if built_in is not None:
            return built_in
        entries = metadata.entry_points(group=ENTRY_POINTS, name=cmd_name)
        return _load(next(iter(entries))) if entries else None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except GuardrailError as error:
            raise _fail(str(error), exits.exit_code(error)) from None
        except ModuleNotFoundError as error:
            message = missing_message(error)
            if message is None:
                raise
            raise _fail(message, exits.FAILED) from None
        except KeyboardInterrupt:
            raise typer.Exit(exits.INTERRUPTED) from None


app = typer.Typer(
    cls=CommandGroup,
    help="A medical-safety guardrail for language models: every prompt and response scored against the nine "
    "AMA Principles of Medical Ethics.",
    epilog=exits.LEGEND,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("check")(check.check)
app.command("score")(score.score)
app.add_typer(policy.app, name="policy")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{DISTRIBUTION} {metadata.version(DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold the options that go before a command."""


def main() -> None:
    """Run the command line."""
    app(prog_name="guardrail")
