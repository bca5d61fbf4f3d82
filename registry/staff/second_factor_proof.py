"""What changes the register or rights wants a fresh proof of the second factor: asked for in between, nothing is lost.

A handler says ``"proof": True`` in its ``opt``. Where the session's last proof is old, what was sent is answered with a
page that holds it all and asks for the code; sent with the right one, the request is carried through.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.datastructures import FormMultiDict

from registry.accounts.sessions import PROOF, Session
from registry.accounts.signin import SignIns, Visitor
from registry.errors import SecretsKeyMissing
from registry.staff.errors import HEADERS, SessionMenu
from registry.staff.i18n import StaffLanguage, build_environment
from registry.web.i18n import read_preferences

#: The field of the code, which no form of the workspace has otherwise.
CODE = "proof_code"
#: Fields that the page holds are the person's, whatever they typed; the token is the session's own.
_OURS = (CODE, "form_token")


class ProofRequired(Exception):
    """The second factor has to be shown once more before what was sent is done.

    ``why`` names the sentence about the code that was sent; "" where none was.
    """

    def __init__(self, session: Session, form: FormMultiDict, why: str = "") -> None:
        super().__init__("proof")
        self.session = session
        self.form = form
        self.why = why


def require_proof(sign_ins: SignIns, session: Session, form: FormMultiDict, who: Visitor) -> None:
    """ProofNeeded unless the session's proof is fresh, or ``form`` holds a right code. NotAllowed: it ended by a wrong
    one too many."""
    if session.is_proved:
        return
    code = str(form.get(CODE) or "").strip()[:200]
    if not code:
        raise ProofRequired(session, form)
    try:
        right = sign_ins.renew_proof(session, code, who)
    except SecretsKeyMissing:
        raise ProofRequired(session, form, "second.no_key") from None
    if not right:
        raise ProofRequired(session, form, "second.wrong")


def ask_for_proof(request: Request[Any, Any, Any], needed: ProofRequired) -> Response[Any]:
    """The page that holds what was sent and asks for the code."""
    lang, size = read_preferences(request.query_params)
    account, settings = needed.session.account, request.app.state.register.settings
    fields = [(name, str(value)) for name, value in needed.form.multi_items() if name not in _OURS]
    context = {
        "here": request.url.path,
        "action": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "desk": SessionMenu(needed.session),
        "fields": fields,
        "field": CODE,
        "words": None,
        "minutes": PROOF,
        "outside": settings.oidc_name if settings.oidc_issuer and account.external else "",
        "errors": [(CODE, str(StaffLanguage(lang).translate(needed.why)))] if needed.why else [],
    }
    body = build_environment(lang, size).get_template("staff/proof.html").render(page=context)
    return Response(body, status_code=403, media_type="text/html", headers={**HEADERS, "Content-Language": lang})
