"""One index for several customers, none of whom can see another's documents."""

import tempfile
from pathlib import Path

from retrievo import Document, Pipeline, TenantError

with tempfile.TemporaryDirectory() as work, Pipeline.open(Path(work) / "index") as pipeline:
    for tenant, text in (("acme", "Acme builds a rocket."), ("bolt", "Bolt builds a bridge.")):
        pipeline.index([Document("plan.md", text)], tenant=tenant)

    for tenant in ("acme", "bolt", "nobody"):
        print(tenant, [hit.text for hit in pipeline.search("What is built?", tenant=tenant)])
    try:
        pipeline.search("What is built?")
    except TenantError as error:
        print(error)
