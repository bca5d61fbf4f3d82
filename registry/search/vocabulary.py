"""The words of questions that are no names: techniques, stages, kinds of hospital, and the words around them.

Words for techniques and stages come from their tables; the others are here. They are data: no word decides a verdict.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from registry.domain.normalise import fold_text, normalise_width, simplify_script
from registry.domain.techniques import STAGES, TECHNIQUES
from registry.search.readings import Understood

#: Kinds of hospital people ask for by a word that is in no name: the word, and what their names hold.
CATEGORIES: dict[str, tuple[tuple[str, ...], re.Pattern[str]]] = {
    "military": (
        ("部队医院", "军队医院", "解放军医院", "军医院", "部队"),
        re.compile("解放军|军区|战区|联勤保障部队|军医大学|特色医学中心|集团军|武警|火箭军|海军|空军|陆军"),
    ),
    "armed_police": (("武警医院", "武警部队医院"), re.compile("武警")),
}
#: The same kinds for an engine: every name the expression fits holds one of these.
CATEGORY_TOKENS = {category: tuple(fits.pattern.split("|")) for category, (_, fits) in CATEGORIES.items()}


def _split_words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


#: Question words; none of them tells which institution is meant.
_QUESTION_WORDS = _split_words("""
    请问 请教 问一下 问下 问问 我想 我要 想要 需要 打算 准备 查一下 查下 查查 查询 查找 搜索 求推荐 推荐 介绍
    了解 谁知道 告诉我 帮我 你好 您好 谢谢 哪里 哪儿 哪家 哪几家 哪些 哪个 哪几个 哪所 有哪些 几家 多少家
    什么地方 什么 怎么 怎样 如何 能不能 可不可以 可以 能够 会不会 有没有 有无 是不是 是否 能做 可以做 可做
    能不能做 在做 做过 做了 开展 开设 进行 提供 具备 具有 拥有 正规 合法 合规 靠谱 可靠 官方 批准 获批 许可
    许可证 资质 资格 牌照 执照 怎么样 好不好 好吗 最好 比较好 好的 最强 权威 排名 排行榜 排行 口碑 评价 多少钱
    贵不贵 费用 价格 价钱 收费 联系电话 电话 地址 官网 网站 挂号 预约 建档 流程 攻略 哪个好 哪家好 选哪家 选哪个
    排队多久 要排队 排队 多久 成功率 多少 公立还是私立 公立吗 私立吗 公立 私立 正规吗 靠谱吗 怎么走 在哪里 在哪儿 在哪
    号码 专家号 看不孕 看男科 做手术 无精 弱精 少精 高龄 不好怀 怀不上 要孩子 生孩子 宝宝 麻烦 求助 求问 有人 有谁 前来
    听说 朋友 我们 俺们 咱们 阿拉 想问 问问看 咋样 中不中 得行不 得行 有木有 有冇 好伐
    去过 医保 报销 能做吗 可以做吗 做不做 做得 投诉 举报 咨询 建议 打算 合作 深度合作 听人说 说是 都能 都会 都有 都可以
    知道 打听 了解 工作 上班 家里 老家 边度 老铁 行不行 行吗 行不 不错 可以不 好不 这里 这边 这儿 那儿 这家 那家
    那里 那边 同事 姐妹们 姐妹 医生 专家 证件 最早 之一 欢迎 就诊 坐诊 每周 成功了 做成功 怀上了
""")
#: Words that say what kind of place is looked for, when nothing else is left to look for.
_PLACES_OF_CARE = _split_words("""
    医疗机构 医疗单位 医院 机构 单位 名单 名录 一览 大全 列表 技术 助孕 辅助生殖 人类辅助生殖 生殖医学 生殖
    生殖中心 生殖医学中心 试管中心
    科室 科 门诊 精子 不孕不育 不孕症 不孕 不育 求子 备孕 医生 专家 专业 条件 位置 三甲 三级甲等 公立 私立 民营 国家
    附近 周边 当地 本地 本市 本省 全市 全省 全国 全部 所有 我们 夫妻 夫妇 老公 老婆 或者 还是 以及
""")
#: Family names that begin a name which is written right after an institution's: nine people in ten have one of these.
FAMILY_NAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
    "范汪廖石金韦贾夏付傅方邹熊白孟秦邱侯江尹薛闫阎雷龙黎史陶贺毛段郝顾龚邵覃武钱戴严莫孔向常汤康易乔赖文施洪辛柯欧阳"
)
#: Who works there, as people are addressed: a family name, perhaps a given name, and a title. They name no institution.
PERSON = re.compile(
    f"[{''.join(sorted(FAMILY_NAMES))}][\u4e00-\u9fff]{{0,2}}?(?:主任医师|副主任|主任|教授|医生|大夫|医师|院长|专家|博士|老师|护士)"
)
#: What is written in sentences and never in a name: of 4,000 hospitals and all listed ones none has such a character.
NEVER_IN_NAMES = re.compile(
    "[去到在找问陪请给比往从跟被说想做吗的了吧呢啊是没我你您谁哪怎这也还又很最或及听选带把帮该得知住些么们他她它但再吃需懂挺搞弄"
    "俺咱侬恁俾畀冇乜唔咁喺嘅嘢睇揾啷咋啥咧咯哇哒哟呐呗啦喂嗑嗨嗯嘀嘛嘞噶噻忒瞅撒滴唠]|[0-9]号"
)
#: Between two names of one question.
JOINED = re.compile("以及|或者|还是|对比|比较|[和与跟]|vs|pk")
#: Single characters between the others.
_BETWEEN = "的了吗呢吧啊呀么嘛和或及与在于里内做有能会去到要想是查找问求哪谁家所都用请啥咋俺咱侬伐呗"
#: Those that are left over beside a word that was taken out of a question: 三亚妇幼能做[人工授精]吗.
LEFT_BEFORE, LEFT_AFTER = "做有能会是去到在的可想要用", "的吗呢了吧啊做么请咋啥俺咱与要就能"


def _join_alternatives(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


#: Words around a question that say nothing about which institution.
FILLER = re.compile(f"(?!生殖(?:专科)?医院)(?:{_join_alternatives((*_QUESTION_WORDS, *_PLACES_OF_CARE))}|[{_BETWEEN}])")
#: The department people name beside its hospital; and what they ask about it.
DEPARTMENT = re.compile(
    "(?:生殖(?:医学|健康|遗传|内分泌|助孕)*(?:与不孕)?(?:中心|科|门诊|医学部)|(?:不孕不育|辅助生殖|生殖医学|遗传)(?:中心|科|门诊)"
    f"|试管(?:婴儿)?(?:中心|科|室)|{_join_alternatives(_QUESTION_WORDS)}|吗|呢)"
)


#: Words around a name, and never a part of one.
AROUND_NAMES = re.compile(_join_alternatives(word for word in _QUESTION_WORDS if len(word) > 1))


def _build_vocabulary() -> dict[str, tuple[str, str]]:
    vocabulary: dict[str, tuple[str, str]] = {}
    for technique in TECHNIQUES:
        for word in (technique.code, *technique.printed, *technique.said):
            vocabulary[fold_text(word)] = ("technique", technique.code)
            vocabulary[simplify_script(normalise_width(word)).lower()] = ("technique", technique.code)
    for stage, printed in STAGES.items():
        vocabulary.update((word, ("stage", stage)) for word in printed)
    for category, (spellings, _) in CATEGORIES.items():
        vocabulary.update((word, ("category", category)) for word in spellings)
    return vocabulary


WORDS = _build_vocabulary()
_LONGEST = max(map(len, WORDS))
#: Words around a question of two characters and more: what is left out when a question is spelt in letters.
AROUND = tuple(word for word in (*_QUESTION_WORDS, *_PLACES_OF_CARE) if len(word) > 1)


def find_word(text: str, position: int) -> tuple[int, Understood] | None:
    """Find the longest word for a technique, a stage or a kind at a position: (length, what it means)."""
    if text[position] in " -" or (position and text[position].isascii() and text[position - 1].isascii()):
        return None
    for length in range(min(_LONGEST, len(text) - position), 1, -1):
        piece = text[position : position + length]
        meaning = WORDS.get(piece)
        if meaning and not (piece[-1].isascii() and _is_letter(text[position + length : position + length + 1])):
            return length, Understood(text=piece, kind=meaning[0], value=meaning[1])  # type: ignore[arg-type]
    return None


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalnum()
