package io.steelyard.papers.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.papers.reproduction.Figure.Axis;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WordsTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2^25 floats|2²⁵ floats",
        "10^-3|10⁻³",
        "mean -0.2 in [-1, 2]|mean −0.2 in [−1, 2]",
        "L2-SVM, 10-20, 2026-03-01, AVX-512|L2-SVM, 10-20, 2026-03-01, AVX-512",
        "2.00e-6|2.00e-6",
        "18 % with x^2|18\u00a0% with x^2"
      })
  void proseIsSet(String raw, String set) {
    assertThat(Words.text(raw)).isEqualTo(set);
  }

  @Test
  void pointsOfAnAxisAreNamedAsOneThinksOfThem() {
    assertThat(Words.point(Axis.log2("n"), 1 << 24)).isEqualTo("2²⁴");
    assertThat(Words.point(Axis.log2("n"), 512)).isEqualTo("512");
    assertThat(Words.point(Axis.log2("n"), 10_000)).isEqualTo("10000");
    assertThat(Words.point(Axis.linear("n"), 1 << 12)).isEqualTo("4096");
    assertThat(Words.point(Axis.category("n", List.of("a", "b")), 1)).isEqualTo("b");
  }

  @ParameterizedTest
  @CsvSource({
    "0.04, 0.0 s",
    "9.94, 9.9 s",
    "59.6, 60 s",
    "119.4, 119 s",
    "150, 3 min",
    "7260, 2 h 01 min"
  })
  void timesAreSaidAsAPersonWould(double seconds, String text) {
    assertThat(Words.duration(seconds)).isEqualTo(text);
  }
}
