import subprocess
import sys

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from tasks.core.engines.loading import open_tokenizer
from tasks.core.inference.shard_texts import CHARACTERS_A_TOKEN, encode


@pytest.fixture
def tokenizer(tiny_engines):
    model = tiny_engines["positive"]
    return open_tokenizer(str(model.tokenizer_path), model.max_length_tokens)


def ids(tokenizer, texts, max_length_tokens=32):
    return [encoding.ids for encoding in encode(tokenizer, texts, max_length_tokens)]


@pytest.mark.parametrize(
    "text",
    [
        "good word1 word2 " * 10_000,
        " " * 50_000 + "good word1",
        "word3" + "\n" * 100_000 + "bad",
        "x" * 200_000,
        "good",
        "",
    ],
)
def test_a_long_text_has_the_tokens_that_it_has_when_encoded_whole(tokenizer, text):
    assert ids(tokenizer, ["good", text]) == [encoding.ids for encoding in tokenizer.encode_batch(["good", text])]


def test_a_word_at_the_cut_is_read_whole():
    tokenizer = Tokenizer(models.WordPiece({word: n for n, word in enumerate(["[UNK]", "!", "g", "##o", "good"])}))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.enable_truncation(8)
    for cut in range(1, 5):
        text = "!" * 7 + " " * (8 * CHARACTERS_A_TOKEN - 7 - cut) + "goog!"
        assert ids(tokenizer, [text], 8) == [encoding.ids for encoding in tokenizer.encode_batch([text])]


def test_a_long_text_counts_as_truncated(tokenizer):
    long, short = encode(tokenizer, ["good " * 40 * CHARACTERS_A_TOKEN, "good"], 32)
    assert long.overflowing
    assert not short.overflowing


SCRIPT = """
import sys
from tasks.core.engines.loading import open_tokenizer
from tasks.core.inference.shard_texts import encode
from tests.support.memory import peak_kibibytes
tokenizer = open_tokenizer(sys.argv[1], 32)
encode(tokenizer, ["good bad"], 32)
text = "good word1 word2 " * (10 * 2**20 // 17)
before = peak_kibibytes()
encode(tokenizer, [text], 32)
print((peak_kibibytes() - before) // 1024)
"""


def test_a_text_of_ten_megabytes_costs_no_memory_to_speak_of(tiny_engines):
    command = [sys.executable, "-c", SCRIPT, str(tiny_engines["positive"].tokenizer_path)]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert grown < 50
