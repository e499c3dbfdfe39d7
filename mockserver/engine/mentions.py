"""What a question mentions that an argument could take: numbers, quotations, places, dates, and so on.

A property of a schema has a kind, guessed from the words of its name and then of its description ("city" is
a place). `Mentions` lists what the question holds of each kind, in the order of the text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from mockserver.engine.phrases import Language, book, clean, language_of, topic_of

Number = int | float

_READ = 4000  # characters of a question that are looked at
_MOST = 32  # values kept of one kind

_QUOTED = re.compile(
    r"“([^“”]{1,400})”|\"([^\"]{1,400})\"|「([^「」]{1,400})」|《([^《》]{1,400})》|(?<!\w)'([^']{1,400})'(?!\w)"
)
_NUMBER = re.compile(r"(?<![A-Za-z0-9_.])-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.[0-9]{1,15})?(?![0-9])")
_DATE = re.compile(r"((?:19|20)[0-9]{2})[-/年.](1[0-2]|0?[1-9])[-/月.](3[01]|[12][0-9]|0?[1-9])(?![0-9])日?")
_DAY = re.compile(r"今天|明天|后天|昨天|\b(?:today|tomorrow|yesterday)\b", re.IGNORECASE)
_SUM = re.compile(
    r"[(]{0,4}[0-9][0-9.]{0,15}[)]{0,4}(?:\s?[-+*/^%×÷x加减乘除]\s?[(]{0,4}[0-9][0-9.]{0,15}[)]{0,4}){1,50}"
)
_STATE = r"(?:, (?-i:[A-Z]{2})(?![A-Za-z]))?"
_CAPITALS = r"[A-Z][\w'.-]{1,30}(?: [A-Z][\w'.-]{1,30}){0,2}"
_AFTER_PREPOSITION = re.compile(rf"\b(?:in|at|to|from|near|and|for) ({_CAPITALS}{_STATE})")
_PERSON = re.compile(rf"(?:[Mm]y name is|I am|I'm|named|called|[Nn]ame[:：]|with) ({_CAPITALS})")
_PERSON_ZH = re.compile(
    r"(?:我叫|名叫|叫做|姓名[是为：:]?|我是)([\u4e00-\u9fff]{2,4}?)(?=[^\u4e00-\u9fff]|今年|来自|$)"
)
_PLAIN = {
    "email": re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}", re.ASCII),
    "url": re.compile(r"https?://[^\s\"'<>“”，。）)]{1,400}"),
    "code": re.compile(r"(?<![A-Za-z0-9])[A-Z]{2,6}(?![A-Za-z0-9])"),
    "currency": re.compile(r"(?<![A-Za-z0-9])[A-Z]{3}(?![A-Za-z0-9])"),
    "file": re.compile(r"(?<![\w./])[\w./-]{1,120}\.[A-Za-z][A-Za-z0-9]{0,4}(?![\w@])", re.ASCII),
}

# The first kind that shares a word with a property wins.
_KINDS = {
    kind: frozenset(words.split())
    for kind, words in (
        ("expression", "expression formula equation calculation arithmetic 表达式 算式 公式"),
        ("email", "email mail recipient 邮箱 邮件"),
        ("url", "url uri link website webpage 网址 链接"),
        ("date", "date day 日期"),
        ("currency", "currency 货币"),
        ("code", "symbol ticker 股票代码"),
        ("file", "file filename path directory 文件 路径"),
        (
            "place",
            (
                "location city place address destination origin region country town where departure arrival "
                "城市 地点 位置 地址 地区 国家 出发 到达 目的地"
            ),
        ),
        (
            "text",
            (
                "query question q keyword keywords text content prompt message input search term topic "
                "subject title body 关键词 查询 问题 内容 文本 标题"
            ),
        ),
        ("person", "name person author user customer 姓名 名字 人名"),
    )
}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[\u4e00-\u9fff]+")
_PLURAL = re.compile(r"ies$|(?<=[^s])s$")


def words_of(text: str) -> list[str]:
    """Lower-case words: snake_case and camelCase are split, runs of Chinese stay whole."""
    return [word.lower() for word in _WORD.findall(text[:_READ])]


def kind_of(name: str, description: str = "") -> str:
    """What kind of value a property wants: a key of the kinds, or "" when nothing tells."""
    return _kind(name) or _kind(description)


def _kind(text: str) -> str:
    words = [_PLURAL.sub(lambda end: "y" if end[0] == "ies" else "", word) for word in words_of(text)]
    for kind, hints in _KINDS.items():
        if any(word in hints or (word > "\u4e00" and any(hint in word for hint in hints)) for word in words):
            return kind
    return ""


@dataclass(frozen=True)
class Mentions:
    """The values found in `text`, each list at most 32 long and without repetition."""

    text: str

    @classmethod
    def of(cls, question: str) -> "Mentions":
        """Reads the beginning of a question."""
        return cls(clean(question[:_READ]))

    @cached_property
    def topic(self) -> str:
        """What the question is about."""
        return topic_of(self.text)

    @cached_property
    def quoted(self) -> tuple[str, ...]:
        """Strings in quotation marks of any style."""
        return _distinct("".join(groups).strip() for groups in _QUOTED.findall(self.text))

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """Numbers that are no part of a date, `1,000` read as one."""
        found = (match.replace(",", "") for match in _NUMBER.findall(_DATE.sub(" ", self.text))[:_MOST])
        return tuple(float(number) if "." in number else int(number) for number in found)

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Places that are known, or capitalised after a preposition, in the order of the text."""
        pattern, spelling = _place_table()
        known = {match.start(): spelling.get(match[0].lower(), match[0]) for match in pattern.finditer(self.text)}
        guessed = {match.start(1): match[1].rstrip(".") for match in _AFTER_PREPOSITION.finditer(self.text)}
        both = {**guessed, **known}
        return _distinct(both[start] for start in sorted(both))

    @cached_property
    def language(self) -> Language:
        """The language of the question."""
        return language_of(self.text)

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """Everything of one kind; nothing for a kind without a way to find it."""
        if kind == "place":
            return self.places
        if kind == "date":
            iso = (f"{year}-{int(month):02}-{int(day):02}" for year, month, day in _DATE.findall(self.text))
            return _distinct((*iso, *_DAY.findall(self.text)))
        if kind == "expression":
            return _distinct(match.strip() for match in _SUM.findall(self.text))
        if kind == "person":
            return _distinct(match.strip() for match in (*_PERSON.findall(self.text), *_PERSON_ZH.findall(self.text)))
        return _distinct(_PLAIN[kind].findall(self.text)) if kind in _PLAIN else ()

    def says(self, word: str) -> bool:
        """Whether the question holds the word: whole words of Latin script, any position in Chinese."""
        if not word.strip() or len(word) > _READ:
            return False
        if not word.isascii():
            return word in self.text
        return re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", self.text, re.IGNORECASE) is not None


def _distinct(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in found if value))[:_MOST]


@cache
def _place_table() -> tuple[re.Pattern[str], Mapping[str, str]]:
    """A pattern of all known places, longest first, and their spelling by lower case."""
    chinese = "|".join(sorted(book("zh")["places"], key=len, reverse=True))
    world = "|".join(re.escape(place) for place in sorted(book("en")["places"], key=len, reverse=True))
    pattern = rf"(?:(?:{chinese})省)?(?:{chinese})[市县省]?|(?<![A-Za-z])(?:{world})(?![A-Za-z]){_STATE}"
    return re.compile(pattern, re.IGNORECASE), {place.lower(): place for place in book("en")["places"]}
