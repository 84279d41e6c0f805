package io.steelyard.feed.discussion;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MarkdownTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a *b* **c** | <p>a <em>b</em> <strong>c</strong></p>",
        "`<b>` | <p><code>&lt;b&gt;</code></p>",
        "<b>x</b> | <p>&lt;b&gt;x&lt;/b&gt;</p>",
        "[a](https://example.org) | <p><a href=\"https://example.org\" rel=\"nofollow noreferrer ugc\">a</a></p>",
        "[a](javascript:x) | <p>a</p>",
        "![a](https://example.org/a.png) | <p></p>",
        "costs $5 and $6 | <p>costs $5 and $6</p>"
      })
  void markdownIsHtmlThatIsSafe(String text, String html) {
    assertThat(Markdown.html(text).strip()).isEqualTo(html);
  }

  @Test
  void mathematicsIsSetAndNotTakenForEmphasis() {
    final String html = Markdown.html("where $a_i b_i$ and *so*");
    assertThat(html).contains("<math", "<em>so</em>").doesNotContain("<em>i");
  }

  @Test
  void mathematicsInCodeIsItsSource() {
    assertThat(Markdown.html("`echo $x_1$`")).contains("<code>echo $x_1$</code>");
  }

  @Test
  void mentionsAreNamesAfterAnAt() {
    assertThat(Markdown.mentions("@ada and @Bob-2, not a@b.org, x@ada or @1"))
        .containsExactly("ada", "Bob-2");
  }
}
