package io.steelyard.analysis.mixture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class HellingerTest {

  private static final Hellinger METRIC = Hellinger.onLine(24, -.97, .97, -9, 10, 1200);

  private static GaussianMixtureOfExperts normal(double mean, double variance) {
    return GaussianMixtureOfExperts.of(Gate.topK(1), Component.of(0, 0, 0, mean, variance));
  }

  /** 1 minus the affinity, which has a closed form for normals. */
  @Test
  void ofTwoNormals() {
    final double affinity = Math.sqrt(2 * .5 * 1.0 / (.25 + 1)) * Math.exp(-.25 / (.25 + 1));
    assertThat(METRIC.distance(normal(0, .25), normal(1, 1)))
        .isEqualTo(Math.sqrt(1 - affinity), within(1e-9));
    assertThat(METRIC.distance(normal(-5, .01), normal(5, .01))).isEqualTo(1, within(1e-9));
    assertThat(METRIC.distance(normal(0, .25), normal(0, .25))).isZero();
  }

  /** With the truth's K, a split expert takes both places: the page's numbers. */
  @Test
  void goldenSplitExperts() {
    final GaussianMixtureOfExperts truth = Mixtures.topK(2);
    assertThat(METRIC.distance(truth, truth.split(2))).isEqualTo(.0797, within(.00005));
    assertThat(METRIC.distance(truth, truth.split(2).behind(Gate.topK(3))))
        .isEqualTo(0, within(1e-12));
    assertThat(METRIC.distance(truth, truth.split(0))).isEqualTo(.192, within(.0005));
    assertThat(METRIC.distance(truth, truth.split(0).behind(Gate.topK(3))))
        .isEqualTo(.113, within(.0005));
  }

  @Test
  void badGridsAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Hellinger.onLine(1, 0, 1, 0, 1, 10))
        .withMessageContaining("count is 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Hellinger.onLine(2, 0, 1, 1, 0, 10))
        .withMessageContaining("low 1.0 and high 0.0");
  }
}
