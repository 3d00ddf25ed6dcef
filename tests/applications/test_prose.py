"""The texts of a package as HTML: a little markup, and nothing that could do anything."""

import time

import pytest

from applications.prose import as_html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a **b** *c* `d*e*`", "a <strong>b</strong> <em>c</em> <code>d*e*</code>"),
        pytest.param("2 * 3 * 4 and snake*case*d", "2 * 3 * 4 and snake*case*d"),
        pytest.param("`<b>` & **<i>**", "<code>&lt;b&gt;</code> &amp; <strong>&lt;i&gt;</strong>"),
        pytest.param(
            '[a"b](https://x.example/?a=1&b="c)',
            '<a href="https://x.example/?a=1&amp;b=&quot;c" rel="noopener noreferrer">a&quot;b</a>',
        ),
        pytest.param("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        pytest.param("[x](javascript://%0aalert)", "[x](javascript://%0aalert)"),
        pytest.param("[x](//evil.example)", "[x](//evil.example)"),
        pytest.param("![x](https://y.example/z)", None),
    ],
)
def test_words_in_a_line_are_marked_up_and_no_address_but_one_of_the_web(
    text: str, expected: str | None
) -> None:
    html = as_html(text)
    assert "<img" not in html
    assert "<i>" not in html
    assert expected is None or html == f"<p>{expected}</p>"


def test_code_of_a_package_stays_as_it_is_written() -> None:
    text = "Run:\n\n```sh\n# no *heading*\n\n- <no list>\n```\nThen **go**."
    assert as_html(text) == (
        '<p>Run:</p><pre class="code" tabindex="0"># no *heading*\n\n- &lt;no list&gt;</pre>'
        "<p>Then <strong>go</strong>.</p>"
    )


@pytest.mark.parametrize("piece", ["*", "**a", "`", "[", "[a](", "```\n", "# ", "- ", "*a "])
def test_no_text_takes_long_to_read(piece: str) -> None:
    began = time.perf_counter()
    html = as_html(piece * (3_000_000 // len(piece)))
    assert time.perf_counter() - began < 10
    assert "…" in html[-30:]


def test_text_of_a_package_becomes_headings_lists_and_paragraphs_and_nothing_else() -> None:
    text = "# Pump & Co\nOne\nline.\n\n- a\n  b\n- <c>\n\n<script>x</script>"
    assert as_html(text) == (
        "<h3>Pump &amp; Co</h3><p>One line.</p><ul><li>a b</li><li>&lt;c&gt;</li></ul>"
        "<p>&lt;script&gt;x&lt;/script&gt;</p>"
    )
