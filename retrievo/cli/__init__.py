"""The command line: one file a command, none of which imports what it needs before it runs."""


def main() -> None:
    """Run the command that the arguments name, and exit with its status."""
    from retrievo.cli.app import app

    app(prog_name="retrievo")
