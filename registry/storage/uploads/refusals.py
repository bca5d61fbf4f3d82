"""The refusals of files and of rows in them: sentences with what to do, the same for every kind of file."""

from registry.errors import Busy, InvalidInput, TooLarge, UnreadableFile
from registry.storage.uploads.limits import MAX_BLANK_LINES, MAX_LINE_LENGTH
from registry.texts import Message


def make_damaged_file_error(reason: object) -> UnreadableFile:
    """The refusal of a file that ends early or contradicts itself; ``reason`` is for the log."""
    return UnreadableFile(
        Message("文件已损坏；请重新取得，或用 Word、表格软件打开后另存为 docx、xlsx 或 csv。"), reason=str(reason)
    )


def make_password_error() -> UnreadableFile:
    """The refusal of a file that opens only with a password."""
    return UnreadableFile(Message("文件有密码保护，请先去掉密码，另存后再上传。"))


def make_too_large_error(message: Message, limit: float) -> TooLarge:
    """The refusal of a file beyond a limit; the words say what there is too much of."""
    return TooLarge(
        Message(
            "文件过大或过于复杂：{message}。没有处理；请删去多余的行列和内容后另存，或分成几份，也可另存为 csv。",
            message=message,
        ),
        limit=limit,
    )


def make_cell_too_long_error(limit: int) -> TooLarge:
    """The refusal of a file with a cell, or another text in one piece, that is too long."""
    return make_too_large_error(Message("有一格的内容超过{limit:,}个字符", limit=limit), limit)


def make_out_of_memory_error() -> TooLarge:
    """The refusal of a file that takes more memory than it may."""
    message = Message(
        "文件展开后过大，读取时超出了内存上限，没有处理；请删去多余的行列和内容后另存，或分成几份，也可另存为 csv。"
    )
    return TooLarge(message)


def make_out_of_time_error() -> TooLarge:
    """The refusal of a file that takes longer than it may."""
    return TooLarge(
        Message("读取这个文件用时过长，已经停止，没有处理；请删去多余的行列和内容后另存，或分成几份，也可另存为 csv。")
    )


def make_crash_error() -> UnreadableFile:
    """The refusal of a file that ended the process which read it."""
    message = Message(
        "这个文件无法读取：读取它的进程中途停止了，没有处理。文件可能已损坏或过大；"
        "请用表格软件或 Word 打开后另存一次，或另存为 csv 再试。"
    )
    return UnreadableFile(message)


def make_not_office_error() -> UnreadableFile:
    """The refusal of a file that is neither docx nor xlsx."""
    return UnreadableFile(Message("这不是 docx 或 xlsx 文件，请用 Word 或 Excel 打开后另存为 docx 或 xlsx。"))


def make_busy_error() -> Busy:
    """The refusal where too many files are being read."""
    return Busy(Message("正在处理的文件过多，这个文件没有处理，请稍等几秒再上传。"), retry_after=5)


# --- single rows of files of claims ----------------------------------------------------------------------------------


def make_row_too_long_error() -> InvalidInput:
    """The refusal of a row of claims that is too long."""
    message = Message(
        "这一行超过{max_line_length:,}个字符，未核验；请检查是否漏了换行或引号。", max_line_length=MAX_LINE_LENGTH
    )
    return InvalidInput(message)


def make_too_many_blank_lines_error() -> TooLarge:
    """The refusal of a file of claims with too many blank lines."""
    message = Message(
        "文件里的空行超过{max_blank_lines:,}个，此后各行未核验；请删去空行再提交。", max_blank_lines=MAX_BLANK_LINES
    )
    return TooLarge(message, limit=MAX_BLANK_LINES)
