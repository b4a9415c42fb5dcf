"""Elements of a page: what is put into them is text."""

from wasmoci.reports.markup import document, size, tag


def test_text_and_attributes_are_escaped_and_seen() -> None:
    element = tag("p", "<b>&", tag("i", "\x1b"), "\u202e<", None, title='"<\x1b>&', lang=None)
    assert document(element).decode() == (
        '<!doctype html>\n<p title="&quot;<\\x1b&gt;&amp;">&lt;b&gt;&amp;<i>\\x1b</i>\\u202e&lt;</p>\n'
    )


def test_names_of_attributes_are_those_of_html() -> None:
    assert b'<meta http-equiv="x" class="y">' in document(tag("meta", http_equiv="x", class_="y"))


def test_a_size_counts_what_escaping_adds() -> None:
    assert size(tag("p", "&")) == len("<p>&amp;</p>")
