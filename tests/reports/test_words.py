"""Text of others on a page: shown as it is, and never read as markup."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitnas_fn.reports.words import escaped, row

PUNCTUATION = st.text(st.sampled_from("abc 12.|*_`~$[]()<>&\\#-+=!:/\"'\n\t\x00\x1b\u202e"), max_size=40)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("random_search", "random_search"),
        ("_bold_ __x__", r"\_bold\_ \_\_x\_\_"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("|nor_conv_3x3~0|", r"\|nor_conv_3x3\~0\|"),
        ("[a](javascript:x)", r"\[a\](javascript:x)"),
        ("https://evil.example www.evil.example", "https&#58;//evil.example www&#46;evil.example"),
        ("a\n# heading", "a # heading"),
        ("# heading", r"\# heading"),
        ("`code` \\ $x$", r"\`code\` \\ \$x\$"),
        ("a\x1b[2J\u202eb", r"a�\[2J�b"),
        (None, "None"),
    ],
)
def test_markup_is_shown_as_it_is(text, shown):
    assert escaped(text) == shown


def test_a_long_text_is_cut():
    assert escaped("x" * 3000, most=10) == "x" * 9 + "…"


@given(PUNCTUATION)
def test_what_is_shown_is_the_text_and_no_mark_stands_alone(text):
    found = escaped(text)
    assert "\n" not in found
    assert not re.search(r"[<>]", found)
    assert not re.search(r"(?<!\\)(?:\\\\)*[|*`\[\]~$]", found)
    plain = html.unescape(re.sub(r"\\([\\`*\[\]|~$_+=#-])", r"\1", found))
    letters = "".join(letter if letter.isprintable() or letter.isspace() else "�" for letter in text)
    assert plain == " ".join(letters.split())


@given(st.lists(PUNCTUATION, min_size=1, max_size=5))
def test_a_row_has_as_many_cells_as_it_was_given(cells):
    assert len(re.findall(r"(?<!\\)\|", re.sub(r"\\\\", "", row(*cells)))) == len(cells) + 1
