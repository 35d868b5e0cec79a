"""Texts whose outputs identify a preprocessing. Changing one changes every digest: add none, remove none."""

# ruff: noqa: RUF001 - look-alike characters are what this is about

EMOJI_BLOCKS = ((0x2190, 0x2BFF), (0x3030, 0x303D), (0x3297, 0x3299), (0x1F000, 0x1FAFF))
"""Every character here is probed, assigned or not: a library that learns new emoji, or renames one, is noticed."""

PROBES = (
    "nothing to do",
    "Read THIS: https://example.org/a?b=1&c=2, www.example.org. Also http://t.co/x1Y2 and t.co/x1Y2pic.twitter.com/z9",
    "cut off by a retweet https:/… http://t…",
    "RT @ana_99: .@Bob's reply to @anonymous, @@eve and @ana@mastodon.social; write to ana.b@example.org",
    "@usuario1 @usuario2 hola #uno #dos2 #3 http://example.org",
    "＠tanakaさん ＃タグ ｆｕｌｌ ｗｉｄｔｈ",
    "great 👍🏽👍 day ❤️❤ 👩🏿‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 1️⃣ #️⃣ © ™ 🇧🇷🇺🇸🏴󠁧󠁢󠁥󠁮󠁧󠁿🥲🫠",
    "fish &amp; chips &lt;3 &#39;quoted&#39; &quot;x&quot; &amp;amp;lt; &nbsp; AT&T &copy &#x1F600;",
    "I'm sure they can't've said it's gonna rain; y'all shouldn't worry, who'd know? Tom's dont wanna. 'Twas Jan. 5",
    "I’m “quoted” ‘so’ it’s «fine» – really… don´t can`t",
    "1 2 3 numbers: 1,234.56 12:30 24/7 50% $20 -3.5 2nd b4 covid19 ½ ² ٣ the #1 spot &1; in Mar... end",
    "no no no very very good!!! what?!?! ha ha ha... ___ ---- ,,, the theme",
    "Qué día más largo, ¿no? ¡¡Vámonos YA!! El niño está en la montaña, güey 😂😂😂",
    "Não aguento mais esse trânsito, vc tá aí? Coração partido 💔💔 kkkkk n/ão",
    "cafe\u0301 caf\u00e9 A\u030angstro\u0308m \u212b \ufb01ne \u2126",
    "zero\u200bwidth \ufeffbom so\u00adft \u200eltr\u200f می\u200cخواهم क्\u200dष \u2060",
    " \t tabs\tand \r\n lines \u2028 \u00a0 spaces \u3000 ",
    "ALL CAPS İstanbul STRASSE ΣΊΣΥΦΟΣ",
    "url usr htg num @user http USR: #HTG",
    "awww... ewww.no C#sharp a#b ;-) :-( <3 x@y @ home",
    "from ftp://a.b/c wordhttps://a.b/c, wordpic.twitter.com/z9 at.co/x not.co/y end",
    "well rt@eve and @jox\u0301 and @joe\u0301 no no's doin' 'all of it'",
    "couples 👨\u200d👩 👩🏼\u200d🤝\u200d👨🏾 end",
    "only a keycap 1\ufe0f\u20e3 here",
    "",
    " ".join(chr(point) for first, last in EMOJI_BLOCKS for point in range(first, last + 1)),
)
