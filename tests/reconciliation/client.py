"""Run by the client's own Python, not by pytest: asks a service as its users do, and prints what it was given.

python client.py ADDRESS < questions.json
"""

import asyncio
import json
import sys

from py_reconciliation_service_api import build_reconciliation_service


def main() -> None:
    service = build_reconciliation_service(sys.argv[1])
    asked = json.load(sys.stdin)
    batch = service.reconcile_batch(asked)
    one = service.reconcile(asked[0])
    later = asyncio.run(service.reconcile_async(asked[0]))
    json.dump(
        {
            "manifest": service._manifest.model_dump(),
            "batch": [result.model_dump() for result in batch],
            "one": one.model_dump(),
            "later": later.model_dump(),
        },
        sys.stdout,
    )


main()
