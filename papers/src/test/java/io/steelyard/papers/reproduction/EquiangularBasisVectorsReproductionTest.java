package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.papers.run.Run;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class EquiangularBasisVectorsReproductionTest {

  private static final Reproduction REPRODUCTION = new EquiangularBasisVectorsReproduction();

  @Test
  void theSmokeRunMeasuresEveryHead() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    for (final String head : List.of("linear layer", "EBV d = 12", "EBV d = 8", "EBV d = 6")) {
      assertThat(run.metric("test accuracy, " + head)).isBetween(0.0, 1.0);
      assertThat(run.curve("training loss, " + head).ys()).hasSize(2);
    }
    assertThat(run.metric("largest cosine, EBV d = 12")).isLessThan(1e-6);
    for (final String d : List.of("12", "8", "6")) {
      assertThat(run.metric("generation reached its cosine, EBV d = " + d)).isEqualTo(1);
    }
    assertThat(run.metric("largest cosine, new vectors appended")).isLessThan(0.101);
    assertThat(run.metric("accuracy on the old classes, new vectors appended"))
        .isLessThanOrEqualTo(run.metric("accuracy on the old classes, old vectors alone"));
    assertThat(MadeUp.smoke(REPRODUCTION, 1).metrics())
        .as("one seed, one result")
        .isEqualTo(run.metrics());
  }

  static Stream<Arguments> gains() {
    return Stream.of(
        Arguments.of(new double[] {.004, .004, .004}, "holds"),
        Arguments.of(new double[] {.010, .004, -.001}, "holds"),
        Arguments.of(new double[] {.020, -.001, -.001}, "inconclusive"),
        Arguments.of(new double[] {.001, .001, .001}, "inconclusive"),
        Arguments.of(new double[] {-.009, -.009, -.009}, "inconclusive"),
        Arguments.of(new double[] {-.011, -.011, -.011}, "does not hold"),
        Arguments.of(new double[] {Double.NaN, .01, .01}, "inconclusive"));
  }

  @ParameterizedTest
  @MethodSource("gains")
  void thePagesRuleDecides(double[] gains, String verdict) {
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "better-than-a-linear-layer",
                MadeUp.three(
                    "equiangular-basis-vectors",
                    seed ->
                        Map.of(
                            "test accuracy, linear layer",
                            .8,
                            "test accuracy, EBV d = 100",
                            .8 + gains[seed]))))
        .isEqualTo(verdict);
  }

  @Test
  void fewerDimensionsMayCostTwoPoints() {
    assertThat(fewer(.79)).isEqualTo("holds");
    assertThat(fewer(.85)).isEqualTo("holds");
    assertThat(fewer(.77)).isEqualTo("does not hold");
  }

  private static String fewer(double accuracy) {
    return MadeUp.verdict(
        REPRODUCTION,
        "fewer-dimensions-than-classes",
        MadeUp.three(
            "equiangular-basis-vectors",
            _ -> Map.of("test accuracy, EBV d = 50", accuracy, "test accuracy, EBV d = 100", .8)));
  }
}
