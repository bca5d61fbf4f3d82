"""Pictures of strangers drawn anew by a process of their own: the entrance for the rest of the register."""

from typing import IO

from registry.storage.uploads.limits import PICTURE
from registry.storage.uploads.messages import PictureBody
from registry.storage.uploads.refusals import make_crash_error
from registry.storage.uploads.sandbox import sandbox


def draw_picture(source: IO[bytes]) -> tuple[bytes, int, int]:
    """Return a picture as JPEG of its pixels alone, and its width and height.

    UnreadableFile, TooLarge, with what to do; Busy when too many files are being read.
    """
    with sandbox.open_channel("picture", PICTURE, source) as channel:
        for message in channel.receive_messages():
            if isinstance(message, PictureBody):
                return message.body, message.width, message.height
    raise make_crash_error()
