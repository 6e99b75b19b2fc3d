"""The commands put together, and the one place where errors become lines and exit codes."""

import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from retrievo.cli import (
    calibrate,
    delete,
    distill,
    doctor,
    eval,
    explain,
    index,
    init,
    long_context,
    maintain,
    migrate,
    plugins,
    schema,
    search,
    train,
)
from retrievo.cli.output import say
from retrievo.errors import ConfigError, FilterError, RetrievoError, RetrievoWarning

# Typer brings its own copy of click from 0.16 on; this is its error for wrong use in both.
_WrongUse: type[Exception] = typer.BadParameter.__mro__[1]


class Commands(TyperGroup):
    """A group of commands that ends with one line on stderr instead of a traceback.

    Exit codes: 0 success, 1 a failed check or an error while running, 2 wrong use or a wrong
    configuration.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        given = sys.argv[1:] if args is None else list(args)
        debug = "--debug" in given
        try:
            with warnings.catch_warnings():
                # Told once each, on stderr, in the words of the library and without its file names.
                warnings.simplefilter("default", RetrievoWarning)
                warnings.showwarning = _show_warning
                code = super().main(
                    given, prog_name, complete_var, False, windows_expand_args, **extra
                )
        except _WrongUse as error:
            code = _wrong_use(error)
        except (ConfigError, FilterError) as error:
            code = _failed(str(error), 2, debug)
        except RetrievoError as error:
            code = _failed(str(error), 1, debug)
        except (KeyboardInterrupt, typer.Abort):
            code = _failed("stopped", 1, debug)
        except OSError as error:
            code = _failed(str(error), 1, debug)
        except Exception as error:  # the last resort: a defect is told in one line too
            kind = type(error).__name__
            code = _failed(f"{kind}: {error}; --debug shows where", 1, debug)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            # Typer would end the program itself here, without a word.
            raise typer.Abort from stop


def _wrong_use(error: Any) -> int:
    command = error.ctx.command_path if error.ctx else "retrievo"
    message = str(error.format_message())
    say(f"error: {message.rstrip('.')}; see `{command} --help`")
    return 2


def _failed(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    say(f"error: {message}")
    return code


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"warning: {message}")


app = typer.Typer(
    name="retrievo",
    cls=Commands,
    help="Index documents and search them; every step between is a plugin.",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from retrievo import __version__

        typer.echo(f"retrievo {__version__}")
        raise typer.Exit


@app.callback()
def retrievo(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Index documents and search them; every step between is a plugin."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


app.command("init")(init.init)
app.command("index")(index.index)
app.command("search")(search.search)
app.command("explain")(explain.explain)
app.command("delete")(delete.delete)
app.command("optimize")(maintain.optimize)
app.command("snapshot")(maintain.snapshot)
app.command("eval")(eval.evaluate)
app.command("long-context")(long_context.long_context)
app.command("calibrate")(calibrate.calibrate)
app.command("distill")(distill.distill)
app.command("migrate")(migrate.migrate)
app.command("plugins")(plugins.plugins)
app.command("doctor")(doctor.doctor)
app.command("schema")(schema.schema)
app.add_typer(train.train, name="train")
