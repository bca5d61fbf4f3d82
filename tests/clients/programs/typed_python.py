"""Asks the register with the client that openapi-python-client makes: ADDRESS CLAIMS -> answers as JSON."""

import datetime as dt
import json
import sys
from pathlib import Path

from art_register_client import Client
from art_register_client.api.default import verify, verify_batch
from art_register_client.models import BatchClaims, Claim, Person, Provider


def make_claim(given):
    """Make a claim with every field set by its name."""
    provider = given["provider"]
    return Claim(
        id=given["id"],
        provider=Provider(
            name=provider.get("name"),
            address=provider.get("address"),
            uscc=provider.get("uscc"),
            practice_licence_no=provider.get("practice_licence_no"),
            code=provider.get("code"),
            domain=provider.get("domain"),
        ),
        techniques=given["techniques"],
        on=dt.date.fromisoformat(given["on"]),
        known_at=dt.datetime.fromisoformat(given["known_at"]),
        practitioner=Person(name=given["practitioner"]["name"]),
        ad_certificate=given["ad_certificate"],
        text=given["text"],
        receipt=given["receipt"],
    )


given = json.loads(Path(sys.argv[2]).read_text("utf-8"))
client = Client(base_url=sys.argv[1])
claims = [make_claim(claim) for claim in given["claims"]]
answers = [verify.sync(client=client, body=claim) for claim in claims]
nobody = Claim(provider=Provider(address="三道街115号"))
batch = verify_batch.sync(client=client, body=BatchClaims(claims=[claims[0], nobody]))
print(
    json.dumps(
        {
            "answers": [{"id": a.id, "verdict": a.verdict, "receipt": a.receipt} for a in answers],
            "batch": [row.error.code if row.error else row.verdict for row in batch.answers],
        }
    )
)
