"""One form for characters that are written in several: old and new kanji, large and small katakana, lines and long vowels."""

from __future__ import annotations

import re

# Old and new forms of the characters for general use, each old one before its new one.
_OLD_AND_NEW = (
    "亞亜惡悪壓圧圍囲爲為醫医壹壱稻稲飮飲隱隠營営榮栄衞衛驛駅悅悦圓円緣縁艷艶鹽塩奧奥應応橫横歐欧毆殴黃黄溫温穩穏假仮價価畫画會会壞壊懷懐繪絵槪概擴拡殼殻覺覚學学嶽岳樂楽勸勧卷巻寬寛歡歓罐缶觀観關関陷陥顏顔巖巌歸帰氣気龜亀僞偽"
    "戲戯犧犠舊旧據拠擧挙虛虚峽峡挾挟狹狭鄕郷曉暁區区驅駆勳勲薰薫羣群徑径惠恵揭掲溪渓經経繼継莖茎螢蛍輕軽鷄鶏藝芸擊撃缺欠儉倹劍剣圈圏檢検權権獻献硏研縣県險険顯顕驗験嚴厳效効廣広恆恒鑛鉱號号國国黑黒濟済碎砕劑剤櫻桜雜雑參参慘惨"
    "棧桟蠶蚕贊賛殘残絲糸齒歯兒児辭辞濕湿實実舍舎寫写釋釈壽寿收収從従澁渋獸獣縱縦肅粛處処緖緒敍叙奬奨將将燒焼稱称證証乘乗剩剰壤壌孃嬢條条淨浄疊畳穰穣讓譲釀醸囑嘱觸触寢寝愼慎晉晋眞真盡尽圖図粹粋醉酔隨随髓髄數数樞枢聲声靜静齊斉"
    "攝摂竊窃專専戰戦淺浅潛潜纖繊踐践錢銭禪禅曾曽雙双壯壮搜捜插挿爭争總総聰聡莊荘裝装騷騒臟臓藏蔵屬属續続墮堕體体對対帶帯滯滞臺台瀧滝擇択澤沢單単擔担膽胆團団彈弾斷断癡痴遲遅晝昼蟲虫鑄鋳廳庁徵徴聽聴敕勅鎭鎮遞逓鐵鉄轉転點点傳伝"
    "黨党盜盗燈灯當当鬪闘德徳獨独讀読屆届繩縄貳弐惱悩腦脳霸覇廢廃拜拝賣売麥麦發発髮髪拔抜蠻蛮祕秘濱浜甁瓶拂払佛仏倂併竝並變変邊辺辨弁辯弁瓣弁舖舗穗穂寶宝豐豊沒没飜翻每毎萬万滿満麵麺默黙彌弥藥薬譯訳豫予餘余與与譽誉搖揺樣様謠謡"
    "來来賴頼亂乱覽覧龍竜兩両獵猟綠緑壘塁淚涙勵励禮礼隸隷靈霊齡齢戀恋爐炉勞労郞郎樓楼祿禄錄録灣湾增増淸清靑青敎教內内吳呉娛娯戶戸戾戻步歩歷歴曆暦涉渉瀨瀬狀状產産眾衆絕絶脫脱說説銳鋭閱閲稅税鍊錬巢巣剝剥塡填噓嘘瘦痩頰頬繫繋齋斎"
    "敘叙晚晩旣既卽即鄰隣禱祷瀆涜蠟蝋鷗鴎攪撹麴麹壺壷顚顛强強彥彦姬姫查査俱倶穎頴檜桧藪薮蘆芦鴈雁蔣蒋讚讃遙遥瑤瑶堯尭凛凜"
)
# Other forms that stand in names of people and places.
_IN_NAMES = "髙高﨑崎嵜崎濵浜冨富嶋島嶌島峯峰舘館桒桑𠮷吉邉辺渕淵渊淵栁柳靏鶴靍鶴寉鶴槗橋𣘺橋曻昇埜野籔薮麸麩圡土珎珍舩船恊協朖朗夛多斈学仝同毉医卆卒畧略峩峨秌秋曵曳篭籠"
OLD_TO_NEW = {old: new for pairs in (_OLD_AND_NEW, _IN_NAMES) for old, new in zip(pairs[::2], pairs[1::2], strict=True)}
"""Old or rare form of a character -> the form in general use."""

_DASHES = dict.fromkeys("‐‑‒–—―−─━➖", "-")  # NFKC leaves them; they all separate or join
_WAVES = dict.fromkeys("〜∼∿〰", "~")
_CHARACTERS = OLD_TO_NEW | _DASHES | _WAVES
# `str.translate` looks every character up; most texts hold few of these, or none.
_OTHER = re.compile(f"[{''.join(_CHARACTERS)}]")
_KATA = "ァ-ヺ"
# The character itself comes first in each pattern, so that a text without it is passed over quickly.
_LONG_VOWEL = re.compile(rf"[\-一](?<=[{_KATA}ー].)(?=[{_KATA}])|-(?<=[{_KATA}]-)(?=[ぁ-ん一-鿿、。)」]|$)")
_DASH_OF_DIGITS = re.compile(r"ー(?<=[0-9]ー)(?=[0-9])")
_COUNTER_KA = re.compile(r"[かカヵヶケ箇個](?=[月所年国条村町])(?<=[0-9〇一二三四五六七八九十百千数何].)")
_KA_IN_NAME = re.compile(r"[ヶヵ](?<=[一-鿿].)(?=[一-鿿])")

# Imported words: small and large kana (フイルム, キヤノン), ヴ, and ヂ, ヅ sound and mean the same. 斎 waits until the dictionary
# has been asked: it knows 斎場, not 斉場.
_KANA_PAIRS = dict(zip("ァィゥェォッャュョヮヂヅ斎", "アイウエオツヤユヨワジズ斉", strict=True))
_SMALL = re.compile(f"[{''.join(_KANA_PAIRS)}]")
_VU = (("ヴァ", "バ"), ("ヴィ", "ビ"), ("ヴェ", "ベ"), ("ヴォ", "ボ"), ("ヴ", "ブ"))
_LAST_LONG = re.compile(rf"([{_KATA}][{_KATA}ー]{{2,}})ー(?![{_KATA}ー])")  # カード keeps its line, メモリー does not
_HIRAGANA = re.compile(r"[ぁ-ゖー]{2,}")
_TO_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}


def mend_characters(text: str) -> str:
    """Return text (NFKC, lower case) with new forms of kanji, one hyphen, one wave and one way to write 箇.

    >>> mend_characters("髙橋邊學、サ−バ‐、090ー1234ー5678、10〜12、三ヶ月、5か所、自由ヶ丘")
    '高橋辺学、サーバー、090-1234-5678、10~12、三箇月、5箇所、自由ケ丘'
    """
    text = _OTHER.sub(lambda match: _CHARACTERS[match[0]], text)
    text = _LONG_VOWEL.sub("ー", text)
    text = _DASH_OF_DIGITS.sub("-", text)
    text = _COUNTER_KA.sub("箇", text)
    return _KA_IN_NAME.sub("ケ", text)


def fold_kana(text: str) -> str:
    """Return text with one spelling of imported words, for comparing only.

    >>> [fold_kana(word) for word in ["ヴァイオリン", "フィルム", "フイルム", "メモリー", "メモリ", "カード", "斎藤"]]
    ['バイオリン', 'フイルム', 'フイルム', 'メモリ', 'メモリ', 'カード', '斉藤']
    """
    if "ヴ" in text:
        for written, usual in _VU:
            text = text.replace(written, usual)
    if "ー" in text:
        text = _LAST_LONG.sub(r"\1", text)
    return _SMALL.sub(lambda match: _KANA_PAIRS[match[0]], text)


def write_in_katakana(word: str) -> str:
    """Return a name that is written in hiragana only in katakana: ごみ and ゴミ are one word.

    >>> write_in_katakana("ごみ"), write_in_katakana("生ごみ"), write_in_katakana("き")
    ('ゴミ', '生ごみ', 'き')
    """
    return word.translate(_TO_KATAKANA) if _HIRAGANA.fullmatch(word) else word
