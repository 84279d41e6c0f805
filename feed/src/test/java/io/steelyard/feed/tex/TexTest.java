package io.steelyard.feed.tex;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TexTest {

  @Test
  void mathematicsBecomesMathMl() {
    assertThat(Tex.html("An $\\ell_1$ penalty in $O(n^2)$ time"))
        .startsWith("An <math")
        .contains("<msub><mi>ℓ</mi><mn>1</mn></msub>")
        .contains("<msup><mi>n</mi><mn>2</mn></msup>")
        .endsWith("</math> time");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\\mathbb{R}^{n \\times d}",
        "\\frac{\\exp(x_i)}{\\sum_{k} \\exp(x_k)}",
        "\\operatorname{softmax}(QK^\\top/\\sqrt{d})",
        "\\lVert x \\rVert_2",
        "\\tilde{O}(\\log n)",
        "\\mathcal{L}_{\\text{ce}}",
        "\\epsilon \\leq 10^{-6}",
        "\\boldsymbol{W}",
        "\\alpha\\text{-entmax}",
        "\\hat{y} \\in \\{0, 1\\}",
        "10\\times",
        "\\left( \\frac{1}{2} \\right)",
        "f : X \\to Y",
        "\\max_{i} |x_i| \\geq 2.5\\%",
        "\\sim",
      })
  void whatPapersUseIsSet(String tex) {
    assertThat(Tex.html("$" + tex + "$")).startsWith("<math").doesNotContain("<code");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\\bf 1} and \\emph{two}  | <strong>1</strong> and <em>two</em>",
        "50\\% of A\\&B            | 50% of A&amp;B",
        "it costs $5 and $10       | it costs $5 and $10",
        "Erd\\H{o}s, G\\\"odel, \\'Elie | Erdős, Gödel, Élie",
        "pages 1--2, so---well     | pages 1–2, so—well",
        "``quoted''                | “quoted”",
        "see \\cite{x} for more    | see for more",
        "\\url{https://a.org/x_y}  | https://a.org/x_y",
      })
  void textStaysText(String tex, String html) {
    assertThat(Tex.html(tex)).isEqualTo(html);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<script>alert(1)</script>",
        "$<script>alert(1)</script>$",
        "$\\href{javascript:alert(1)}{x}$",
        "$\\text{<img src=x onerror=alert(1)>}$",
        "\\emph{<b onclick=x>}",
        "$\\mbox{\"><svg onload=alert(1)>}$",
        "\uE000script\uE001alert(1)\uE000/script\uE001",
      })
  void nothingOfTheTextIsMarkup(String text) {
    // What stands in quotes is a value and no markup: quotes inside of it are escaped.
    assertThat(Tex.html(text).replaceAll("\"[^\"]*\"", ""))
        .doesNotContainPattern("<(?!/?(math|m[a-z]+|em|code|strong)[ >])")
        .doesNotContainPattern("<[^>]*\\son[a-z]+=")
        .doesNotContainPattern("<[^>]*href");
  }

  @Test
  void whatCannotBeSetIsShownAsItStands() {
    assertThat(Tex.html("$\\frac{1$ and $\\undefinedcommand{x}$"))
        .contains("<code class=\"tex\">")
        .contains("undefinedcommand");
  }

  @Test
  void aBombOfMacrosEnds() {
    final String bomb = "\\newcommand{\\a}{\\a\\a}\\a";
    assertThat(Tex.html("$" + bomb + "$")).isNotEmpty();
    assertThat(Tex.html("$" + "{".repeat(900) + "$")).isNotEmpty();
    assertThat(Tex.html("$" + "x^{".repeat(300) + "}".repeat(300) + "$")).isNotEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "An $\\ell_1$ norm in $O(n^2)$ | An ℓ_1 norm in O(n^2)",
        "{\\bf Bold} $\\alpha$-entmax  | Bold α-entmax",
        "$\\mathbb{R}^d$               | R^d",
      })
  void plainTextHasNoCommands(String tex, String plain) {
    assertThat(Tex.plain(tex)).isEqualTo(plain);
  }

  /** Most texts take a short way; it leads to the same place. */
  @Test
  void theShortWayChangesNothing() {
    final String[] pieces = {
      "a",
      "B ",
      "é",
      " ",
      "-",
      "--",
      "'",
      "''",
      "`",
      "~",
      "{",
      "}",
      "\\",
      "$",
      "x",
      "<b>",
      "&",
      "\"",
      "\uE000",
      "\uE001",
      "1",
      "\\(",
      "\\)",
      "\\emph{w}",
      "%"
    };
    final SplittableRandom random = new SplittableRandom(3);
    int prose = 0;
    for (int i = 0; i < 5000; i++) {
      final StringBuilder text = new StringBuilder();
      for (int k = random.nextInt(1, 9); k > 0; k--) {
        text.append(pieces[random.nextInt(pieces.length)]);
      }
      final String one = text.toString();
      assertThat(Tex.html(one)).as(one).isEqualTo(Tex.set(one));
      assertThat(Tex.html(one)).as("the second time, %s", one).isEqualTo(Tex.set(one));
      assertThat(Tex.plain(one)).as(one).isEqualTo(Tex.stripped(one));
      prose += Tex.html(one).equals(Tex.escape(one)) ? 1 : 0;
    }
    assertThat(prose).as("texts that nothing is done to").isBetween(50, 4900);
  }

  @Test
  void formulasAreSetByManyThreadsAtOnce() throws Exception {
    final List<String> texts =
        IntStream.range(0, 200)
            .mapToObj(i -> "$\\frac{x_{" + i + "}}{\\sqrt{" + i + "}} \\le \\alpha$ -- " + i)
            .toList();
    final List<Future<List<String>>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (int i = 0; i < 4; i++) {
        all.add(threads.submit(() -> texts.stream().map(Tex::set).toList()));
      }
    }
    final List<String> alone = texts.stream().map(Tex::set).toList();
    for (final Future<List<String>> one : all) {
      assertThat(one.get()).isEqualTo(alone);
    }
    assertThat(alone).allMatch(html -> html.contains("<mfrac>"));
  }

  @Test
  void whatIsRememberedHasABound() {
    final Remembered memory = new Remembered(1000);
    final AtomicInteger made = new AtomicInteger();
    final UnaryOperator<String> twice =
        text -> {
          made.incrementAndGet();
          return text + text;
        };
    for (int i = 0; i < 100; i++) {
      assertThat(memory.of("text " + i, twice)).isEqualTo("text " + i + "text " + i);
      assertThat(memory.of("text 0", twice)).isEqualTo("text 0text 0");
      assertThat(memory.characters()).isLessThanOrEqualTo(1000);
    }
    assertThat(made).as("what is asked for again and again stays").hasValue(100);
    memory.of("text 1", twice);
    assertThat(made).as("what is not goes").hasValue(101);
    assertThat(memory.of("x".repeat(2000), twice)).hasSize(4000);
    assertThat(memory.characters()).isZero();
  }
}
