package io.steelyard.kernels.head;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Inputs that the tests of the heads share. */
final class HeadFixture {

  /** Awkward row lengths: around vectors and blocks. */
  static final int[] LENGTHS = {1, 2, 3, 4, 5, 7, 8, 13, 15, 16, 17, 25, 31, 33, 64, 65, 207, 702};

  private HeadFixture() {}

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

  /** Like a tensor, full of NaN, so that an element nobody wrote fails. */
  static Tensor poison(DType dtype, long... shape) {
    final Tensor tensor = Tensor.zeros(dtype, shape);
    for (long i = 0; i < tensor.size(); i++) {
      tensor.setDouble(i, Double.NaN);
    }
    return tensor;
  }

  /** The same matrix, its columns one after another in memory. */
  static Tensor byColumns(Tensor matrix) {
    final Tensor turned = Tensor.zeros(matrix.dtype(), matrix.dim(1), matrix.dim(0));
    final Tensor view = turned.transpose(0, 1);
    for (long i = 0; i < matrix.size(); i++) {
      view.setDouble(view.flatIndex(i), matrix.getDouble(matrix.flatIndex(i)));
    }
    return view;
  }

  static Tensor inNativeMemory(Arena arena, Tensor tensor) {
    final Tensor copy =
        Tensor.of(
            arena.allocate(tensor.size() * tensor.dtype().bytes()), tensor.dtype(), tensor.shape());
    for (long i = 0; i < tensor.size(); i++) {
      copy.setDouble(i, tensor.getDouble(tensor.flatIndex(i)));
    }
    return copy;
  }
}
