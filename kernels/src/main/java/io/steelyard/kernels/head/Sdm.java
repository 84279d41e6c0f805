package io.steelyard.kernels.head;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.softmax.LogSoftmax;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The similarity-distance-magnitude activation: {@code y_i = (2 + q)^(d z_i) / sum_c (2 + q)^(d
 * z_c)}, softmax with a base and a temperature of each row's own, and its logarithm to that base.
 * {@code q = e - 2, d = 1} is softmax; {@code d = 0} is uniform; the order of the entries does not
 * change.
 *
 * <p>Edges, as softmax: a score of -inf has weight 0; a row of -inf gives zeros (logarithms: -inf);
 * NaN or +inf in a row makes it NaN, and so does a q below -1 or a negative or NaN d.
 *
 * <p>Shapes: z {@code [..., C]}, q and d {@code [...]}, y like z, and it may be z itself. dtype f64
 * runs the scalar meaning. f32 computes {@code t = d ln(2 + q) (z_i - max z)} and lets the kernels
 * of {@link Softmax} and {@link LogSoftmax} finish: weights are within {@code (24 + 4 |t|) 2^-23}
 * relative of the exact ones (below {@code 2^-126} they may be 0), logarithms within {@code (4e-6 +
 * 4 |t| 2^-23) / ln(2 + q)}.
 *
 * <p>Cost: O(C) a row; nothing is allocated in steady state. Results do not depend on the number of
 * threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2502.20167, section 3.
 *
 * <pre>{@code
 * Sdm.apply(logits, similarities, distances, weights, 0);
 * }</pre>
 */
public final class Sdm {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "sdm",
          "head",
          "Softmax with a base of 2 + q and an exponent of d z, q and d for each row.",
          new Source("2502.20167", "section 3"),
          List.of(
              Port.of("z", "z", "[..., C]", "Scores; each row is the last axis."),
              Port.of("q", "q", "[...]", "Similarity of each row: how many matches agree."),
              Port.of("d", "d", "[...]", "Distance quantile of each row, 1 for the nearest.")),
          List.of(Shapes.THREADS),
          List.of(
              Port.of("y", "sdm(z)", "[..., C]", "Weights; each row sums to 1."),
              Port.of("log", "log_{2+q} sdm(z)", "[..., C]", "Their logarithms to base 2 + q.")),
          Sdm::call,
          Optional.of(
              new Operator.Vjp(
                  List.of(
                      Port.of("dy", "dL/dsdm", "[..., C]", "Gradient with respect to y."),
                      Port.of("dlog", "dL/dlog", "[..., C]", "Gradient with respect to log.")),
                  List.of(Port.of("dz", "dL/dz", "[..., C]", "Gradient with respect to z.")),
                  Sdm::gradient)));

  private Sdm() {}

  /**
   * Writes the weights.
   *
   * @param z scores; not modified unless it is y
   * @param q one for each row, -1 or more; not modified
   * @param d one for each row, 0 or more; not modified
   * @param y modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if a dtype or shape is not legal
   */
  public static void apply(Tensor z, Tensor q, Tensor d, Tensor y, int threads) {
    check(z, q, d, y);
    if (z.dtype() == DType.F32 && Simd.available()) {
      SdmScaling.apply(z, q, d, y, threads);
      Softmax.apply(y, y, SdmScaling.options(threads));
    } else {
      final Tensor exact = scaled(z, q, d);
      Softmax.apply(exact, exact);
      copy(exact, y);
    }
  }

  /**
   * Writes the logarithms of the weights to base {@code 2 + q}.
   *
   * @param z scores; not modified unless it is y
   * @param q one for each row, -1 or more; not modified
   * @param d one for each row, 0 or more; not modified
   * @param y modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if a dtype or shape is not legal
   */
  public static void log(Tensor z, Tensor q, Tensor d, Tensor y, int threads) {
    check(z, q, d, y);
    if (z.dtype() == DType.F32 && Simd.available()) {
      SdmScaling.apply(z, q, d, y, threads);
      LogSoftmax.apply(y, y, SdmScaling.options(threads));
      divide(y, q);
    } else {
      final Tensor exact = scaled(z, q, d);
      LogSoftmax.apply(exact, exact);
      divide(exact, q);
      copy(exact, y);
    }
  }

  /**
   * Writes the gradient for the scores of a loss on weights and logarithms, {@code dz = d ln(2 + q)
   * y (dy - <dy, y>) + d (dlog - y sum dlog)}, in double; q and d are constants. Entries with
   * weight 0 get gradient 0 and have no say.
   *
   * @param y weights that {@link #apply} gave; not modified
   * @param dy gradient with respect to the weights; not modified
   * @param dlog gradient with respect to the logarithms; not modified
   * @param dz modified
   * @throws IllegalArgumentException if a dtype or shape is not legal
   */
  public static void vjp(Tensor y, Tensor q, Tensor d, Tensor dy, Tensor dlog, Tensor dz) {
    check(y, q, d, dz);
    Shapes.checkLike("dy", dy, y);
    Shapes.checkLike("dlog", dlog, y);
    for (long row = 0; row < y.rows(); row++) {
      final double[] p = Shapes.row(y, row);
      final double[] g = Shapes.row(dy, row);
      final double[] h = Shapes.row(dlog, row);
      final double distance = d.getDouble(d.flatIndex(row));
      final double base = exponent(q, d, row);
      double dot = 0;
      double sum = 0;
      for (int i = 0; i < p.length; i++) {
        dot += p[i] == 0 ? 0 : p[i] * g[i];
        sum += p[i] == 0 ? 0 : h[i];
      }
      for (int i = 0; i < p.length; i++) {
        p[i] = p[i] == 0 ? 0 : base * p[i] * (g[i] - dot) + distance * (h[i] - p[i] * sum);
      }
      Shapes.setRow(dz, row, p);
    }
  }

  /** {@code d ln(2 + q)} of a row; NaN where q or d is out of range. */
  static double exponent(Tensor q, Tensor d, long row) {
    final double similarity = q.getDouble(q.flatIndex(row));
    final double distance = d.getDouble(d.flatIndex(row));
    return similarity >= -1 && distance >= 0 ? distance * Math.log(2 + similarity) : Double.NaN;
  }

  private static void check(Tensor z, Tensor q, Tensor d, Tensor y) {
    Shapes.checkFloat("z", z);
    Shapes.checkOneForEachRow("q", q, z.dtype(), z);
    Shapes.checkOneForEachRow("d", d, z.dtype(), z);
    Shapes.checkLike("y", y, z);
    Shapes.checkOutput("y", y, "q", q);
    Shapes.checkOutput("y", y, "d", d);
    if (z.overlapsPartly(y)) {
      throw new IllegalArgumentException(
          "y shares part of its memory with z; expected either the same elements in the same order"
              + " or no overlap");
    }
  }

  private static Tensor scaled(Tensor z, Tensor q, Tensor d) {
    final Tensor scaled = Tensor.zeros(DType.F64, z.shape());
    for (long row = 0; row < z.rows(); row++) {
      final double[] t = Shapes.row(z, row);
      double max = Double.NEGATIVE_INFINITY;
      for (final double v : t) {
        max = v > max ? v : max;
      }
      final double c = exponent(q, d, row);
      for (int i = 0; i < t.length; i++) {
        t[i] = t[i] == Double.NEGATIVE_INFINITY ? t[i] : (t[i] - max) * c;
      }
      Shapes.setRow(scaled, row, t);
    }
    return scaled;
  }

  private static void divide(Tensor y, Tensor q) {
    for (long row = 0; row < y.rows(); row++) {
      final double base = Math.log(2 + q.getDouble(q.flatIndex(row)));
      final long at = y.rowOffset(row);
      for (long i = 0; i < y.rowLength(); i++) {
        y.setDouble(at + i * y.rowStride(), y.getDouble(at + i * y.rowStride()) / base);
      }
    }
  }

  private static void copy(Tensor exact, Tensor y) {
    for (long row = 0; row < y.rows(); row++) {
      Shapes.setRow(y, row, Shapes.row(exact, row));
    }
  }

  private static Map<String, Tensor> call(Arguments arguments) {
    final Tensor z = arguments.tensor("z");
    final Tensor y = Tensor.zerosLike(z);
    final Tensor log = Tensor.zerosLike(z);
    final int threads = (int) arguments.whole("threads");
    apply(z, arguments.tensor("q"), arguments.tensor("d"), y, threads);
    log(z, arguments.tensor("q"), arguments.tensor("d"), log, threads);
    return Map.of("y", y, "log", log);
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor z = arguments.tensor("z");
    final Tensor q = arguments.tensor("q");
    final Tensor d = arguments.tensor("d");
    final Tensor y = Tensor.zerosLike(z);
    apply(z, q, d, y, (int) arguments.whole("threads"));
    final Tensor dz = Tensor.zerosLike(z);
    vjp(y, q, d, arguments.tensor("dy"), arguments.tensor("dlog"), dz);
    return Map.of("dz", dz);
  }
}
