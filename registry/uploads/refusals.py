"""Why a file is not taken: sentences that say what to do, the same for every kind of file and every door."""

from __future__ import annotations

from registry.errors import TooLarge, UnreadableFile


def make_damaged_file_error(reason: object) -> UnreadableFile:
    """The refusal of a file that ends early or contradicts itself; the reason is for the log, not for people."""
    return UnreadableFile(
        "文件已损坏；请重新取得，或用 Word、表格软件打开后另存为 docx、xlsx 或 csv。",
        "The file is damaged; please get it again, or open it in Word or a spreadsheet program and save it as docx, "
        "xlsx or csv.",
        reason=str(reason),
    )


def make_dtd_error() -> UnreadableFile:
    """The refusal of XML that declares entities, which no program that writes such files does."""
    return UnreadableFile(
        "文件里有 DTD（实体声明），不予读取；请用 Word、表格软件打开后另存为 docx、xlsx 或 csv。",
        "There is a DTD in the file, and it is not read; open it in Word or a spreadsheet program and save it as docx, "
        "xlsx or csv.",
    )


def make_password_error() -> UnreadableFile:
    """The refusal of a file that opens only with a password."""
    return UnreadableFile(
        "文件有密码保护，请先去掉密码，另存后再上传。",
        "The file has a password; please remove the password and save it without one.",
    )


def make_too_large_error(zh: str, en: str, limit: float) -> TooLarge:
    """The refusal of a file beyond one of the limits: what there is too much of, and what to do."""
    return TooLarge(
        f"文件过大或过于复杂：{zh}。没有处理；请删去多余的行列和内容后另存，或分成几份，也可另存为 csv。",
        f"The file is too large or too complex: {en}. Nothing of it was taken; delete what is not needed and save it "
        "anew, split it, or save it as csv.",
        limit=limit,
    )


def make_out_of_memory_error() -> TooLarge:
    """The refusal of a file that takes more memory than it may."""
    return TooLarge(
        "文件展开后过大，读取时超出了内存上限，没有处理；请删去多余的行列和内容后另存，或分成几份，也可另存为 csv。",
        "Unpacked, the file takes more memory than it may, and nothing of it was taken; delete what is not needed and "
        "save it anew, split it, or save it as csv.",
    )


def make_out_of_time_error() -> TooLarge:
    """The refusal of a file that takes longer than it may."""
    return TooLarge(
        "读取这个文件用时过长，已经停止，没有处理；请删去多余的行列和内容后另存，或分成几份，也可另存为 csv。",
        "Reading the file takes too long; it was stopped and nothing was taken. Delete what is not needed and save it "
        "anew, split it, or save it as csv.",
    )


def make_too_much_text_error() -> TooLarge:
    """The refusal of a file with more text than it may have."""
    return TooLarge(
        "文件里的文字过多，已经停止读取，没有处理；请删去多余的行列和内容后另存，或分成几份。",
        "There is more text in the file than it may have; it was stopped and nothing was taken. Delete what is not "
        "needed and save it anew, or split it.",
    )


def make_crash_error() -> UnreadableFile:
    """The refusal of a file that ended the process which read it."""
    return UnreadableFile(
        "这个文件无法读取：读取它的进程中途停止了，没有处理。文件可能已损坏或过大；"
        "请用表格软件或 Word 打开后另存一次，或另存为 csv 再试。",
        "The file cannot be read: the process that read it came to an end, and nothing was taken. It may be damaged or "
        "too large; open it in a spreadsheet program or Word and save it anew, or as csv.",
    )
