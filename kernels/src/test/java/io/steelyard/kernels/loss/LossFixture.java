package io.steelyard.kernels.loss;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** Losses, rows and targets that the tests of the family share. */
final class LossFixture {

  /**
   * A loss under its name.
   *
   * @param lists whether targets are lists
   * @param slack what a gradient's error is relative to where the gradient is a small difference
   */
  record Named(String name, boolean lists, double slack, Value value, Both both, Vjp vjp) {

    @Override
    public String toString() {
      return name;
    }
  }

  /** Values of a loss. */
  interface Value {

    void run(Tensor x, Tensor targets, Tensor loss, LossOptions options);
  }

  /** Values and gradient of a loss. */
  interface Both {

    void run(Tensor x, Tensor targets, Tensor loss, Tensor dx, LossOptions options);
  }

  /** Gradient of a loss for a factor of each row. */
  interface Vjp {

    void run(Tensor x, Tensor targets, Tensor dloss, Tensor dx, LossOptions options);
  }

  /** Awkward row lengths: around vectors, tiles and chunks. */
  static final int[] LENGTHS = {
    1, 2, 3, 4, 5, 7, 8, 13, 15, 16, 17, 25, 31, 33, 63, 64, 65, 207, 255, 256, 257, 702, 1024,
    4095, 4096, 4097, 4098, 8195, 16_385, 33_001, 131_100
  };

  /** {@link #LENGTHS}; those of several chunks for one seed alone. */
  static int[] lengths(long seed) {
    return seed % 10 == 1 ? LENGTHS : Arrays.stream(LENGTHS).filter(n -> n < 10_000).toArray();
  }

  /** Slots of a list. */
  static final int SLOTS = 3;

  /** Its forms make the relevances themselves, so they allocate. */
  static final Named BY_RELEVANCE =
      new Named(
          "decoupled softmax by relevance",
          true,
          0,
          (x, t, l, o) -> DecoupledSoftmaxLoss.apply(x, t, relevances(x, t), l, o),
          (x, t, l, dx, o) ->
              DecoupledSoftmaxLoss.lossAndGradient(x, t, relevances(x, t), l, dx, o),
          (x, t, dl, dx, o) -> DecoupledSoftmaxLoss.vjp(x, t, relevances(x, t), dl, dx, o));

  private LossFixture() {}

  /** The losses that see the other entries through their log-sum-exp. */
  static Stream<Named> contrasts() {
    return Stream.of(
        new Named(
            "cross-entropy",
            false,
            0,
            (x, t, l, o) -> CrossEntropy.apply(x, t, l, 0, o),
            (x, t, l, dx, o) -> CrossEntropy.lossAndGradient(x, t, l, dx, 0, o),
            (x, t, dl, dx, o) -> CrossEntropy.vjp(x, t, dl, dx, 0, o)),
        new Named(
            "smoothed cross-entropy",
            false,
            1,
            (x, t, l, o) -> CrossEntropy.apply(x, t, l, 0.1, o),
            (x, t, l, dx, o) -> CrossEntropy.lossAndGradient(x, t, l, dx, 0.1, o),
            (x, t, dl, dx, o) -> CrossEntropy.vjp(x, t, dl, dx, 0.1, o)),
        new Named(
            "comp-sum 0.5",
            false,
            0,
            (x, t, l, o) -> CompSumLoss.apply(x, t, l, 0.5, o),
            (x, t, l, dx, o) -> CompSumLoss.lossAndGradient(x, t, l, dx, 0.5, o),
            (x, t, dl, dx, o) -> CompSumLoss.vjp(x, t, dl, dx, 0.5, o)),
        new Named(
            "comp-sum 2",
            false,
            0,
            (x, t, l, o) -> CompSumLoss.apply(x, t, l, 2, o),
            (x, t, l, dx, o) -> CompSumLoss.lossAndGradient(x, t, l, dx, 2, o),
            (x, t, dl, dx, o) -> CompSumLoss.vjp(x, t, dl, dx, 2, o)),
        new Named(
            "decoupled softmax",
            true,
            0,
            DecoupledSoftmaxLoss::apply,
            DecoupledSoftmaxLoss::lossAndGradient,
            DecoupledSoftmaxLoss::vjp),
        BY_RELEVANCE,
        new Named(
            "InfoNCE",
            true,
            1,
            (x, t, l, o) -> InfoNceLoss.apply(x, t, l, 0.4, o),
            (x, t, l, dx, o) -> InfoNceLoss.lossAndGradient(x, t, l, dx, 0.4, o),
            (x, t, dl, dx, o) -> InfoNceLoss.vjp(x, t, dl, dx, 0.4, o)));
  }

  /** Hinge losses. */
  static Stream<Named> hinges() {
    return Stream.of(
            HingeLoss.Form.L2,
            HingeLoss.Form.L1,
            HingeLoss.Form.L2.summed().withPenalty(0.3),
            HingeLoss.Form.L1.summed().withPenalty(2))
        .map(
            form ->
                new Named(
                    "hinge " + form,
                    false,
                    0,
                    (x, t, l, o) -> HingeLoss.apply(x, t, l, form, o),
                    (x, t, l, dx, o) -> HingeLoss.lossAndGradient(x, t, l, dx, form, o),
                    (x, t, dl, dx, o) -> HingeLoss.vjp(x, t, dl, dx, form, o)));
  }

  /** Losses of a soft top-k. */
  static Stream<Named> softTopKs() {
    return Stream.of(0.4, 2.5)
        .map(
            k ->
                new Named(
                    "soft top-" + k,
                    true,
                    1,
                    (x, t, l, o) -> SoftTopKLoss.apply(x, t, l, k, 1.5, o),
                    (x, t, l, dx, o) -> SoftTopKLoss.lossAndGradient(x, t, l, dx, k, 1.5, o),
                    (x, t, dl, dx, o) -> SoftTopKLoss.vjp(x, t, dl, dx, k, 1.5, o)));
  }

  /** All losses. */
  static Stream<Named> all() {
    return Stream.of(contrasts(), hinges(), softTopKs()).flatMap(s -> s);
  }

  static Stream<Arguments> contrastsAndSeeds() {
    return contrasts().flatMap(LossFixture::withSeeds);
  }

  static Stream<Arguments> hingesAndSeeds() {
    return hinges().flatMap(LossFixture::withSeeds);
  }

  static Stream<Arguments> allAndSeeds() {
    return all().flatMap(LossFixture::withSeeds);
  }

  private static Stream<Arguments> withSeeds(Named loss) {
    return Stream.of(41L, 42L, 43L).map(seed -> Arguments.of(loss, seed));
  }

  static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  static float[] scores(RandomGenerator random, int n, double spread) {
    final float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) (random.nextGaussian() * spread);
    }
    return x;
  }

  /** Targets for rows of length n: one each, or lists with some slots left out. */
  static Tensor targets(RandomGenerator random, boolean lists, int rows, int n) {
    final int slots = lists ? SLOTS : 1;
    final int[] targets = new int[rows * slots];
    for (int i = 0; i < targets.length; i++) {
      final boolean none = lists && i % slots > 0 && random.nextInt(3) == 0;
      targets[i] = none ? LossOptions.IGNORE_INDEX : random.nextInt(n);
    }
    return lists ? Tensor.of(targets, rows, slots) : Tensor.of(targets, rows);
  }

  /** Relevances of positives, from their places: 0.5 to 1.5; NaN where there is no positive. */
  static Tensor relevances(Tensor x, Tensor targets) {
    final Tensor relevances = Tensor.zeros(x.dtype().accumulator(), targets.shape());
    for (long i = 0; i < targets.size(); i++) {
      final boolean none = targets.getDouble(targets.flatIndex(i)) < 0;
      relevances.setDouble(i, none ? Double.NaN : 0.5 + i % 5 * 0.25);
    }
    return relevances;
  }

  /** A new array of NaN, so that an element nobody wrote fails. */
  static float[] poison(int n) {
    final float[] y = new float[n];
    Arrays.fill(y, Float.NaN);
    return y;
  }
}
