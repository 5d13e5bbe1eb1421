"""Tell questions that no document of a municipality answers, and those that ask for somebody's data, before anything is searched.

Each rule is a form of asking, never a topic: 明日の天気 is asked for the weather, 天気が悪いときの訓練 is not. Whatever is about
a procedure is let through; a wrong guess here would hide an answer, and what slips through still has to be proved.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from rag.answering.privacy.finding import find_personal_data
from rag.answering.privacy.kinds import PersonalKind
from rag.documents import Reason


@dataclass(frozen=True, slots=True)
class Scope:
    """Why a question is declined, and what the person who asked is told."""

    reason: Reason
    message: str


PERSONAL = Scope(
    Reason.PERSONAL_DATA,
    "特定の人の住所・連絡先・税・家族などの個人情報は、お答えできません。手続や制度についての質問でしたら、お答えできます。",
)


def find_scope(question: str) -> Scope | None:
    """Return why a question is declined whatever the documents say; None for a question that is to be searched.

    >>> find_scope("隣の家の滞納額を教えて").reason, find_scope("明日の天気は").reason
    (<Reason.PERSONAL_DATA: 'personal_data'>, <Reason.OUT_OF_SCOPE: 'out_of_scope'>)
    >>> find_scope("滞納したときはどうなりますか"), find_scope("天候不良でごみ収集は休みますか")
    (None, None)
    """
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", question)).strip()
    if _asks_for_personal_data(text):
        return PERSONAL
    return next(
        (scope for scope, rules, exceptions in _OUTSIDE if rules.search(text) and not exceptions.search(text)), None
    )


# --- somebody's data --------------------------------------------------------------------------------------------------

_PRIVATE = (
    r"(?:住所|引っ?越し?先|転居先|転出先|居場所|電話番号|携帯(?:電話)?(?:の?番号)?|自宅|メールアドレス|マイナンバー|個人番号|口座(?:番号)?|滞納|年収"
    r"|借金|家族構成|家の場所)"
)
_PRIVATE_OF_A_PERSON = (
    rf"(?:{_PRIVATE}|生年月日|誕生日|年齢|何歳|給料|給与|所得|収入|税額|税の額|税金(?:の額)?|病気|病名|障害|診断|戸籍|離婚|結婚しま|生活保護|要介護"
    r"|成績|勤務評価|人事評価|処分歴|家は(?:どこ|何)|番号を?教)"
)
_TITLE = r"(?:さん|様|さま|氏|殿|くん|君|ちゃん|先生|課長|係長|部長|局長|主任|議員|区長|主査|主事)"
_PROCEDURE = re.compile(
    r"手続|届|申請|方法|どうすれば|どうしたら|どのように(?:すれば|したら)|制度|規程|規則|条例|決まり|きまり|条件|場合|とき|できますか|できるか|取れますか|渡せますか"
    r"|閲覧|公開|公表|証明|必要|相談(?:し|先|窓口)|期限|様式|いつまで|委任|本人の|自分の|私の|わたしの|基準|知られない|困って|もらえますか|持ち物|罰|貸した|借りた"
)
_REQUEST = r"(?:出して|見せて|教えて|ください|下さい|挙げて|表示|一覧にして|知りたい|調べて|(?:は)?(?:何|誰|だれ)(?:です|$|\?|。)|は[?。]?$|ちょうだい|くれ)"
_SOMEBODY = (
    r"(?:隣|となり|お隣|近所|向かい|裏)(?:の|に(?:住|い)).{0,12}|(?:元|別れた|前の)(?:の)?(?:夫|妻|旦那|彼氏|彼女|恋人|嫁).{0,8}|同級生.{0,10}"
    r"|(?:あの|その|この)(?:人|方|職員|家|男|女|先生|課長|議員).{0,6}"
)
_GROUP = r"(?:滞納|生活保護|要介護|要支援|障害者?手帳|いじめ|処分|苦情|離婚|病気|窓口に来|引っ?越し(?:た|て)|未納|未払|\d+歳|町民|住民|市民|村民|世帯|認知症|妊娠|相談に来)"
_LIST = r"(?:名簿|一覧(?:表)?|リスト|名前|氏名|住所|連絡先)"
_PERSONAL_RULES = re.compile(
    "|".join(
        (
            rf"(?:{_SOMEBODY})の(?:今の|現在の|新しい)?.{{0,8}}(?:{_PRIVATE_OF_A_PERSON}|名前)",
            rf"(?:{_SOMEBODY})(?:離婚|結婚)しましたか",
            rf"{_GROUP}.{{0,16}}(?:の|し?た|いる)?{_LIST}(?:と\w{{2,6}})?(?:の中身)?(?:を|は)?(?:全部|すべて|全て|みんな)?.{{0,4}}{_REQUEST}",
            rf"{_GROUP}.{{0,16}}(?:人|者|職員|生徒|児童|方)(?:は|が)?(?:誰|だれ)(?:です|か|$)",
            r"(?:苦情|通報|告発|いじめ|窓口に来|相談に来|電話して)[^、。]{0,8}のは(?:誰|だれ)",
            rf"^(?:その|あの)?名簿(?:の中身)?を.{{0,4}}{_REQUEST}",
            r"(?:職員|課長|係長|部長|町長|議員|先生|校長)の(?:個人の?|自宅の?|私用の?)(?:住所|携帯|電話|番号|連絡先|メール)",
            r"(?:職員|課長|係長|部長|町長|議員|校長)の(?:携帯(?:電話)?の?番号|自宅)(?:を|は|が)",
        )
    )
)
_OWNER = re.compile(
    r"(?:の)?(?:人|持ち主|方|住人)は(?:誰|だれ)|は(?:誰|だれ)の|(?:誰|だれ)が住んで|(?:誰|だれ)の(?:電話|家|番号|もの)"
)


def _asks_for_personal_data(text: str) -> bool:
    """Tell whether a question asks what is private about a person, and not how something is done."""
    if _PROCEDURE.search(text):
        return False
    if _PERSONAL_RULES.search(text):
        return True
    found = find_personal_data(text)
    for datum in found:
        behind = text[datum.end :]
        if datum.kind is PersonalKind.NAME:
            private = _PRIVATE_OF_A_PERSON if re.match(_TITLE, behind) else _PRIVATE
            if re.match(rf"{_TITLE}?(?:の|は|が|宅).{{0,20}}{private}", behind):
                return True
        elif datum.kind in (PersonalKind.PHONE, PersonalKind.ADDRESS, PersonalKind.EMAIL) and _OWNER.match(behind):
            return True
    return False


# --- what is in no document -------------------------------------------------------------------------------------------

_NEVER = re.compile(r"(?!)")
_TODAY = r"(?:今日|きょう|明日|あした|あす|明後日|あさって|昨日|週末|今週|来週|今夜|今晩|今朝|現在|今)"
_WRITE = r"(?:書いて|作って|作成して|組んで|考えて|つくって|書け|作れ)"
_NATURE = "文書に書かれない今の出来事（天気・ニュース・株価・試合の結果など）は、お答えできません。"
_OPINION = "意見や好み、投票先、将来の予想は、お答えできません。文書に書かれている事実でしたら、お答えできます。"
_MAKING = "プログラムや文章の作成、翻訳、計算は、お答えできません。文書の内容についての質問をどうぞ。"
_TALK = "雑談にはお答えできません。手続や制度など、文書の内容についての質問をどうぞ。"
_RUDE = "文書の内容についての質問にだけお答えします。知りたいことを文で入力してください。"


def _rules(
    message: str, *patterns: str, exceptions: str | None = None
) -> tuple[Scope, re.Pattern[str], re.Pattern[str]]:
    excluded = re.compile(exceptions) if exceptions else _NEVER
    return Scope(Reason.OUT_OF_SCOPE, message), re.compile("|".join(patterns)), excluded


_OUTSIDE = (
    _rules(
        _NATURE,
        rf"{_TODAY}の?[^、。]{{0,8}}(?:天気|気温|降水確率|最高気温|最低気温)",
        rf"{_TODAY}は?、?(?:雨|雪|晴れ|台風)[がは]?(?:降|来|です|ます|かな)",
        r"^天気(?:予報)?(?:を教えて|は[?。]?$|はどう)",
        exceptions=r"ごみ|収集|訓練|中止|運動会|休み|開催|行事|除雪|プール|警報|場合|とき|避難|決ま|基準|窓口",
    ),
    _rules(
        _NATURE,
        r"(?:今日|今|現在|明日|最新)の?(?:日経平均|株価|為替|円相場|ドル円|金相場|ビットコイン)",
        r"(?:日経平均|株価|ビットコイン|仮想通貨|暗号資産)は?(?:今|いま|これから|今後|来年)?.{0,8}(?:いくら|上が|下が)",
        r"[1一]ドルは(?:今|いま)?、?(?:何円|いくら)",
        r"(?:今日|最新|昨日|今朝)の?(?:主な)?ニュース(?:を|は|って)",
        r"(?:昨日|今日|昨夜|ゆうべ)の?(?:プロ野球|野球|サッカー|相撲|試合|レース)の?.{0,6}(?:結果|勝|スコア)",
        r"^(?:今|いま)は?、?何時(?:ですか|なの)?[?。]?$",
        r"[^、。]{1,10}から[^、。]{1,10}までの(?:新幹線|電車|特急|飛行機|高速バス)の(?:時刻|料金|運賃|時間)",
        r"宝くじの.{0,6}(?:当たる|当選する|当たり)番号",
        exceptions=r"広報|出張|旅費|規程|なぜ|どうして|理由",
    ),
    _rules(
        _OPINION,
        r"(?:町長|市長|村長|知事|首相|総理|大臣|大統領|議員|政党|与党|野党|政権|政府|内閣)[^、。]{0,6}(?:をどう思|についてどう思|が?は?好き(?:です|か)|が?は?嫌い(?:です|か)|を支持し)",
        r"(?:誰|だれ|どの人|どの候補\w*|どの政党|どこの党)に(?:投票|入れ)[^、。]{0,4}べき",
        r"(?:賛成|反対)(?:です)?か[、,]?\s?(?:それとも)?(?:反対|賛成)(?:です)?か",
        r"(?:仮想通貨|株|ドル|円|土地の値段)は?.{0,8}(?:値上がり|値下がり|上がり|下がり)(?:しますか|ますか|そうですか)",
    ),
    _rules(
        _MAKING,
        rf"(?:プログラム|ソースコード|コード|マクロ|クエリ|スクリプト|正規表現|アプリ|ホームページ|電卓|ゲーム)を?{_WRITE}",
        rf"(?i:python|パイソン|java|javascript|ruby|php|c言語|c\+\+|vba|html|sql)[^、。]{{0,20}}{_WRITE}",
        rf"(?:俳句|短歌|川柳|詩|小説|作文|感想文|物語|歌詞|スピーチ|手紙|挨拶文|キャッチコピー|替え歌)を?{_WRITE}",
        r"(?:英語|中国語|韓国語|ベトナム語|ポルトガル語|フランス語|ドイツ語|スペイン語|日本語)[にへ](?:翻訳|訳)し(?:て|ろ)",
        r"(?:翻訳|和訳|英訳)して(?:ください|下さい|くれ|ほしい|[?。]?$)",
        r"は(?:英語|中国語|韓国語|フランス語|ドイツ語|スペイン語)で(?:は)?(?:何|なん|どう)(?:と)?(?:言|い|書|です)",
        r"^[0-9０-９.,() ]+(?:[+×÷*][0-9.,() ]+)+=?(?:は|の答え|を計算).{0,10}$|^[0-9.,() ]+(?:[+×÷*][0-9.,() ]+)+=?[?。]?$",
        r"[0-9]+(?:かける|たす|ひく|わる|足す|引く|割る|掛ける)[0-9]+",
        r"(?:平方根|立方根|素因数分解|微分|積分)(?:を(?:計算|求め)|は(?:いくつ|何))",
        r"(?:宿題|レポート|論文)(?:の\w{1,6})?を(?:書いて|やって|解いて|手伝って)",
        r"(?:夕食|夕飯|夕ご飯|晩ご飯|晩ごはん|昼食|昼ご飯|朝食|お弁当|今日のご飯)の?(?:献立|メニュー|おかず)?を(?:考えて|決めて|作って)",
        r"(?:^|[、 ])(?:カレー|ラーメン|パスタ|味噌汁|みそ汁|ハンバーグ|ケーキ|チャーハン|肉じゃが|餃子|オムライス)の(?:作り方|レシピ)",
    ),
    _rules(
        _TALK,
        r"(?:面白い|おもしろい|楽しい|怖い|笑える)話を?(?:して|聞かせて|教えて)",
        r"(?:冗談|ジョーク|ダジャレ|なぞなぞ|早口言葉)(?:を)?(?:言って|教えて|出して|お願い|して)",
        r"しりとり(?:しよう|をしよう|しましょう|をして|しない)|(?:何か|なにか|歌を)歌って|占って(?:ください|ほしい|[?。]?$)|(?:今日|明日|私|今年)の運勢",
        r"^(?:こんにちは|こんばんは|おはよう(?:ございます)?|はじめまして|初めまして|ありがとう(?:ございます|ございました)?|やあ|もしもし|さようなら|おやすみ(?:なさい)?)[。!！\s]*$",
        r"^(?:あなた|きみ|君|お前|おまえ)の(?:名前|年齢|趣味|性別|出身)は|^(?:あなた|きみ|君|お前)は(?:AI|人間|誰|だれ|何者|ロボット|機械|男|女)(?:です|なの|か|$|[?。])",
        r"^(?:お?元気|調子はどう)(?:ですか|\?|。|$)",
        r"(?:恋人|彼女|彼氏)が(?:でき(?:ません|ない)|ほしい|欲しい)",
        r"(?:おすすめ|お勧め|オススメ)の(?:映画|音楽|ゲーム|ドラマ|アニメ|漫画|マンガ|曲)(?:は|を|って)",
        r"(?:前|これまで|今まで|上記|以前)の(?:指示|命令|ルール)[をは]?(?:すべて|全て)?(?:無視|忘れ)|(?:システム)プロンプトを",
    ),
    _rules(
        _RUDE,
        r"^(?:お前|おまえ|あなた|きみ|君|てめえ|このシステム|この)?[はも]?(?:本当に|ほんとに)?(?:この)?(?:、)?(?:ばか|バカ|馬鹿|あほ|アホ|死ね|しね|くず|クズ|ゴミ野郎|役立たず|うるさい|黙れ|消えろ|無能|ボケ|カス|くたばれ|ふざけるな)"
        r"(?:だな?|です|だ|か|め|野郎|者|ども|ね|よ|じゃないの)*(?:[、。!！?？ ]+\w{0,6})?[。!！?？]*$",
        r"(?:職員|役場|町長|役人|公務員|担当者?)[^、。「」]{0,8}(?:は|も)[^、。「」]{0,6}(?:くず|クズ|ばか|バカ|馬鹿|アホ|あほ|無能|役立たず)(?:だ|です|ばかり|ぞろい|[。!！]|$)",
    ),
)
"""(what is said, the forms of asking that it is said to, the words with which a question is let through all the same)"""
