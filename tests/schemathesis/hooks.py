"""What Schemathesis cannot guess: texts of the formats that the OpenAPI document names, and how claims are streamed.

Runs inside Schemathesis' own environment, without the register's code. SAMPLES is a file of values that
tests/fuzzing.py got from the server that is tried.
"""

import datetime as dt
import json
import os
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

SAMPLES = json.loads(Path(os.environ["SAMPLES"]).read_text("utf-8"))
NAMES = st.sampled_from(SAMPLES["names"]) | st.text(min_size=1, max_size=60).filter(
    lambda text: any(map(str.isalnum, text))
)
CLAIMS = st.fixed_dictionaries(
    {"provider": st.fixed_dictionaries({"name": NAMES})},
    optional={
        "id": st.text(max_size=20),
        "techniques": st.lists(st.sampled_from(SAMPLES["technique"]), max_size=3),
        "on": st.dates().map(str),
        "text": st.text(max_size=50),
    },
)
NAMING = ("name", "code", "uscc", "practice_licence_no", "domain")
BAD_LINES = st.sampled_from(["{", "[]", "null", '{"provider":{}}', '{"provider":{"name":1}}', "", "\ufeff", '"x"'])
LINES = st.lists(CLAIMS.map(lambda claim: json.dumps(claim, ensure_ascii=False)) | BAD_LINES, max_size=8)
CELLS = st.text(st.characters(exclude_characters='\r\n"\x00', exclude_categories=("Cs",)), max_size=20)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS).map(lambda cells: ",".join(f'"{cell}"' for cell in cells)), max_size=8)

for name in (
    *("art-code", "uscc", "domain", "region-code", "stage", "cursor", "art-receipt", "technique", "watch-place"),
    *("edition", "lead-number", "report", "picture-base64", "account"),
):
    schemathesis.openapi.format(name, st.sampled_from(SAMPLES[name]))
schemathesis.openapi.format("name", NAMES)
# Days that can be asked about: others are 400, which the document says in words.
schemathesis.openapi.format("date", st.dates(dt.date(1949, 1, 1), dt.date(9999, 12, 30)).map(str))
schemathesis.openapi.format("claims-ndjson", LINES.map("\n".join))
schemathesis.openapi.format("claims-csv", ROWS.map(lambda rows: "\r\n".join(["name,techniques,on", *rows])))


def as_it_is(ctx, value):
    """Text goes as it is; anything else that was generated goes as JSON, which is a bad row."""
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass")


schemathesis.serializer("application/x-ndjson")(as_it_is)
schemathesis.serializer("text/csv")(as_it_is)


@schemathesis.hook("before_call")
def somebody_is_named(ctx, case, kwargs):
    """A provider needs one of five fields, and GET /verify one of five parameters, which OpenAPI cannot say."""
    named = [case.query] if case.operation.definition.raw.get("operationId") == "verifyByQuery" else []
    body = case.body if isinstance(case.body, dict) else {}
    claims = body.get("claims") if isinstance(body.get("claims"), list) else []
    asking = {"verify": [body], "addWatches": claims}.get(case.operation.definition.raw.get("operationId"), [])
    named += [claim.setdefault("provider", {}) for claim in asking if isinstance(claim, dict)]
    for fields in named:
        if isinstance(fields, dict) and not any(fields.get(one) for one in NAMING):
            fields["name"] = SAMPLES["names"][0]


#: Where each channel of notices may send to.
ADDRESSES = {"hook": "https://hooks.example/register", "atom": ""}


@schemathesis.hook("before_call")
def what_is_right_together_is_sent_together(ctx, case, kwargs):
    """One of four things is looked up, and an address fits its channel, which OpenAPI cannot say either."""
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return
    operation = case.operation.definition.raw.get("operationId")
    if operation == "findSanctions" and isinstance(case.query, dict):
        asked = [name for name in ("name", "uscc", "domain", "account") if name in case.query]
        for other in (*asked[1:], *(() if asked[:1] == ["name"] else ("institution",))):
            case.query.pop(other, None)
        if not asked:
            case.query["domain"] = "zhuyun.example"
    if operation == "addSubscription" and isinstance(case.body, dict) and isinstance(case.body.get("choice"), dict):
        channel = case.body["channel"] if case.body.get("channel") in ADDRESSES else "atom"  # no mail server is set
        choice = {**case.body["choice"], "kinds": ["institution"]}
        case.body = {**case.body, "channel": channel, "address": ADDRESSES[channel], "choice": choice}
    if operation == "replaySubscription" and isinstance(case.body, dict) and "after" in case.body:
        case.body = {**case.body, "after": min(case.body["after"], 1)}  # an entry that the log has


@schemathesis.hook("filter_query")
def techniques_are_known(ctx, query):
    """In an address one text reads like a list of one: a technique that there is not would pass for a right one."""
    given = (query or {}).get("technique", [])
    return isinstance(given, list) and all(one in SAMPLES["technique"] for one in given)
