"""The English names of the divisions of GB/T 2260, made by rule: pinyin without tones, one word a place.

    python -m tests.english_places

writes ``seed_data/regions/english.csv``. Names with a spelling of their own (Harbin, Shaanxi, Hohhot) stand in
``english-exceptions.csv`` beside it; here stand the characters that places read in another way than usual.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from pypinyin import lazy_pinyin

FOLDER = Path(__file__).parents[1] / "seed_data" / "regions"
PLACES, EXCEPTIONS = FOLDER / "english.csv", FOLDER / "english-exceptions.csv"
#: How places read a character, in this word or in every one.
READINGS: dict[str, str] = {
    **{"长子": "zhang zi", "子长": "zi chang", "东阿": "dong e", "乐清": "yue qing"},
    **{"乐亭": "lao ting", "六安": "lu an", "六合": "lu he", "大城": "dai cheng", "宕昌": "tan chang"},
    **{"吴堡": "wu bu", "红寺堡": "hong si bu", "荥经": "ying jing", "单县": "shan xian", "洪洞": "hong tong"},
    **{"闵行": "min hang", "繁峙": "fan shi", "中牟": "zhong mu", "牟平": "mu ping", "崆峒": "kong tong"},
    **{"曾都": "zeng du", "浚县": "xun xian", "筠连": "jun lian", "龙圩": "long xu", "回龙圩": "hui long xu"},
    **{"东莞": "dong guan", "珲春": "hun chun", "柏林": "bai lin", "厦门": "xia men", "重庆": "chong qing"},
    **{"长": "chang", "都": "du", "乐": "le", "什": "shi", "朝": "chao", "佛": "fo", "蚌": "beng", "尾": "wei"},
    **{"漯": "luo", "涡": "guo", "覃": "qin", "卡": "ka", "柏": "bai", "勒": "le", "埠": "bu"},
}
#: Peoples in the names of autonomous places.
PEOPLES: dict[str, str] = {
    **{"回": "Hui", "藏": "Tibetan", "苗": "Miao", "彝": "Yi", "壮": "Zhuang", "满": "Manchu", "侗": "Dong"},
    **{"瑶": "Yao", "白": "Bai", "黎": "Li", "傣": "Dai", "畲": "She", "羌": "Qiang", "水": "Sui", "土": "Tu"},
    **{"怒": "Nu", "各": "Multiethnic", "朝鲜": "Korean", "蒙古": "Mongol", "哈萨克": "Kazakh", "锡伯": "Xibe"},
    **{"柯尔克孜": "Kyrgyz", "塔吉克": "Tajik", "维吾尔": "Uygur", "土家": "Tujia", "布依": "Bouyei"},
    **{"哈尼": "Hani", "傈僳": "Lisu", "景颇": "Jingpo", "拉祜": "Lahu", "佤": "Wa", "纳西": "Naxi"},
    **{"仡佬": "Gelao", "仫佬": "Mulao", "毛南": "Maonan", "裕固": "Yugur", "保安": "Bonan", "东乡": "Dongxiang"},
    **{"撒拉": "Salar", "达斡尔": "Daur", "鄂温克": "Ewenki", "独龙": "Derung", "普米": "Pumi", "布朗": "Blang"},
}
_PEOPLE = "|".join(sorted(PEOPLES, key=len, reverse=True))
_SELF_GOVERNING = re.compile(f"(.{{2,}}?)((?:(?:{_PEOPLE})族?)*)自治([州县旗])")
_KINDS = {"州": "Prefecture", "县": "County", "旗": "Banner", "区": "District", "地区": "Prefecture", "盟": "League"}
_SUFFIXED = re.compile("(.+?)(特别行政区|新区|林区|矿区|特区|地区|省|市|盟|区|县|旗)")
_WORDS = {"新区": "New Area", "矿区": "Mining District", "林区": "Forestry District", "省": "", "市": ""}


def spell(chinese: str) -> str:
    """Spell Chinese as one word of pinyin without tones.

    >>> spell("西安"), spell("蚌埠"), spell("吕梁"), spell("六安")
    ("Xi'an", 'Bengbu', 'Lüliang', "Lu'an")
    """
    parts = re.split(f"({'|'.join(sorted(READINGS, key=len, reverse=True))})", chinese)
    read = (READINGS[part].split() if part in READINGS else lazy_pinyin(part) for part in parts if part)
    syllables = list(chain.from_iterable(read))
    word = "".join(f"'{s}" if s[0] in "aoe" and i else s for i, s in enumerate(syllables))
    return word.replace("v", "ü").capitalize()


def name_place(name: str) -> str:
    """Name a division in English by rule.

    >>> name_place("鞍山市"), name_place("铁西区"), name_place("黔东南苗族侗族自治州"), name_place("费县")
    ('Anshan', 'Tiexi District', 'Qiandongnan Miao and Dong Autonomous Prefecture', 'Feixian County')
    """
    if found := _SELF_GOVERNING.fullmatch(name):
        peoples = [PEOPLES[people] for people in re.findall(_PEOPLE, found[2])]
        listed = ", ".join(peoples[:-1]) + (" and " if len(peoples) > 1 else "") + (peoples[-1] if peoples else "")
        return " ".join(filter(None, (spell(found[1]), listed, "Autonomous", _KINDS[found[3]])))
    if found := _SUFFIXED.fullmatch(name):
        stem, kind = found.groups()
        word = _WORDS.get(kind, _KINDS.get(kind, ""))
        if len(stem) == 1 and kind != "市":  # 费县 is Feixian County
            return f"{spell(stem + kind)} {word}".rstrip()
        return f"{spell(stem)} {word}".rstrip()
    return spell(name)


def make_rows() -> Iterator[tuple[str, str]]:
    """Make (code, English name) of every code, by its latest name."""
    with EXCEPTIONS.open(encoding="utf-8", newline="") as file:
        exceptions = {row["name"]: row["english"] for row in csv.DictReader(file)}
    with (FOLDER / "regions.csv").open(encoding="utf-8", newline="") as file:
        lines = sorted(csv.DictReader(file), key=lambda row: row["until"] or "9999")
    names = {row["code"]: row["name"] for row in lines}
    for code, name in sorted(names.items()):
        yield code, exceptions.get(name) or name_place(name)


def main() -> None:
    """Write the file."""
    with PLACES.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("code", "english"))
        writer.writerows(make_rows())


if __name__ == "__main__":
    main()
