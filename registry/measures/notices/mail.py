"""Notices by mail: one letter for a message, however many changes are in it, with a link by which it is ended."""

from __future__ import annotations

import datetime as dt
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from registry.measures.notices.web_hook import TIMEOUT, DeliveryFailed
from registry.texts import Message, PluralMessage

_PORTS = {"smtp": 25, "smtps": 465}


def write_mail(
    lines: list[tuple[str, str, str]],
    number: str,
    links: tuple[str, str],
    people: tuple[str, str],
    at: dt.datetime,
    lang: str,
) -> EmailMessage:
    """Write the letter. ``links``: (the register, ending the subscription); ``people``: (from, to)."""
    public_url, end_url = links
    sender, receiver = people
    mail = EmailMessage()
    subject = PluralMessage("名录通知：{count}项变更", count=len(lines))
    mail["Subject"] = subject.to_text(lang)
    mail["From"], mail["To"] = sender, receiver
    mail["Date"] = format_datetime(at)
    host = urlsplit(public_url).hostname or "register"
    mail["Message-ID"] = f"<{number}@{host}>"
    mail["List-Unsubscribe"] = f"<{end_url}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Auto-Submitted"] = "auto-generated"
    text = [f"{sentence}\n{public_url}{path}" for _, sentence, path in lines]
    end = Message("退订：{url}", url=end_url).to_text(lang)
    mail.set_content("\n\n".join([*text, end]) + "\n", cte="base64")
    return mail


def send_mail(smtp_url: str, mail: EmailMessage) -> None:
    """Hand a letter to the mail server of the settings (smtp: with STARTTLS where offered; smtps); DeliveryFailed."""
    parts = urlsplit(smtp_url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    context = ssl.create_default_context()
    try:
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=TIMEOUT)
        with server:
            if parts.scheme == "smtp":
                server.ehlo()
                if server.has_extn("starttls"):
                    server.starttls(context=context)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(mail)
    except smtplib.SMTPResponseException as error:
        raise DeliveryFailed(Message("邮件服务器答复 {status}。", status=error.smtp_code)) from error
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryFailed(Message("无法送达：{error}", error=type(error).__name__)) from error
