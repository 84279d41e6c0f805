package io.steelyard.kernels.softmax;

import static io.steelyard.kernels.softmax.NormaliserFixture.masked;
import static io.steelyard.kernels.softmax.NormaliserFixture.poison;
import static io.steelyard.kernels.softmax.NormaliserFixture.random;
import static io.steelyard.kernels.softmax.NormaliserFixture.scores;
import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/** Holds the float32 kernel of any row normaliser to its own scalar meaning in double. */
public final class KernelCheck {

  /** What the documentation of a normaliser allows. */
  public interface Tolerance {

    /** The error that an exact weight of this score may have. */
    double of(double exact, double score);
  }

  private final NormaliserFixture.Named normaliser;
  private final Tolerance tolerance;

  /** A check of one normaliser. */
  public KernelCheck(NormaliserFixture.Named normaliser, Tolerance tolerance) {
    this.normaliser = normaliser;
    this.tolerance = tolerance;
  }

  /** At awkward lengths, for scores close together and far apart. */
  public void atAwkwardLengths(long seed) {
    final RandomGenerator random = random(seed);
    for (final int n : NormaliserFixture.LENGTHS) {
      for (final double spread : new double[] {0.01, 1, 30}) {
        final float[] x = scores(random, n, spread);
        compare(x, Mask.none(), "seed " + seed + ", n " + n + ", spread " + spread, 1, n);
      }
    }
  }

  /** At the edges of the number range. */
  public void atTheEdges() {
    for (final float[] edge : NormaliserFixture.edgeRows()) {
      for (final int n : new int[] {edge.length, 16, 17, 300, 5000, 33_000}) {
        final float[] x = new float[Math.max(n, edge.length)];
        for (int i = 0; i < x.length; i++) {
          x[i] = edge[i % edge.length];
        }
        compare(x, Mask.none(), Arrays.toString(edge) + " x " + n, 1, x.length);
      }
    }
  }

  /** Under masks of every kind, with NaN and infinity in what they hide. */
  public void underMasks(long seed) {
    final RandomGenerator random = random(seed);
    for (final int n : new int[] {1, 5, 16, 37, 300, 5000, 33_001}) {
      final float[] x = scores(random, 4 * n, 2);
      final boolean[] keep = new boolean[4 * n];
      final float[] poisons = {Float.NaN, Float.POSITIVE_INFINITY, 1e30f, Float.NEGATIVE_INFINITY};
      for (int i = 0; i < keep.length; i++) {
        keep[i] = i / n != 1 && random.nextInt(3) > 0;
        if (!keep[i]) {
          x[i] = poisons[random.nextInt(poisons.length)];
        }
      }
      final Mask flags = Mask.keep(Tensor.of(keep, 4, n));
      final Mask lengths = Mask.lengths(Tensor.of(new int[] {n, n, n / 2, 0}, 4, 1));
      compare(x, flags, "flags, seed " + seed + ", n " + n, 4, n);
      compare(x, flags.and(lengths), "flags and lengths, seed " + seed + ", n " + n, 4, n);
      compare(x, flags.and(Mask.causal()), "flags and causal, seed " + seed + ", n " + n, 4, n);
    }
  }

  /** Bit for bit, whatever the memory, the strides and the number of threads. */
  public void isTheSameBitsForEveryMemoryAndThreadCount() {
    for (final long[] shape : new long[][] {{40, 1000}, {3, 4096}, {2, 200_003}, {700, 10}}) {
      final int n = (int) (shape[0] * shape[1]);
      final float[] x = scores(random(5), n, 1);
      final NormaliserOptions one = NormaliserOptions.defaults().withThreads(1);
      final NormaliserOptions all = NormaliserOptions.defaults();
      final float[] expected = poison(n);
      normaliser.algorithm().apply(Tensor.of(x, shape), Tensor.of(expected, shape), one);

      final float[] threaded = poison(n);
      normaliser.algorithm().apply(Tensor.of(x, shape), Tensor.of(threaded, shape), all);
      assertThat(threaded).as("%s, all threads", normaliser).isEqualTo(expected);

      final float[] inPlace = x.clone();
      final Tensor both = Tensor.of(inPlace, shape);
      normaliser.algorithm().apply(both, both, all);
      assertThat(inPlace).as("%s, in place", normaliser).isEqualTo(expected);

      try (Arena arena = Arena.ofConfined()) {
        // A confined arena may only be touched by this thread.
        final MemorySegment in = arena.allocate(4L * n, 64);
        final MemorySegment out = arena.allocate(4L * n, 64);
        in.copyFrom(MemorySegment.ofArray(x));
        out.fill((byte) -1);
        final Tensor y = Tensor.of(out, DType.F32, shape);
        normaliser.algorithm().apply(Tensor.of(in, DType.F32, shape), y, one);
        assertThat(y.toFloatArray()).as("%s, native memory", normaliser).isEqualTo(expected);
      }

      final Tensor columns = Tensor.of(poison(n), shape[1], shape[0]).transpose(0, 1);
      final Tensor turned = Tensor.of(poison(n), shape[1], shape[0]).transpose(0, 1);
      for (int i = 0; i < n; i++) {
        columns.setDouble(columns.flatIndex(i), x[i]);
      }
      normaliser.algorithm().apply(columns, turned, all);
      assertThat(turned.toFloatArray()).as("%s, columns", normaliser).isEqualTo(expected);
    }
  }

  /** Where there is nothing to do. */
  public void emptyRowsAndNoRows() {
    final NormaliserOptions options = NormaliserOptions.defaults();
    final float[] guard = poison(4);
    normaliser
        .algorithm()
        .apply(
            Tensor.of(new float[0], 3, 0),
            Tensor.of(guard, 4).slice(0, 0, 0).reshape(3, 0),
            options);
    normaliser
        .algorithm()
        .apply(Tensor.of(new float[0], 0, 4), Tensor.of(new float[0], 0, 4), options);
    assertThat(guard).as("%s", normaliser).containsOnly(Float.NaN);
  }

  private void compare(float[] x, Mask mask, String what, long... shape) {
    final float[] y = poison(x.length);
    final Tensor scores = Tensor.of(x, shape);
    normaliser.algorithm().apply(scores, Tensor.of(y, shape), masked(mask));
    final Tensor exact = Tensor.of(new double[x.length], shape);
    normaliser.algorithm().apply(scores.to(DType.F64), exact, masked(mask));
    final String name = normaliser + ", " + what;
    for (int i = 0; i < x.length; i++) {
      final double want = exact.getDouble(i);
      assertWithin(y[i], want, Double.isNaN(want) ? 0 : tolerance.of(want, x[i]), name, i);
    }
  }
}
