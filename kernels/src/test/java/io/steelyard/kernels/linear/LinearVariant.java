package io.steelyard.kernels.linear;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;

/** A linear attention with its choices made, and what tests compare it with. */
record LinearVariant(String name, Features map, Readout readout) {

  /**
   * Outputs by the definition, and what a relative error of every product of features can make of
   * each: what would add up if all terms were positive, and what a wrong sum of weights does to the
   * factor of them all.
   */
  record Expected(Tensor o, Tensor mass) {}

  static Stream<LinearVariant> all() {
    return Stream.of(
        new LinearVariant("linear elu1", FeatureMap.ELU1.features(), Readout.SUM),
        new LinearVariant("linear relu", FeatureMap.RELU.features(), Readout.SUM),
        new LinearVariant("linear exp", FeatureMap.EXP.features(), Readout.SUM),
        new LinearVariant("mala mean", FeatureMap.ELU1.features(), Readout.MALA_MEAN),
        new LinearVariant("mala root", FeatureMap.ELU1.features(), Readout.MALA_ROOT),
        new LinearVariant("mala sum", FeatureMap.EXP.features(), Readout.MALA_SUM),
        new LinearVariant("nala split", NalaForm.SPLIT.features(), Readout.MEAN),
        new LinearVariant("nala cosine", NalaForm.COSINE.features(), Readout.MEAN));
  }

  @Override
  public String toString() {
    return name;
  }

  void apply(Tensor q, Tensor k, Tensor v, Tensor o, LinearOptions options) {
    FeatureAttention.apply(q, k, v, o, map, readout, options);
  }

  float[] apply(Tensor q, Tensor k, Tensor v, LinearOptions options) {
    final float[] o = new float[(int) (q.dim(0) * q.dim(1) * q.dim(2) * v.dim(3))];
    Arrays.fill(o, Float.NaN);
    apply(q, k, v, Tensor.of(o, q.dim(0), q.dim(1), q.dim(2), v.dim(3)), options);
    return o;
  }

  /** The scalar meaning, of the same numbers. */
  double[] meaning(Tensor q, Tensor k, Tensor v, LinearOptions options) {
    final Tensor o = Tensor.zeros(DType.F64, q.dim(0), q.dim(1), q.dim(2), v.dim(3));
    apply(q.to(DType.F64), k.to(DType.F64), v.to(DType.F64), o, options);
    return o.toDoubleArray();
  }

  LinearState newState(DType dtype, LinearState.Shape shape, double eps) {
    return new LinearState(dtype, shape, map, readout, eps);
  }

  /** Weight by weight: quadratic in tokens, with nothing in common with the sums. */
  Expected expected(Tensor q, Tensor k, Tensor v, LinearOptions options) {
    final int queries = (int) q.dim(2);
    final int keys = (int) k.dim(2);
    final int depth = (int) q.dim(3);
    final int width = (int) v.dim(3);
    final int rows = (int) (q.dim(0) * q.dim(1)) * queries;
    final double[] o = new double[rows * width];
    final double[] mass = new double[o.length];
    final double[][] psi = new double[(int) (k.dim(0) * k.dim(1)) * keys][map.parts() * depth];
    final double[][] tokens = new double[psi.length][];
    for (int j = 0; j < psi.length; j++) {
      map.key(numbers(k, j, depth), psi[j]);
      tokens[j] = numbers(v, j, width);
    }
    for (int row = 0; row < rows; row++) {
      final int head = row / queries;
      final int batch = head / (int) q.dim(1);
      final int keyHead = (int) (batch * k.dim(1) + head % q.dim(1) * k.dim(1) / q.dim(1));
      final int seen =
          options.causal() ? Math.clamp(row % queries + 1 + keys - queries, 0, keys) : keys;
      final double[] phi = new double[map.parts() * depth];
      map.query(numbers(q, row, depth), phi);
      final double[] a = new double[seen];
      // Features of the cosine form may cancel: what is rounded is their products.
      final double[] positive = new double[seen];
      double total = 0;
      double positiveTotal = 0;
      for (int j = 0; j < seen; j++) {
        for (int f = 0; f < phi.length; f++) {
          final double product = phi[f] * psi[keyHead * keys + j][f];
          a[j] += product;
          positive[j] += Math.abs(product);
        }
        total += a[j];
        positiveTotal += positive[j];
      }
      final double c =
          switch (readout) {
            case MALA_MEAN -> 1 / (Math.sqrt(depth) * seen);
            case MALA_ROOT -> 1 / Math.sqrt(depth);
            case MALA_SUM, SUM, MEAN -> 1;
          };
      final double alpha =
          switch (readout) {
            case SUM -> 1 / (total + options.eps());
            case MEAN -> 1 / (total + seen * options.eps());
            case MALA_MEAN, MALA_ROOT, MALA_SUM -> (1 + 1 / (c * total + options.eps())) * c;
          };
      final double slope =
          switch (readout) {
            case SUM, MEAN -> alpha * alpha;
            case MALA_MEAN, MALA_ROOT, MALA_SUM ->
                c * c / ((c * total + options.eps()) * (c * total + options.eps()));
          };
      final double gamma = readout.centred() ? c / seen : 0;
      for (int x = 0; x < width && seen > 0; x++) {
        double sum = 0;
        double positiveSum = 0;
        double values = 0;
        double positiveValues = 0;
        for (int j = 0; j < seen; j++) {
          final double value = tokens[keyHead * keys + j][x];
          sum += a[j] * value;
          positiveSum += positive[j] * Math.abs(value);
          values += value;
          positiveValues += Math.abs(value);
        }
        o[row * width + x] = alpha * sum - gamma * total * values;
        mass[row * width + x] =
            alpha * positiveSum
                + slope * positiveTotal * Math.abs(sum)
                + gamma * positiveTotal * positiveValues;
      }
    }
    return new Expected(Tensor.of(o, o.length), Tensor.of(mass, mass.length));
  }

  private static double[] numbers(Tensor from, long row, int count) {
    final double[] numbers = new double[count];
    for (int c = 0; c < count; c++) {
      numbers[c] = from.getDouble(from.rowOffset(row) + c * from.rowStride());
    }
    return numbers;
  }

  /** As an assertion of its own for each number would, but without describing those that fit. */
  static void assertClose(double actual, double expected, double allowed, String what, int i) {
    if (!(Math.abs(actual - expected) <= allowed)) {
      assertThat(actual).as("%s, element %d", what, i).isCloseTo(expected, Offset.offset(allowed));
    }
  }

  static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  static Tensor normal(RandomGenerator random, int... shape) {
    final long[] extents = Arrays.stream(shape).asLongStream().toArray();
    final float[] data = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) random.nextGaussian();
    }
    return Tensor.of(data, extents);
  }
}
