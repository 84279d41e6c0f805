package io.steelyard.kernels.recurrent;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** Shapes of a scan: sequences {@code [B, T, ...]}, or one step {@code [B, ...]} of them. */
final class ScanCall {

  /** Stands for a state, skip connection or bias that a call does not have. */
  static final Tensor NOTHING = Tensor.zeros(DType.F32, 0);

  private ScanCall() {}

  /** Steps of a sequence or step. */
  static int steps(Tensor sequence) {
    return sequence.rank() == 3 ? Math.toIntExact(sequence.dim(1)) : 1;
  }

  static long timeStride(Tensor sequence) {
    return sequence.rank() == 3 ? sequence.stride(1) : 0;
  }

  /** Where an element of a step is. */
  static long at(Tensor sequence, long batch, long step, long column) {
    return sequence.offset()
        + batch * sequence.stride(0)
        + step * timeStride(sequence)
        + column * sequence.stride(-1);
  }

  static void check(Tensor u, Tensor delta, Tensor a, Tensor b, Tensor c, ScanOptions options) {
    if (!u.dtype().isFloat() || (u.rank() != 3 && u.rank() != 2)) {
      throw new IllegalArgumentException(
          "u is " + u + "; expected f32 or f64 [B, T, D], or [B, D] for one step");
    }
    checkLike("delta", delta, u);
    if (a.dtype() != u.dtype() || a.rank() != 2 || a.dim(0) != u.dim(-1)) {
      throw new IllegalArgumentException(
          "a is " + a + "; expected " + u.dtype().label() + "[" + u.dim(-1) + ", N]");
    }
    checkColumns("b", b, u, a.dim(1));
    checkColumns("c", c, u, a.dim(1));
    if (options.skip().isPresent()) {
      checkChannels("skip", options.skip().get(), u);
    }
    if (options.bias().isPresent()) {
      checkChannels("bias", options.bias().get(), u);
    }
  }

  /** Checks for one row of some length for each step. */
  static void checkColumns(String name, Tensor tensor, Tensor u, long length) {
    if (tensor.dtype() != u.dtype() || !hasColumns(tensor, u, length)) {
      final long[] shape = u.shape();
      shape[shape.length - 1] = length;
      throw unexpected(name, tensor, u.dtype(), shape);
    }
  }

  private static boolean hasColumns(Tensor tensor, Tensor u, long length) {
    return tensor.rank() == u.rank()
        && tensor.dim(0) == u.dim(0)
        && steps(tensor) == steps(u)
        && tensor.dim(-1) == length;
  }

  /** Checks for one number for each channel. */
  static void checkChannels(String name, Tensor tensor, Tensor u) {
    if (tensor.dtype() != u.dtype() || tensor.rank() != 1 || tensor.dim(0) != u.dim(-1)) {
      throw unexpected(name, tensor, u.dtype(), u.dim(-1));
    }
  }

  static void checkState(String name, Tensor state, Tensor u, Tensor a) {
    if (state.dtype() != u.dtype()
        || state.rank() != 3
        || state.dim(0) != u.dim(0)
        || state.dim(1) != a.dim(0)
        || state.dim(2) != a.dim(1)) {
      throw unexpected(name, state, u.dtype(), u.dim(0), a.dim(0), a.dim(1));
    }
  }

  static void checkLike(String name, Tensor tensor, Tensor like) {
    if (tensor.dtype() != like.dtype() || !tensor.hasShapeOf(like)) {
      throw unexpected(name, tensor, like.dtype(), like.shape());
    }
  }

  /** Checks that a tensor can be written and shares no memory with the inputs. */
  static void checkOutput(
      String name, Tensor out, Tensor u, Tensor delta, Tensor a, Tensor b, Tensor c) {
    if (out.memory().isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only; expected memory to write to");
    }
    checkApart(name, out, "u", u);
    checkApart(name, out, "delta", delta);
    checkApart(name, out, "a", a);
    checkApart(name, out, "b", b);
    checkApart(name, out, "c", c);
  }

  static void checkApart(String name, Tensor out, String inputName, Tensor input) {
    if (out.overlaps(input)) {
      throw new IllegalArgumentException(
          name + " shares memory with " + inputName + "; expected memory of its own");
    }
  }

  private static IllegalArgumentException unexpected(
      String name, Tensor tensor, DType dtype, long... shape) {
    return new IllegalArgumentException(
        name + " is " + tensor + "; expected " + dtype.label() + Arrays.toString(shape));
  }
}
