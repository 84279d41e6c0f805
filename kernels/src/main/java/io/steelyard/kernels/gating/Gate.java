package io.steelyard.kernels.gating;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;

/** What the gates of this package have in common: ports, parameters and checks. */
final class Gate {

  static final List<Port> INPUTS =
      List.of(
          Port.of("x", "b1.x", "[..., N]", "Scores of the experts for each token."),
          new Port("bias", "b0", Port.Kind.FLOAT, "[N]", true, "What is added for each expert."));

  static final Parameter THREADS =
      new Parameter.Whole(
          "threads",
          "threads",
          0L,
          0,
          Integer.MAX_VALUE,
          "Most threads to use; 0 for all processors.");

  /** Stands for a bias, or a gradient of it, that a call does not have. */
  static final Tensor NOTHING = Tensor.zeros(DType.F32, 0);

  private static final ThreadLocal<double[]> ROOM = ThreadLocal.withInitial(() -> new double[64]);

  private Gate() {}

  static Tensor bias(Arguments arguments) {
    return arguments.optional("bias").orElse(NOTHING);
  }

  /** Room for the gradient of a bias, if there is one. */
  static Tensor biasGradient(Arguments arguments) {
    return arguments.optional("bias").map(Tensor::zerosLike).orElse(NOTHING);
  }

  static void checkScores(Tensor x) {
    if (!x.dtype().isFloat() || x.rank() == 0) {
      throw new IllegalArgumentException("x is " + x + "; expected f32 or f64 [..., N]");
    }
  }

  static void checkSame(String name, Tensor tensor, Tensor x) {
    if (tensor.dtype() != x.dtype() || !tensor.hasShapeOf(x)) {
      throw new IllegalArgumentException(
          name + " is " + tensor + "; expected the dtype and shape of x, " + x);
    }
  }

  static void checkBias(String name, Tensor bias, Tensor x) {
    if (bias != NOTHING
        && (bias.dtype() != x.dtype() || bias.rank() != 1 || bias.size() != x.rowLength())) {
      throw new IllegalArgumentException(
          name
              + " is "
              + bias
              + "; expected "
              + x.dtype().label()
              + "["
              + x.rowLength()
              + "], one number for each entry of a row of x");
    }
  }

  static void checkOutput(String name, Tensor tensor, String inputName, Tensor input) {
    if (tensor.memory().isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only; expected memory to write to");
    }
    if (tensor.overlapsPartly(input)) {
      throw new IllegalArgumentException(
          name
              + " shares part of its memory with "
              + inputName
              + "; expected either the same elements in the same order or no overlap");
    }
  }

  static void checkThreads(int threads) {
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** Options of the softmax inside a gate. */
  static NormaliserOptions options(int threads) {
    final NormaliserOptions defaults = NormaliserOptions.defaults();
    return threads == 0 ? defaults : defaults.withThreads(threads);
  }

  /** Element of a row. */
  static double at(Tensor tensor, long row, long entry) {
    return tensor.getDouble(tensor.rowOffset(row) + entry * tensor.rowStride());
  }

  /** Writes an element of a row. */
  static void set(Tensor tensor, long row, long entry, double value) {
    tensor.setDouble(tensor.rowOffset(row) + entry * tensor.rowStride(), value);
  }

  /** Copies a row into the start of an array. */
  static void read(Tensor tensor, long row, double[] to) {
    final int n = (int) tensor.rowLength();
    if (tensor.floatArray().isPresent() && tensor.rowStride() == 1) {
      final float[] from = tensor.floatArray().get();
      final int start = tensor.floatArrayOffset() + (int) tensor.rowOffset(row);
      for (int j = 0; j < n; j++) {
        to[j] = from[start + j];
      }
    } else {
      for (int j = 0; j < n; j++) {
        to[j] = at(tensor, row, j);
      }
    }
  }

  /** Copies the start of an array into a row. */
  static void write(Tensor tensor, long row, double[] from) {
    final int n = (int) tensor.rowLength();
    if (tensor.floatArray().isPresent() && tensor.rowStride() == 1) {
      final float[] to = tensor.floatArray().get();
      final int start = tensor.floatArrayOffset() + (int) tensor.rowOffset(row);
      for (int j = 0; j < n; j++) {
        to[start + j] = (float) from[j];
      }
    } else {
      for (int j = 0; j < n; j++) {
        set(tensor, row, j, from[j]);
      }
    }
  }

  /** An array of this thread, of at least {@code n} numbers, kept between calls. */
  static double[] room(int n) {
    double[] room = ROOM.get();
    if (room.length < n) {
      room = new double[n];
      ROOM.set(room);
    }
    return room;
  }

  /** Bias of an entry. */
  static double biasAt(Tensor bias, long entry) {
    return bias == NOTHING ? 0 : bias.getDouble(bias.offset() + entry * bias.stride(0));
  }
}
