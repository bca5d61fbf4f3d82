"""The refusals of files and of rows in them: sentences with what to do, the same for every kind of file."""

from __future__ import annotations

from registry.errors import Busy, InvalidInput, TooLarge, UnreadableFile
from registry.uploads.limits import MAX_BLANK_LINES, MAX_LINE_LENGTH


def make_damaged_file_error(reason: object) -> UnreadableFile:
    """The refusal of a file that ends early or contradicts itself; ``reason`` is for the log."""
    return UnreadableFile(
        "文件已损坏；请重新取得，或用 Word、表格软件打开后另存为 docx、xlsx 或 csv。",
        "The file is damaged; please get it again, or open it in Word or a spreadsheet program and save it as docx, "
        "xlsx or csv.",
        reason=str(reason),
    )


def make_dtd_error() -> UnreadableFile:
    """The refusal of XML with a DTD, which no office program writes."""
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
    """The refusal of a file beyond a limit; the words say what there is too much of."""
    return TooLarge(
        f"文件过大或过于复杂：{zh}。没有处理；请删去多余的行列和内容后另存，或分成几份，也可另存为 csv。",
        f"The file is too large or too complex: {en}. Nothing of it was taken; delete what is not needed and save it "
        "anew, split it, or save it as csv.",
        limit=limit,
    )


def make_cell_too_long_error(limit: int) -> TooLarge:
    """The refusal of a file with a cell, or another text in one piece, that is too long."""
    return make_too_large_error(
        f"有一格的内容超过{limit:,}个字符", f"one of its cells is longer than {limit:,} characters", limit
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


def make_not_office_error() -> UnreadableFile:
    """The refusal of a file that is neither docx nor xlsx."""
    return UnreadableFile(
        "这不是 docx 或 xlsx 文件，请用 Word 或 Excel 打开后另存为 docx 或 xlsx。",
        "This is neither docx nor xlsx; please open it in Word or Excel and save it as docx or xlsx.",
    )


def make_busy_error() -> Busy:
    """The refusal where too many files are being read."""
    return Busy(
        "正在处理的文件过多，这个文件没有处理，请稍等几秒再上传。",
        "Too many files are being read at the moment, and this one was not. Please send it again in a few seconds.",
        retry_after=5,
    )


# --- single rows of files of claims ----------------------------------------------------------------------------------


def make_row_too_long_error() -> InvalidInput:
    """The refusal of a row of claims that is too long."""
    return InvalidInput(
        f"这一行超过{MAX_LINE_LENGTH:,}个字符，未核验；请检查是否漏了换行或引号。",
        f"This row is longer than {MAX_LINE_LENGTH:,} characters and was not checked; is a line break or a quote "
        "missing?",
    )


def make_too_many_blank_lines_error() -> TooLarge:
    """The refusal of a file of claims with too many blank lines."""
    return TooLarge(
        f"文件里的空行超过{MAX_BLANK_LINES:,}个，此后各行未核验；请删去空行再提交。",
        f"There are more than {MAX_BLANK_LINES:,} blank lines, and nothing after them was checked; delete the blank "
        "lines.",
        limit=MAX_BLANK_LINES,
    )


def make_encoding_error() -> InvalidInput:
    """The refusal of a row with bytes of an unknown encoding."""
    return InvalidInput(
        "这一行含有无法识别的字符编码，未核验；请把文件存为 UTF-8。",
        "This row has bytes that are neither UTF-8 nor GB18030 and was not checked; save the file as UTF-8.",
    )


def make_quote_error(reason: str) -> InvalidInput:
    """The refusal of a row with broken quotes."""
    return InvalidInput(
        f"这一行的引号有误（{reason}），未核验；内容里的双引号须写成两个。",
        f"The quotes of this row are wrong ({reason}), and it was not checked; a quote inside a value is doubled.",
    )


def make_carriage_return_error() -> InvalidInput:
    """The refusal of a row with a carriage return inside."""
    return InvalidInput(
        "这一行中有单独的回车符（\\r），未核验；各行请以换行（LF 或 CRLF）结束，另存为“CSV UTF-8”即可。",
        "This row holds a lone carriage return (\\r) and was not checked; lines end with LF or CRLF. Saving it as "
        "“CSV UTF-8” mends that.",
    )
