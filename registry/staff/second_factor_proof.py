"""A fresh proof of the second factor, before the register or rights are changed; what was sent is not lost.

A handler sets ``"proof": True`` in its ``opt``. If the session's last proof is old, the answer is a page that holds
everything that was sent and asks for the code; sent with the right one, the request is carried out.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.datastructures import FormMultiDict

from registry.accounts.sessions import PROOF, Session
from registry.accounts.signin import SignIns, Visitor
from registry.errors import SecretsKeyMissing
from registry.staff.errors import HEADERS, SessionMenu, render_template
from registry.staff.i18n import StaffLanguage
from registry.web.i18n import read_preferences

#: The field of the code; no other form of the workspace has a field of this name.
CODE = "proof_code"
#: Fields that the page does not carry along: it has its own.
_NOT_CARRIED = (CODE, "form_token")


class ProofRequired(Exception):
    """The second factor has to be shown once more before what was sent is done.

    ``reason`` is the key of the sentence about the code that was sent; "" if none was.
    """

    def __init__(self, session: Session, form: FormMultiDict, reason: str = "") -> None:
        super().__init__("proof")
        self.session = session
        self.form = form
        self.reason = reason


def require_proof(sign_ins: SignIns, session: Session, form: FormMultiDict, visitor: Visitor) -> None:
    """ProofRequired unless the session's proof is fresh, or ``form`` holds a right code. NotAllowed: one wrong code
    too many ended the session."""
    if session.is_proved:
        return
    code = str(form.get(CODE) or "").strip()[:200]
    if not code:
        raise ProofRequired(session, form)
    try:
        is_right = sign_ins.renew_proof(session, code, visitor)
    except SecretsKeyMissing:
        raise ProofRequired(session, form, "second.no_key") from None
    if not is_right:
        raise ProofRequired(session, form, "second.wrong")


def ask_for_proof(request: Request[Any, Any, Any], needed: ProofRequired) -> Response[Any]:
    """Render the page that holds what was sent and asks for the code."""
    preferences = lang, _ = read_preferences(request.query_params)
    account, settings = needed.session.account, request.app.state.register.settings
    fields = [(name, str(value)) for name, value in needed.form.multi_items() if name not in _NOT_CARRIED]
    context = {
        "path": request.url.path,
        "action": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "desk": SessionMenu(needed.session),
        "fields": fields,
        "field": CODE,
        "labels": None,
        "minutes": PROOF,
        "provider": settings.oidc_name if settings.oidc_issuer and account.external else "",
        "errors": [(CODE, str(StaffLanguage(lang).translate(needed.reason)))] if needed.reason else [],
    }
    return render_template(preferences, "proof", context, 403, {**HEADERS, "Content-Language": lang})
