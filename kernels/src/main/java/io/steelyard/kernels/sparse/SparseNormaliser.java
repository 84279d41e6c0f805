package io.steelyard.kernels.sparse;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.softmax.Normaliser;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What the normalisers of this package have in common: checks, scalar meaning and description. */
final class SparseNormaliser {

  /** A normaliser, as the registry calls it. */
  interface Call {

    void apply(Arguments arguments, Tensor x, Tensor y, NormaliserOptions options);
  }

  /** Its gradient, as the registry calls it. */
  interface VjpCall {

    void apply(Arguments arguments, Tensor y, Tensor dy, Tensor dx, NormaliserOptions options);
  }

  private SparseNormaliser() {}

  /** Checks a call and returns whether the SIMD kernel does it, else the scalar meaning. */
  static boolean vectors(Tensor x, Tensor y) {
    Normaliser.checkSame("x", x, "y", y);
    Normaliser.checkWritable("y", y);
    return x.dtype() == DType.F32 && Simd.available();
  }

  /** As {@link #vectors(Tensor, Tensor)} for a gradient. */
  static boolean vectors(Tensor y, Tensor dy, Tensor dx) {
    Normaliser.checkSame("y", y, "dy", dy);
    Normaliser.checkSame("y", y, "dx", dx);
    Normaliser.checkOverlap("dy", dy, "dx", dx);
    Normaliser.checkWritable("dx", dx);
    return y.dtype() == DType.F32 && Simd.available();
  }

  /** The scalar meaning for alpha above 1: double arithmetic, rounded once into y. */
  static void meaning(Tensor x, Tensor y, Mask mask, double alpha) {
    final RowMask rows = new RowMask();
    rows.bind(mask, x);
    final EntmaxRow solved = new EntmaxRow(alpha);
    final long n = x.rowLength();
    for (long row = 0; n > 0 && row < x.rows(); row++) {
      solved.solve(x, rows, row);
      final long visible = rows.visible(row);
      for (long j = 0; j < n; j++) {
        final boolean takesPart = j < visible && rows.keeps(row, j);
        final double score = takesPart ? x.getDouble(x.rowOffset(row) + j * x.rowStride()) : 0;
        y.setDouble(y.rowOffset(row) + j * y.rowStride(), solved.weight(score, takesPart));
      }
    }
  }

  /** {@code dx = s (dy - <s, dy> / sum s)}, {@code s = y^(2 - alpha)} where y is not 0. */
  static void vjpMeaning(Tensor y, Tensor dy, Tensor dx, double alpha) {
    final long n = y.rowLength();
    for (long row = 0; n > 0 && row < y.rows(); row++) {
      double dot = 0;
      double sum = 0;
      for (long j = 0; j < n; j++) {
        final double s = slope(y.getDouble(y.rowOffset(row) + j * y.rowStride()), alpha);
        sum += s;
        dot += s == 0 ? 0 : s * dy.getDouble(dy.rowOffset(row) + j * dy.rowStride());
      }
      for (long j = 0; j < n; j++) {
        final double s = slope(y.getDouble(y.rowOffset(row) + j * y.rowStride()), alpha);
        final double g = dy.getDouble(dy.rowOffset(row) + j * dy.rowStride());
        dx.setDouble(dx.rowOffset(row) + j * dx.rowStride(), s == 0 ? 0 : s * (g - dot / sum));
      }
    }
  }

  /** How fast a weight grows with its score: {@code y^(2 - alpha)}, 0 where y is 0. */
  static double slope(double y, double alpha) {
    return y == 0 ? 0 : Math.pow(y, 2 - alpha);
  }

  /** The description of a normaliser with one gradient. */
  static Operator describe(
      String name, String summary, Source source, List<Parameter> own, Call call, VjpCall vjp) {
    return new Operator(
        name,
        "sparse",
        summary,
        source,
        Normaliser.INPUTS,
        Stream.concat(own.stream(), Normaliser.PARAMETERS.stream()).toList(),
        List.of(Port.of("y", "p", "[..., N]", "Weights; each row sums to 1.")),
        arguments -> Map.of("y", weights(arguments, call)),
        Optional.of(
            new Operator.Vjp(
                List.of(Port.of("dy", "dL/dp", "[..., N]", "Gradient with respect to y.")),
                List.of(Port.of("dx", "dL/dx", "[..., N]", "Gradient with respect to x.")),
                arguments -> Map.of("dx", gradient(arguments, call, vjp)))));
  }

  static Tensor weights(Arguments arguments, Call call) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
    call.apply(arguments, x, y, Normaliser.options(arguments));
    return y;
  }

  static Tensor gradient(Arguments arguments, Call call, VjpCall vjp) {
    final Tensor y = weights(arguments, call);
    final Tensor dx = Tensor.zerosLike(y);
    vjp.apply(arguments, y, arguments.tensor("dy"), dx, Normaliser.options(arguments));
    return dx;
  }
}
