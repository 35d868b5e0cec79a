# ruff: noqa: RUF001 - look-alike characters are what this is about
import re
import subprocess
import sys

import pytest
from emoji import EMOJI_DATA
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core import preprocessing
from tasks.core.base.errors import ModelFolderError
from tasks.core.preprocessing import PREPROCESSINGS, preprocess, preprocessing_digest, require_preprocessing
from tasks.core.preprocessing.probes import PROBES
from tests.support.examples import examples

GOLDEN_DIGESTS = {"none": "b3fded73e8b6", "tweet": "4f33062ee936", "boost": "9d93858b85b4"}
"""Of the released preprocessings, with the pinned libraries: a change here changes the scores of models in use."""

GOLDEN_TWEET = [
    ("Read https://example.org/a?b=1&c=2, then (www.example.org).", "Read http, then (http)."),
    ("HTTP://T.CO/x t.co/x1Y2 wordpic.twitter.com/z9", "http http word http"),
    ("cut off https:/… http://t…", "cut off http… http…"),
    ("awww... ewww.no and/or 24/7", "awww... ewww.no and/or 24/7"),
    ("http://a.b/c😂", "http face with tears of joy"),
    ("RT @ana_99: .@Bob's @anonymous @@eve rt@eve", "RT @user: .@user's @user @@user rt@user"),
    ("@José @jose\u0301x ＠tanakaさん @ana@mastodon.social", "@user @user @userさん @user"),
    ("ana.b@example.org x@y @ home", "ana.b@example.org x@y @ home"),
    ("#One #Two2 #3", "#One #Two2 #3"),
    ("great👍🏽👍", "great thumbs up thumbs up"),
    ("❤️❤ 👩🏿‍💻 🏳️‍🌈 1️⃣ 🇧🇷", "red heart red heart woman technologist rainbow flag keycap 1 Brazil"),
    ("👨\u200d👩 not joined in Unicode", "man woman not joined in Unicode"),
    ("fish &amp; chips &lt;3 &#39;q&#39; &amp;amp;lt; AT&T a&copy=1", "fish & chips <3 'q' < AT&T a&copy=1"),
    ("&#x1F600;&#64;ana", "grinning face @user"),
    ("cafe\u0301 \u212b", "café Å"),
    (" a \t\r\n b\u2028c\u00a0\u3000d ", "a b c d"),
    ("zero\u200bwidth \ufeffso\u00adft \u200eltr &am\u200bp;", "zerowidth soft ltr &"),
    ("می\u200cخواهم", "می\u200cخواهم"),
    ("Qué DÍA… ¿no? “sí” I’m", "Qué DÍA… ¿no? “sí” I’m"),
    ("", ""),
]

GOLDEN_BOOST = [
    ("see https://example.org/a, ok", "see url , ok"),
    ("hey @Ana_99 hello", "hey usr hello"),
    ("mail ana@example.org", "mail ana@example.org"),
    ("so #Tired2 #a#b of it, #1 on # &1;", "so htg of it, htg on # &1;"),
    ("@a @b hi there #x https://t.co/x", "hi there"),
    ("@user #x http://a.b", ""),
    ("URL usr is HTG broken", "is htg broken"),
    ("I can't; they’d've GONNA win, y'all: dont", "i cannot; they would have going to win, you all: dont"),
    ("don´t can`t", "do not cannot"),
    ("in Mar... 'twas", "in march it was"),
    ("GREAT 👍🏽day❤️ 1️⃣ ™", "great day"),
    ("no No NO very very, very", "no very, very"),
    ("the theme it's s", "the theme it is s"),
    ("what?!?! good!!! ha... snake__case", "what?! good! ha. snake_case"),
    ("1,234.56 12:30 50% $20 -3.5 x ٣", "num% $num -num x num"),
    ("2nd b4 covid19", "2nd b4 covid19"),
    ("ｆｕｌｌ ﬁne “q” «f» &amp; &nbsp; e", 'full fine "q" "f" & e'),
    ("zero\u200bwidth \t\n x", "zerowidth x"),
    ("Não sei, ¡¡VÁMONOS!! él", "não sei, ¡vámonos! él"),
    ("", ""),
]

FRAGMENTS = [
    *(
        "http://",
        "https:/",
        "www.",
        "t.co/",
        "pic.twitter.com/",
        "@",
        "＠",
        "#",
        "&",
        "amp;",
        "lt;",
        "&#x1F600;",
        "&#64;",
    ),
    *(
        "\u200b",
        "\u200d",
        "\ufe0f",
        "\u20e3",
        "1",
        "🏽",
        "😀",
        "👩",
        "❤",
        "🇺",
        "🇸",
        "RT",
        "rt",
        "usr",
        "url",
        "htg",
        "num",
    ),
    *(
        "user",
        "http",
        " ",
        "\n",
        ".",
        ",",
        "!",
        "?",
        "...",
        "'",
        "’",
        "can't",
        "may",
        "mar",
        "y'all",
        "jan.",
        "'d",
        "'ve",
    ),
    *(
        "\u0301",
        "\u0338",
        "\u037e",
        "İ",
        "Σ",
        "ﬁ",
        "½",
        "_",
        "-",
        "/",
        ":",
        "é",
        "さ",
        "K",
        "\x00",
        "\x85",
        "\u2028",
        "\ud800",
    ),
]
TEXTS = st.one_of(
    st.text(st.characters()),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.characters()), max_size=14).map("".join),
)
searching = settings(max_examples=examples(600), database=None, derandomize=True)


@pytest.mark.parametrize(("before", "after"), GOLDEN_TWEET)
def test_tweet_is_what_was_released(before, after):
    assert preprocess("tweet", [before]) == [after]


@pytest.mark.parametrize(("before", "after"), GOLDEN_BOOST)
def test_boost_is_what_was_released(before, after):
    assert preprocess("boost", [before]) == [after]


def test_none_keeps_every_character():
    assert preprocess("none", list(PROBES)) == list(PROBES)


@pytest.mark.parametrize("name", ["tweet", "boost"])
@searching
@given(text=TEXTS)
def test_preparing_twice_is_preparing_once(name, text):
    once = preprocess(name, [text])
    assert preprocess(name, once) == once


@searching
@given(text=TEXTS)
def test_tweet_leaves_no_link_and_no_handle(text):
    after = preprocess("tweet", [text])[0]
    assert re.findall(r"https?:/|(?<![\w@])www\.\w", after, re.IGNORECASE) == []
    assert set(re.findall(r"(?<!\w)[@＠]([A-Za-z0-9_]+)", after)) <= {"user"}
    assert after == " ".join(after.split())


@searching
@given(text=TEXTS)
def test_boost_is_lower_case_and_without_placeholders_at_its_ends(text):
    after = preprocess("boost", [text])[0]
    assert after == after.lower()
    words = after.split()
    assert not {"usr", "htg", "url"} & {*words[:1], *words[-1:]}


def test_every_emoji_of_the_library_is_named_and_removed():
    whole = {emoji: entry["en"].strip(":").replace("_", " ") for emoji, entry in EMOJI_DATA.items()}
    plain = {emoji: name for emoji, name in whole.items() if "skin tone" not in name}
    assert len(plain) > 2_000
    assert preprocess("tweet", [f"a{emoji}b" for emoji in plain]) == [f"a {name} b" for name in plain.values()]
    assert set(preprocess("boost", [f"a{emoji}b" for emoji in plain])) == {"a b"}
    assert "skin tone" not in " ".join(preprocess("tweet", list(whole)))


def test_a_text_without_end_of_repeats_takes_no_minutes():
    for text in ("a" * 50_000, "&amp;" * 10_000, "@" * 20_000, "a@" * 20_000, "www." * 10_000, "#_" * 10_000):
        for name in ("tweet", "boost"):
            assert isinstance(preprocess(name, [text])[0], str)


def test_outputs_are_the_same_in_another_process():
    """With other hash seeds: neither sets nor dictionaries may decide."""
    program = "from tasks.core.preprocessing import *; print(*map(preprocessing_digest, PREPROCESSINGS))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        for seed in ("1", "2")
    }
    assert outputs == {preprocessing_digest("boost")}


def test_digests_are_those_that_were_released():
    assert {name: preprocessing_digest(name) for name in PREPROCESSINGS} == GOLDEN_DIGESTS


@pytest.mark.parametrize("name", ["tweet", "boost"])
def test_most_probes_exercise_a_rule(name):
    changed = [text for text, after in zip(PROBES, preprocess(name, PROBES), strict=True) if text != after]
    assert len(changed) >= 17


def test_a_changed_rule_is_refused(monkeypatch):
    digest = preprocessing_digest("tweet")
    require_preprocessing("tweet", digest)
    rule = PREPROCESSINGS["tweet"]
    monkeypatch.setitem(preprocessing.PREPROCESSINGS, "tweet", lambda text: rule(text).replace("thumbs up", "like"))
    with pytest.raises(ModelFolderError, match=f"'tweet' makes other texts here .*'{digest}'.*constraints.txt"):
        require_preprocessing("tweet", digest)


def test_an_emoji_with_another_name_is_refused(monkeypatch):
    """As another version of the emoji package brings it."""
    from tasks.core.preprocessing import characters  # noqa: PLC0415

    digest = preprocessing_digest("tweet")
    monkeypatch.setitem(EMOJI_DATA, "🪿", EMOJI_DATA["🪿"] | {"en": ":wild_goose:"})
    characters._emoji.cache_clear()
    try:
        with pytest.raises(ModelFolderError, match="'tweet'"):
            require_preprocessing("tweet", digest)
    finally:
        monkeypatch.undo()
        characters._emoji.cache_clear()
    require_preprocessing("tweet", digest)


@pytest.mark.parametrize("call", [lambda: require_preprocessing("lower", "x"), lambda: preprocess("lower", ["x"])])
def test_an_unknown_name_is_refused(call):
    with pytest.raises(ModelFolderError, match=r"'lower'.*boost, none, tweet.*Install the version"):
        call()
