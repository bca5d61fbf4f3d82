"""Notices as an Atom feed (RFC 4287), at an address that nobody can guess."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

from registry.domain.model import Struct
from registry.measures.notices.messages import NoticeMessage, describe_message
from registry.texts import Message


class FeedItem(Struct, frozen=True):
    """A message that waits for readers, and when it was put there."""

    message: NoticeMessage
    at: dt.datetime


def render_feed(
    items: list[FeedItem], address: str, identity: str, public_url: str, created: dt.datetime, lang: str
) -> bytes:
    """Render a feed, newest change first. ``identity``: what tells it from every other feed of the register."""
    updated = max((item.at for item in items), default=created)
    host = urlsplit(public_url).hostname or "register"
    feed_id = f"tag:{host},{created:%Y-%m-%d}:notices/{identity}"
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>\n',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={quoteattr(lang)}>\n',
        f"<id>{escape(feed_id)}</id>\n<title>{escape(Message('名录通知').to_text(lang))}</title>\n",
        f"<updated>{_format(updated)}</updated>\n",
        f"<author><name>{escape(Message('人类辅助生殖技术机构名录').to_text(lang))}</name></author>\n",
        f'<link rel="self" type="application/atom+xml" href={quoteattr(address)}/>\n',
    ]
    for item in reversed(items):
        for key, sentence, path in reversed(describe_message(item.message, lang)):
            parts.append(
                f"<entry>\n<id>{escape(feed_id)}/{escape(key)}</id>\n<title>{escape(sentence)}</title>\n"
                f"<updated>{_format(item.at)}</updated>\n<link href={quoteattr(public_url + path)}/>\n"
                f'<content type="text">{escape(sentence)}</content>\n</entry>\n'
            )
    return "".join([*parts, "</feed>\n"]).encode()


def _format(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
