package io.steelyard.kernels.recurrent;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Inputs of scans that the tests share. */
record ScanFixture(
    Tensor u, Tensor delta, Tensor a, Tensor b, Tensor c, Tensor initial, ScanOptions options) {

  static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  static Tensor gaussians(RandomGenerator random, DType dtype, long... shape) {
    final Tensor tensor = Tensor.zeros(dtype, shape);
    for (long i = 0; i < tensor.size(); i++) {
      tensor.setDouble(i, (float) random.nextGaussian());
    }
    return tensor;
  }

  private static Tensor positive(
      RandomGenerator random, DType dtype, double from, double to, long... shape) {
    final Tensor tensor = Tensor.zeros(dtype, shape);
    for (long i = 0; i < tensor.size(); i++) {
      tensor.setDouble(i, (float) random.nextDouble(from, to));
    }
    return tensor;
  }

  /** Step sizes and rates as trained layers have them, with a skip connection. */
  static ScanFixture of(long seed, DType dtype, long batch, long steps, long channels, long n) {
    final RandomGenerator random = random(seed);
    return new ScanFixture(
        gaussians(random, dtype, batch, steps, channels),
        positive(random, dtype, 0.001, 0.5, batch, steps, channels),
        positive(random, dtype, 0.1, 8, channels, n),
        gaussians(random, dtype, batch, steps, n),
        gaussians(random, dtype, batch, steps, n),
        gaussians(random, dtype, batch, channels, n),
        ScanOptions.defaults().withSkip(gaussians(random, dtype, channels)));
  }

  ScanFixture withOptions(ScanOptions newOptions) {
    return new ScanFixture(u, delta, a, b, c, initial, newOptions);
  }

  /** The same numbers, channels and states the other way round in memory. */
  ScanFixture turned() {
    return new ScanFixture(turn(u), turn(delta), turn(a), turn(b), turn(c), turn(initial), options);
  }

  private static Tensor turn(Tensor tensor) {
    final int last = tensor.rank() - 1;
    final Tensor turned =
        tensor.dtype() == DType.F32
            ? Tensor.of(tensor.transpose(last - 1, last).toFloatArray(), turnedShape(tensor))
            : Tensor.of(tensor.transpose(last - 1, last).toDoubleArray(), turnedShape(tensor));
    return turned.transpose(last - 1, last);
  }

  private static long[] turnedShape(Tensor tensor) {
    return tensor.transpose(tensor.rank() - 2, tensor.rank() - 1).shape();
  }

  ScanFixture inNativeMemory(Arena arena) {
    return new ScanFixture(
        copy(arena, u),
        copy(arena, delta),
        copy(arena, a),
        copy(arena, b),
        copy(arena, c),
        copy(arena, initial),
        options);
  }

  private static Tensor copy(Arena arena, Tensor tensor) {
    final Tensor copy =
        Tensor.of(
            arena.allocate(tensor.size() * tensor.dtype().bytes() + 4),
            tensor.dtype(),
            tensor.shape());
    for (long i = 0; i < tensor.size(); i++) {
      copy.setDouble(i, tensor.getDouble(tensor.flatIndex(i)));
    }
    return copy;
  }

  ScanFixture inDouble() {
    return new ScanFixture(
        u.to(DType.F64),
        delta.to(DType.F64),
        a.to(DType.F64),
        b.to(DType.F64),
        c.to(DType.F64),
        initial.to(DType.F64),
        new ScanOptions(
            options.skip().map(x -> x.to(DType.F64)),
            options.bias().map(x -> x.to(DType.F64)),
            options.softplus(),
            options.threads()));
  }

  /** Like a tensor, contiguous and full of NaN, so that an element nobody wrote fails. */
  static Tensor poison(Tensor like) {
    final Tensor tensor = Tensor.zerosLike(like);
    for (long i = 0; i < tensor.size(); i++) {
      tensor.setDouble(i, Double.NaN);
    }
    return tensor;
  }

  /** The outputs; the state goes on from {@link #initial}, which is modified. */
  Tensor run() {
    final Tensor y = poison(u);
    SelectiveScan.apply(u, delta, a, b, c, initial, y, options);
    return y;
  }

  ScanGradients vjp(Tensor dy, Tensor dstate) {
    final Optional<Tensor> first = Optional.of(initial);
    final ScanGradients to = ScanGradients.of(u, delta, a, b, c, first, options);
    SelectiveScan.vjp(u, delta, a, b, c, first, dy, Optional.of(dstate), options, to);
    return to;
  }
}
