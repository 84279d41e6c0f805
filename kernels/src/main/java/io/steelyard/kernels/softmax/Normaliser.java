package io.steelyard.kernels.softmax;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/** What all normalisers of rows have in common: their ports, their options and their checks. */
public final class Normaliser {

  /** Scores and the optional parts of a mask. */
  public static final List<Port> INPUTS =
      List.of(
          Port.of("x", "x", "[..., N]", "Scores; each row is the last axis."),
          Port.mask("mask", "mask", "broadcasts to [..., N]", "True where an entry takes part."),
          new Port(
              "lengths",
              "lengths",
              Port.Kind.INTEGER,
              "broadcasts to [..., 1]",
              true,
              "How many leading entries of each row take part."));

  /** What {@link #options} reads. */
  public static final List<Parameter> PARAMETERS =
      List.of(
          new Parameter.Flag(
              "causal",
              "causal",
              false,
              "Whether query i sees only keys j <= i + Tk - Tq; axes [..., Tq, Tk]."),
          new Parameter.Whole(
              "threads",
              "threads",
              0L,
              0,
              Integer.MAX_VALUE,
              "Most threads to use; 0 for all processors."));

  private Normaliser() {}

  /** The options that a call by name asks for. */
  public static NormaliserOptions options(Arguments arguments) {
    Mask mask = arguments.flag("causal") ? Mask.causal() : Mask.none();
    mask = arguments.optional("mask").map(Mask::keep).map(mask::and).orElse(mask);
    mask = arguments.optional("lengths").map(Mask::lengths).map(mask::and).orElse(mask);
    return new NormaliserOptions(mask, (int) arguments.whole("threads"));
  }

  /**
   * Checks that {@code to} can take a value for each element of {@code from}: the same dtype, or
   * f32 for 16-bit numbers.
   */
  public static void checkSame(String fromName, Tensor from, String toName, Tensor to) {
    checkFloat(fromName, from);
    if (to.dtype() != from.dtype().accumulator() || !to.hasShapeOf(from)) {
      throw new IllegalArgumentException(
          toName
              + " is "
              + to
              + "; expected "
              + (from.dtype().isHalf() ? "f32 and the shape of " : "the dtype and shape of ")
              + fromName
              + ", "
              + from);
    }
    checkOverlap(fromName, from, toName, to);
  }

  /** Checks that {@code to} can take a value for each row of {@code from}. */
  public static void checkRows(String fromName, Tensor from, String toName, Tensor to) {
    checkFloat(fromName, from);
    if (to.dtype() != from.dtype().accumulator() || !to.hasRowsOf(from)) {
      final long[] shape = from.shape();
      final long[] rows = Arrays.copyOf(shape, Math.max(0, shape.length - 1));
      throw new IllegalArgumentException(
          toName
              + " is "
              + to
              + "; expected "
              + from.dtype().accumulator().label()
              + Arrays.toString(rows)
              + ", one number for each row of "
              + fromName
              + ", "
              + from);
    }
  }

  /** Checks that the two are the same elements in the same order or share no memory. */
  public static void checkOverlap(String fromName, Tensor from, String toName, Tensor to) {
    if (from.overlapsPartly(to)) {
      throw new IllegalArgumentException(
          toName
              + " shares part of its memory with "
              + fromName
              + "; expected either the same elements in the same order or no overlap");
    }
  }

  /** Checks that the memory may be written. */
  public static void checkWritable(String name, Tensor tensor) {
    if (tensor.memory().isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only; expected memory to write to");
    }
  }

  private static void checkFloat(String name, Tensor tensor) {
    if (!tensor.dtype().accumulator().isFloat()) {
      throw new IllegalArgumentException(
          name + " is " + tensor + "; expected f32, f64, f16 or bf16");
    }
  }
}
