"""What the register gives to each department, and how to ask for it: commands that run as they are printed."""

from __future__ import annotations

from registry.domain.model import Struct

#: Whoever runs an example that needs a key has it in the environment.
_KEY = '-H "Authorization: Bearer $KEY"'
_JSON = "-H 'Content-Type: application/json'"
_NAME = "鞍山市妇儿医院"

#: What each department is given, in the order of its page.
SERVICES: dict[str, tuple[str, ...]] = {
    "health": ("list", "publish", "report", "watch"),
    "political-legal": ("figures", "sanctions"),
    "cyberspace": ("domain", "account", "domains", "watch"),
    "court": ("past", "letter", "person"),
    "procuratorate": ("past", "letter", "person"),
    "education": ("embed", "look_up"),
    "police": ("past", "letter", "person", "sanctions"),
    "civil-affairs": ("look_up", "lead", "embed"),
    "market": ("verify", "batch", "wording", "watch", "sanctions"),
    "business-environment": ("card", "look_up", "lead"),
    "telecom": ("domain", "domains", "sanctions"),
    "women": ("look_up", "lead", "embed"),
    "garrison": ("look_up", "list"),
    "drug": ("list", "places", "lead"),
}
#: Pages of this site that a service leads to.
PAGES: dict[str, str] = {
    "look_up": "/",
    "card": "/departments/card",
    "figures": "/overview",
    "publish": "/editions",
    "lead": "/leads",
    "letter": "/check",
}
#: Pages to be put into other sites, by the last part of their address.
EMBEDDED = ("approved", "offers", "techniques")
#: Of these commands, those that need a key of the department.
WITH_KEY = frozenset({"watch"})

_PRINT_DOMAINS = (
    "python3 -c 'import json, sys\n"
    'for entry in json.load(sys.stdin)["entries"]:\n'
    '    for domain in entry["change"]["set"].get("domains") or []:\n'
    '        print(entry["number"], entry["subject"], domain)\''
)
_COMMANDS: dict[str, str] = {
    "verify": f"curl -sG '{{origin}}/api/v1/verify' --data-urlencode 'name={_NAME}' -d technique=IVF",
    "batch": (
        f"printf 'name,techniques\\n{_NAME},IVF\\n沈阳市妇幼保健院,IVF\\n' |\n"
        "  curl -s '{origin}/api/v1/verify/batch' -H 'Content-Type: text/csv' --data-binary @-"
    ),
    "wording": (
        f"curl -s '{{origin}}/api/v1/verify' {_JSON} \\\n"
        f'  -d \'{{"provider":{{"name":"{_NAME}"}},"text":"包成功，可选性别"}}\''
    ),
    "watch": (
        f"curl -s '{{origin}}/api/v1/watches' {_KEY} {_JSON} \\\n"
        f'  -d \'{{"claims":[{{"provider":{{"name":"{_NAME}"}},"techniques":["IVF"]}}]}}\''
    ),
    "domain": "curl -sG '{origin}/api/v1/verify' -d domain=hospital.example",
    "account": "curl -sG '{origin}/api/v1/sanctions' --data-urlencode 'account=微信:示例账号'",
    "sanctions": "curl -sG '{origin}/api/v1/sanctions' --data-urlencode 'name=示例健康咨询有限公司'",
    "domains": f"curl -s '{{origin}}/api/v1/changes?since=0&limit=1000' |\n  {_PRINT_DOMAINS}",
    "list": "curl -s '{origin}/list.csv?region=210000'",
    "places": "curl -s '{origin}/api/v1/institutions?region=210300&limit=50'",
    "past": (
        f"curl -s '{{origin}}/api/v1/verify' {_JSON} \\\n"
        f'  -d \'{{"provider":{{"name":"{_NAME}"}},"techniques":["IVF"],"on":"2025-07-01","receipt":true}}\''
    ),
    "person": (
        f"curl -s '{{origin}}/api/v1/verify' {_JSON} \\\n"
        f'  -d \'{{"provider":{{"name":"{_NAME}"}},"practitioner":{{"name":"示例姓名"}}}}\''
    ),
    "report": "registry report --from 2025-07-01 --to 2025-09-30 --region 210300 --out report.docx",
}


class ServiceExample(Struct, frozen=True, kw_only=True):
    """One service on a department's page: ``name`` is that of its texts; a command to run, or a page to look at."""

    name: str
    code: str = ""
    page: str = ""
    needs_key: bool = False


def list_examples(department: str, origin: str) -> tuple[ServiceExample, ...]:
    """List what a department is given, with commands that ask the register at ``origin``."""
    return tuple(
        ServiceExample(
            name=name,
            code=make_frames(origin) if name == "embed" else _fill_in(_COMMANDS.get(name, ""), origin),
            page=PAGES.get(name, ""),
            needs_key=name in WITH_KEY,
        )
        for name in SERVICES[department]
    )


def _fill_in(command: str, origin: str) -> str:
    return command.replace("{origin}", origin)


def make_frames(origin: str) -> str:
    """Make the lines that put the pages into another site."""
    return "\n".join(
        f'<iframe src="{origin}/embed/{name}" title="{name}" width="100%" height="640" loading="lazy"></iframe>'
        for name in EMBEDDED
    )
