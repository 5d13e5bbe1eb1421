"""What a question says to be polite: it asks for nothing in the documents, so it is left out before the words are weighed."""

from __future__ import annotations

import re

# Openings. Each stands at the beginning of a question or behind a sentence.
_OPENINGS = (
    r"(?:すみません|すいません|申し訳(?:ありません|ございません)|恐れ入ります|おそれいります|お手数(?:です|をおかけします)|お忙しいところ)"
    r"(?:が|けど|けれど|けれども)?[、,。]?",
    r"(?:いつも)?お世話になって(?:おり|い)ます[、,。]?",
    r"(?:こんにちは|おはようございます|はじめまして|お疲れ(?:様|さま)です)[、,。]?",
    r"(?:ちょっと|少し|1点|一点|一つ|ひとつ)?(?:お伺い|お聞き|お尋ね|おたずね|質問)(?:し(?:ます|たい)|させてください)(?:のです|んです|です)?(?:が|けど|けれど)?[、,。]?",
)
# What asks to be told. ご教授 is a professor without ご and ください; 案内, 説明 and 確認 are content in 案内する窓口.
_PLEASE = r"(?:ください|下さい|頂けますか|いただけますか|頂けませんか|いただけませんか|もらえますか|もらえませんか|ほしい(?:です|のですが)?|欲しい(?:です|のですが)?)"
_REQUESTS = (
    rf"(?:を|について|に関して)?(?:お?教え|おしえ)て{_PLEASE}",
    rf"(?:を|について|に関して)?(?:ご|御)(?:教示|教授|回答|説明|案内|指導)?(?:{_PLEASE}|願い(?:ます|たい)|お?願い(?:します|致します|いたします|できますか))",
    r"(?:を|が|について|に関して|か)?(?:知り|お?伺い|うかがい|お聞きし|お尋ねし|お伺いし|確認し|教えてもらい|教えていただき|教えて頂き)たい(?:です|のです(?:が)?|んです(?:が|けど)?|と思います)?",
    r"(?:について|に関して)?(?:宜しく|よろしく)?お願い(?:します|いたします|致します|できますか)",
    r"(?:を|について|に関して|か)?(?:お尋ね|お伺い|お聞き|おたずね)(?:し|いたし|致し)ます",
    r"(?:が|か)(?:分かり|わかり|判り)(?:ません|ますか|ますでしょうか)",
)
# How to do it: the verb before it says what.
_HOW = (
    r"(?:どのように|どう|どうやって)(?:したら|すれば|やれば|やったら|し(?=たら))(?:良い|よい|いい|よろしい|宜しい)(?:の|ん)?(?:でしょうか|ですか|です|か)?",
    r"(?:どのように|どう)(?:なって|なりま|なる)(?:いますか|いるのでしょうか|いるのですか|いますでしょうか|すか|のでしょうか|のですか)",
)
_ENDINGS = (
    r"(?:の|ん)?でしょうか",
    r"(?:よろしい|宜しい)(?:でしょうか|ですか)",
)
_POLITE = re.compile("|".join((*_OPENINGS, *_REQUESTS, *_HOW, *_ENDINGS)))


def strip_politeness(question: str) -> str:
    """Return a question (NFKC) without what is only polite; unchanged if nothing else would be left.

    >>> strip_politeness("すみませんが、住民票の取り方を教えてください。"), strip_politeness("転入届について知りたいのですが")
    ('住民票の取り方 。', '転入届')
    >>> strip_politeness("案内する窓口の確認"), strip_politeness("教えてください")
    ('案内する窓口の確認', '教えてください')
    """
    rest = _POLITE.sub(" ", question).strip()
    return rest if re.search(r"\w", rest) else question


# What a turn says about the answer before, and nothing else: thanks, and that it was understood.
_THANKS = (
    r"(?:どうも|本当に|大変|とても)?[、\s]*(?:ありがとう|有難う|有り難う)(?:ございます|ございました)?",
    r"(?:大変|とても|本当に)?(?:助かりました|助かります|参考になりました|勉強になりました)",
    r"(?:よく|だいたい)?(?:分かりました|わかりました|解りました|理解しました|承知しました|了解しました|了解です|了解)",
    r"(?:なるほど|そうですか|そうなんですね|そうなのですね|はい|OK|オーケー)(?:です|ですね)?",
)
_THANKING = re.compile(rf"(?:(?:{'|'.join(_THANKS)})(?:ね|よ)?[、,。.!！\s]*)+")


def strip_thanks(question: str) -> str:
    """Return a question (NFKC) without the thanks in front of it; "" where there is nothing else.

    >>> strip_thanks("ありがとうございます。では費用は?"), strip_thanks("分かりました、ありがとう")
    ('では費用は?', '')
    >>> strip_thanks("はい、いいえで答える質問")
    'いいえで答える質問'
    """
    found = _THANKING.match(question)
    if not found or not found[0]:
        return question
    ends = found.end() == len(question) or question[found.end() - 1] in "、,。.!！ "
    return question[found.end() :].strip() if ends else question


def is_thanks(question: str) -> bool:
    """Tell whether a turn only thanks, or says that it was understood: it asks for nothing.

    >>> is_thanks("了解です。"), is_thanks("ありがとうございました!"), is_thanks("了解の取り方")
    (True, True, False)
    """
    return bool(question.strip()) and not strip_thanks(question.strip())
