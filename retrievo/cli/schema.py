"""`retrievo schema`: a JSON Schema of pipeline.toml, for editors."""

from retrievo.cli.options import Debug, Json
from retrievo.cli.output import show_json


def schema(as_json: Json = False, debug: Debug = False) -> None:
    """Print a JSON Schema of pipeline.toml.

    It knows every component that is installed; editors check and complete with it.
    """
    from retrievo.config.schema import json_schema
    from retrievo.host import Host

    show_json(json_schema(Host()))
