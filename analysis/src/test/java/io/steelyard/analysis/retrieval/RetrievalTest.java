package io.steelyard.analysis.retrieval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RetrievalTest {

  @Test
  void averagePrecisionByHand() {
    assertThat(CosineRetrieval.averagePrecision(true, false, true, false))
        .isCloseTo((1 + 2 / 3.0) / 2, within(1e-15));
    assertThat(CosineRetrieval.averagePrecision(false, true)).isEqualTo(.5);
    assertThatThrownBy(() -> CosineRetrieval.averagePrecision(false))
        .hasMessageContaining("no entry");
  }

  @Test
  void retrievalByHand() {
    // By angle: 0, 10, 20 and 90 degrees; lengths do not matter.
    final float[][] embeddings = {
      {1, 0}, {1.9696f, .3473f}, {.9397f, .3420f}, {0, 5},
    };
    final CosineRetrieval retrieval = CosineRetrieval.of(embeddings, new int[] {0, 1, 0, 2});
    // Query 0 finds 1, then 2; query 2 finds 1, then 0; 1 and 3 are alone.
    assertThat(retrieval.meanAveragePrecision()).isEqualTo(.5);
    assertThat(retrieval.recall(1)).isZero();
    assertThat(retrieval.recall(2)).isEqualTo(1);
    assertThat(CosineRetrieval.of(embeddings, new int[] {0, 0, 0, 2}).meanAveragePrecision())
        .isEqualTo(1);
  }

  @Test
  void prototypesByHand() {
    final List<float[][]> classes = List.of(new float[][] {{2, 0}, {0, 4}}, new float[][] {{0, 1}});
    final Prototypes cosine = Prototypes.byCosine(classes);
    final Prototypes distance = Prototypes.byDistance(classes);
    final double half = Math.sqrt(.5);
    assertThat(cosine.scores(new float[] {3, 0}))
        .usingComparatorWithPrecision(1e-12)
        .containsExactly(half - 1, -1);
    // From (1, 0) to (0.5, 0.5) and (0, 1): squared distances 0.5 and 2.
    assertThat(distance.scores(new float[] {3, 0}))
        .usingComparatorWithPrecision(1e-12)
        .containsExactly(-.25, -1);
    assertThat(cosine.nearest(new float[] {.1f, 1})).isEqualTo(1);
    assertThat(cosine.best(new float[] {1, 1})).isCloseTo(0, within(1e-12));
    assertThat(
            cosine
                .and(Prototypes.byCosine(List.<float[][]>of(new float[][] {{-1, 0}})))
                .nearest(new float[] {-2, 0}))
        .isEqualTo(2);
  }

  @Test
  void aurocIsTheShareOfOrderedPairs() {
    assertThat(Separation.auroc(new double[] {.9, .7}, new double[] {.8, .1})).isEqualTo(.75);
    assertThat(Separation.auroc(new double[] {0, 1}, new double[] {-0.0})).isEqualTo(.75);
    final Random random = new Random(3);
    final double[] a = random.ints(40, 0, 9).asDoubleStream().toArray();
    final double[] b = random.ints(30, 0, 7).asDoubleStream().toArray();
    double pairs = 0;
    for (final double x : a) {
      for (final double y : b) {
        pairs += x > y ? 1 : x == y ? .5 : 0;
      }
    }
    assertThat(Separation.auroc(a, b)).isCloseTo(pairs / 1200, within(1e-12));
  }

  @Test
  void whatCannotBeIsNamed() {
    assertThatThrownBy(() -> CosineRetrieval.of(new float[2][1], new int[1]))
        .hasMessageContaining("labels has 1");
    assertThatThrownBy(() -> CosineRetrieval.of(new float[2][1], new int[] {0, 1}))
        .hasMessageContaining("no class has two");
    assertThatThrownBy(() -> CosineRetrieval.of(new float[][] {{1}, {1}}, new int[2]).recall(0))
        .hasMessageContaining("k is 0");
    assertThatThrownBy(() -> Prototypes.byCosine(List.<float[][]>of(new float[0][])))
        .hasMessageContaining("no embeddings");
    final Prototypes one = Prototypes.byCosine(List.<float[][]>of(new float[][] {{1, 0}}));
    assertThatThrownBy(() -> one.nearest(new float[] {1})).hasMessageContaining("2 and 1");
    assertThatThrownBy(() -> Separation.auroc(new double[0], new double[1]))
        .hasMessageContaining("positives are 0");
    assertThatThrownBy(() -> Separation.auroc(new double[] {Double.NaN}, new double[1]))
        .hasMessageContaining("NaN");
  }
}
