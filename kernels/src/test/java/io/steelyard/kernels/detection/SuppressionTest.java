package io.steelyard.kernels.detection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SuppressionTest {

  private static final double E = 0x1p-24;
  private static final int[] COUNTS = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 207, 702};

  /** What a call kept. */
  record Kept(List<Integer> indices, List<Double> scores) {

    static Kept of(ScoredBoxes boxes, Decay decay, SuppressionOptions options) {
      final int n = boxes.count();
      final int[] indices = new int[n];
      Arrays.fill(indices, -7);
      final Tensor scores = Tensor.zeros(boxes.scores().dtype(), n);
      for (int i = 0; i < n; i++) {
        scores.setDouble(i, Double.NaN);
      }
      final int count = SoftNms.apply(boxes, decay, options, Tensor.of(indices, n), scores);
      assertThat(Arrays.stream(indices, count, n))
          .as("the rest is left alone")
          .allMatch(i -> i == -7);
      return new Kept(
          Arrays.stream(indices, 0, count).boxed().toList(),
          Arrays.stream(scores.toDoubleArray(), 0, count).boxed().toList());
    }
  }

  static Stream<Decay> decays() {
    return Stream.of(
        Decay.hard(0.3),
        Decay.hard(0.7),
        Decay.linear(0),
        Decay.linear(0.3),
        Decay.gaussian(0.1),
        Decay.gaussian(0.5),
        Decay.gaussian(3));
  }

  static Stream<Arguments> decaysAndSeeds() {
    return decays().flatMap(d -> LongStream.of(21, 22, 23).mapToObj(s -> Arguments.of(d, s)));
  }

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  /** Crowded boxes with distinct scores. */
  private static ScoredBoxes crowd(RandomGenerator random, int n) {
    final float[] corners = new float[4 * n];
    final float[] scores = new float[n];
    final double side = 40 * Math.sqrt(n);
    for (int i = 0; i < n; i++) {
      corners[4 * i] = (float) random.nextDouble(side);
      corners[4 * i + 1] = (float) random.nextDouble(side);
      corners[4 * i + 2] = corners[4 * i] + (float) random.nextDouble(10, 90);
      corners[4 * i + 3] = corners[4 * i + 1] + (float) random.nextDouble(10, 90);
      scores[i] = (float) random.nextDouble(0.01, 1);
    }
    return ScoredBoxes.of(Tensor.of(corners, n, 4), Tensor.of(scores, n));
  }

  private static ScoredBoxes boxes(double[] corners, double... scores) {
    final int n = scores.length;
    return ScoredBoxes.of(Tensor.of(corners, n, 4), Tensor.of(scores, n));
  }

  private static ScoredBoxes in(DType dtype, ScoredBoxes boxes) {
    return new ScoredBoxes(
        boxes.corners().to(dtype), boxes.scores().to(dtype), boxes.classes(), boxes.images());
  }

  private static ScoredBoxes grouped(RandomGenerator random, ScoredBoxes boxes) {
    final int n = boxes.count();
    return boxes
        .withClasses(Tensor.of(random.ints(n, -2, 2).map(c -> c * 70_000).toArray(), n))
        .withImages(Tensor.of(random.ints(n, 0, 3).toArray(), n));
  }

  /** How many of the boxes kept before this one overlap it, in its class and image. */
  private static int overlapping(
      ScoredBoxes boxes, List<Integer> kept, int position, BoxConvention c) {
    final int n = boxes.count();
    final double[] corners = boxes.corners().toDoubleArray();
    final int[] classes = ScoredBoxes.ids(boxes.classes(), n);
    final int[] images = ScoredBoxes.ids(boxes.images(), n);
    final int own = kept.get(position);
    return (int)
        IntStream.range(0, position)
            .map(kept::get)
            .filter(i -> classes[i] == classes[own] && images[i] == images[own])
            .filter(i -> c.iou(corners, 4 * i, corners, 4 * own) > 0)
            .count();
  }

  @ParameterizedTest
  @MethodSource("decaysAndSeeds")
  void theKernelKeepsWhatTheMeaningKeeps(Decay decay, long seed) {
    final RandomGenerator random = random(seed);
    for (final int n : COUNTS) {
      for (final BoxConvention convention : BoxConvention.values()) {
        final SuppressionOptions options = SuppressionOptions.defaults().withConvention(convention);
        final ScoredBoxes plain = crowd(random, n);
        for (final ScoredBoxes boxes : List.of(plain, grouped(random, plain))) {
          final Kept actual = Kept.of(boxes, decay, options);
          final Kept exact = Kept.of(in(DType.F64, boxes), decay, options);
          assertThat(actual.indices()).as("seed %d, %d boxes", seed, n).isEqualTo(exact.indices());
          for (int k = 0; k < exact.indices().size(); k++) {
            final double before = boxes.scores().get(exact.indices().get(k));
            final double after = exact.scores().get(k);
            final int others = overlapping(boxes, exact.indices(), k, convention);
            final double bound =
                switch (decay) {
                  case Decay.Hard _ -> 0;
                  case Decay.Linear _ -> 26 * others * E * before;
                  case Decay.Gaussian _ -> (52 * Math.log(before / after) + 5 * others) * E * after;
                };
            assertThat(actual.scores().get(k))
                .as("seed %d, %d boxes, place %d", seed, n, k)
                .isCloseTo(after, within(bound));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("decaysAndSeeds")
  void noScoreRisesAndTheBestBoxKeepsIts(Decay decay, long seed) {
    final ScoredBoxes boxes = grouped(random(seed), crowd(random(seed), 150));
    final Kept kept = Kept.of(boxes, decay, SuppressionOptions.defaults());
    final float[] before = boxes.scores().toFloatArray();
    assertThat(kept.scores().get(0)).as("seed %d", seed).isEqualTo(before[kept.indices().get(0)]);
    for (int k = 0; k < kept.indices().size(); k++) {
      assertThat(kept.scores().get(k))
          .as("seed %d, place %d", seed, k)
          .isBetween(0.001, (double) before[kept.indices().get(k)]);
      if (k > 0) {
        assertThat(kept.scores().get(k)).isLessThanOrEqualTo(kept.scores().get(k - 1));
      }
    }
    assertThat(kept.indices()).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @MethodSource("decaysAndSeeds")
  void theOrderOfTheInputDoesNotMatter(Decay decay, long seed) {
    final ScoredBoxes boxes = crowd(random(seed), 120);
    final List<Integer> places =
        IntStream.range(0, 120)
            .boxed()
            .sorted(Comparator.comparingInt(i -> i * 37 % 120 * 7 % 120))
            .toList();
    final float[] corners = new float[480];
    final float[] scores = new float[120];
    for (int i = 0; i < 120; i++) {
      scores[i] = (float) boxes.scores().get(places.get(i));
      for (int c = 0; c < 4; c++) {
        corners[4 * i + c] = (float) boxes.corners().get(places.get(i), c);
      }
    }
    final Kept kept = Kept.of(boxes, decay, SuppressionOptions.defaults());
    final Kept moved =
        Kept.of(
            ScoredBoxes.of(Tensor.of(corners, 120, 4), Tensor.of(scores, 120)),
            decay,
            SuppressionOptions.defaults());
    assertThat(moved.scores()).as("seed %d", seed).isEqualTo(kept.scores());
    assertThat(moved.indices().stream().map(places::get).toList()).isEqualTo(kept.indices());
  }

  @ParameterizedTest
  @MethodSource("decays")
  void boxesThatDoNotTouchAreSorted(Decay decay) {
    final int n = 50;
    final float[] corners = new float[4 * n];
    final float[] scores = new float[n];
    for (int i = 0; i < n; i++) {
      corners[4 * i] = 10 * i;
      corners[4 * i + 2] = 10 * i + 10;
      corners[4 * i + 3] = 5;
      scores[i] = (i * 17 % n + 1) / 64f;
    }
    final Kept kept =
        Kept.of(
            ScoredBoxes.of(Tensor.of(corners, n, 4), Tensor.of(scores, n)),
            decay,
            SuppressionOptions.defaults());
    final Float[] sorted =
        IntStream.range(0, n)
            .mapToObj(i -> scores[i])
            .sorted(Comparator.reverseOrder())
            .toArray(Float[]::new);
    assertThat(kept.scores()).hasSize(n);
    for (int k = 0; k < n; k++) {
      assertThat(kept.scores().get(k)).isEqualTo((double) sorted[k]);
      assertThat(scores[kept.indices().get(k)]).isEqualTo(sorted[k]);
    }
  }

  @Test
  void withoutALeastScoreTheGaussianKeepsAllAndHardASubset() {
    final ScoredBoxes boxes = crowd(random(24), 100);
    final SuppressionOptions options = SuppressionOptions.defaults().withMinScore(1e-300);
    assertThat(Kept.of(boxes, Decay.gaussian(0.5), options).indices()).hasSize(100);
    assertThat(Kept.of(boxes, Decay.hard(0.3), options).indices()).size().isBetween(1, 99);
  }

  @Test
  void atTheLimitsNothingOrEverythingThatTouchesIsSuppressed() {
    final ScoredBoxes boxes = crowd(random(25), 130);
    final SuppressionOptions options = SuppressionOptions.defaults();
    final Kept all = Kept.of(boxes, Decay.hard(1), options);
    assertThat(all.indices()).hasSize(130);
    assertThat(Kept.of(boxes, Decay.linear(1), options)).isEqualTo(all);
    assertThat(Kept.of(boxes, Decay.gaussian(Double.POSITIVE_INFINITY), options)).isEqualTo(all);

    final Kept strict = Kept.of(boxes, Decay.gaussian(1e-30), options);
    assertThat(strict).isEqualTo(Kept.of(boxes, Decay.hard(0), options));
    final Set<Integer> apart = new HashSet<>();
    final double[] corners = boxes.corners().toDoubleArray();
    for (final Integer i : all.indices()) {
      if (apart.stream()
          .allMatch(j -> BoxConvention.CONTINUOUS.iou(corners, 4 * j, corners, 4 * i) == 0)) {
        apart.add(i);
      }
    }
    assertThat(strict.indices()).containsExactlyInAnyOrderElementsOf(apart);
  }

  @Test
  void givesThePublishedExample() {
    final ScoredBoxes five =
        boxes(
            new double[] {0, 0, 10, 10, 1, 1, 11, 11, 5, 0, 15, 10, 30, 30, 40, 40, 0, 0, 10, 9},
            .9,
            .8,
            .7,
            .6,
            .5);
    final SuppressionOptions options = SuppressionOptions.defaults();
    check(Kept.of(five, Decay.hard(.3), options), List.of(0, 3), .9, .6);
    check(
        Kept.of(five, Decay.linear(.3), options),
        List.of(0, 3, 2, 1, 4),
        .9,
        .6,
        .4666666667,
        .1609761713,
        .01344243133);
    check(
        Kept.of(five, Decay.gaussian(.5), options),
        List.of(0, 3, 2, 1, 4),
        .9,
        .6,
        .5605161820,
        .2409007335,
        .03875914227);
    check(
        Kept.of(five, Decay.gaussian(.5), options.withConvention(BoxConvention.PIXEL)),
        List.of(0, 3, 2, 1, 4),
        .9,
        .6,
        .5283877214,
        .2130410551,
        .03313657243);
  }

  private static void check(Kept kept, List<Integer> indices, double... scores) {
    assertThat(kept.indices()).isEqualTo(indices);
    assertThat(kept.scores().stream().mapToDouble(s -> s).toArray())
        .containsExactly(scores, within(1e-10));
  }

  @Test
  void scoresAtTheEdge() {
    final double inf = Double.POSITIVE_INFINITY;
    final double[] corners = {0, 0, 8, 8, 0, 0, 8, 8, 0, 0, 8, 6, 20, 20, 28, 28, 50, 50, inf, inf};
    for (final DType dtype : List.of(DType.F64, DType.F32)) {
      final ScoredBoxes boxes = in(dtype, boxes(corners, inf, inf, 0.5, -inf, 0.25));
      assertThat(Kept.of(boxes, Decay.hard(0.5), SuppressionOptions.defaults()).indices())
          .as("%s: equal boxes, one of them +inf", dtype)
          .containsExactly(0, 4);
      assertThat(Kept.of(boxes, Decay.gaussian(0.5), SuppressionOptions.defaults()).indices())
          .as("%s", dtype)
          .containsExactly(0, 1, 4, 2);
    }
  }

  @Test
  void stridesAndNativeMemoryGiveTheSame() {
    final int n = 77;
    final ScoredBoxes boxes = grouped(random(26), crowd(random(26), n));
    final Kept expected = Kept.of(boxes, Decay.gaussian(0.5), SuppressionOptions.defaults());
    final float[] byCoordinate = new float[4 * n];
    for (int i = 0; i < n; i++) {
      for (int c = 0; c < 4; c++) {
        byCoordinate[c * n + i] = (float) boxes.corners().get(i, c);
      }
    }
    final ScoredBoxes strided =
        new ScoredBoxes(
            Tensor.of(byCoordinate, 4, n).transpose(0, 1),
            boxes.scores(),
            boxes.classes(),
            boxes.images());
    assertThat(Kept.of(strided, Decay.gaussian(0.5), SuppressionOptions.defaults()))
        .isEqualTo(expected);
    try (Arena arena = Arena.ofConfined()) {
      final Tensor corners = Tensor.of(arena.allocate(16L * n), DType.F32, n, 4);
      final Tensor scores = Tensor.of(arena.allocate(4L * n), DType.F32, n);
      for (int i = 0; i < n; i++) {
        scores.setDouble(i, boxes.scores().get(i));
        for (int c = 0; c < 4; c++) {
          corners.setDouble(4L * i + c, boxes.corners().get(i, c));
        }
      }
      assertThat(
              Kept.of(
                  new ScoredBoxes(corners, scores, boxes.classes(), boxes.images()),
                  Decay.gaussian(0.5),
                  SuppressionOptions.defaults().withThreads(1)))
          .isEqualTo(expected);
    }
  }

  @Test
  void theNumberOfThreadsDoesNotMatter() {
    final ScoredBoxes boxes = grouped(random(27), crowd(random(27), 3000));
    final Kept alone =
        Kept.of(boxes, Decay.linear(0.3), SuppressionOptions.defaults().withThreads(1));
    for (int threads = 0; threads < 5; threads++) {
      assertThat(
              Kept.of(boxes, Decay.linear(0.3), SuppressionOptions.defaults().withThreads(threads)))
          .as("%d threads", threads)
          .isEqualTo(alone);
    }
  }

  @ParameterizedTest
  @MethodSource("decays")
  @Tag("allocation")
  void aCallAllocatesNothing(Decay decay) {
    final int n = 600;
    final ScoredBoxes boxes = grouped(random(28), crowd(random(28), n));
    final Tensor indices = Tensor.zeros(DType.I32, n);
    final Tensor scores = Tensor.zeros(DType.F32, n);
    final SuppressionOptions options = SuppressionOptions.defaults().withThreads(1);
    final long perCall =
        SteadyState.bytesPerCall(() -> SoftNms.apply(boxes, decay, options, indices, scores));
    assertThat(perCall).as("%s: bytes a call", decay).isZero();
  }

  @Test
  void errorsNameTheArgumentItsValueAndWhatWasExpected() {
    final Tensor corners = Tensor.of(new float[8], 2, 4);
    final Tensor scores = Tensor.of(new float[2], 2);
    assertThatThrownBy(() -> ScoredBoxes.of(Tensor.of(new float[6], 2, 3), scores))
        .hasMessage("boxes is f32[2, 3]; expected f32 or f64 [N, 4], corners x1, y1, x2, y2");
    assertThatThrownBy(() -> ScoredBoxes.of(corners, Tensor.of(new double[2], 2)))
        .hasMessage("scores is f64[2]; expected f32[2], one score for each box");
    assertThatThrownBy(() -> ScoredBoxes.of(corners, scores).withClasses(scores))
        .hasMessage("classes is f32[2]; expected i32[2], one for each box");
    assertThatThrownBy(() -> Decay.gaussian(0))
        .hasMessage("sigma is 0.0; expected a number greater than 0");
    assertThatThrownBy(() -> Decay.linear(-0.5))
        .hasMessage("threshold is -0.5; expected a number in [0, 1]");
    assertThatThrownBy(() -> SuppressionOptions.defaults().withMinScore(0))
        .hasMessage("minScore is 0.0; expected a number greater than 0");
    assertThatThrownBy(
            () ->
                Nms.apply(
                    ScoredBoxes.of(corners, scores),
                    0.5,
                    SuppressionOptions.defaults(),
                    Tensor.zeros(DType.I32, 3),
                    scores))
        .hasMessage("indices is i32[3]; expected i32[2], one for each box");
  }
}
