package io.steelyard.kernels.linear;

import static io.steelyard.kernels.elementary.ExpPolynomial.LOWEST;
import static io.steelyard.kernels.elementary.ExpPolynomial.MAGIC;
import static io.steelyard.kernels.elementary.ExpPolynomial.MAGIC_BITS;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q2;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q3;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q4;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q5;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q6;
import static io.steelyard.kernels.elementary.ExtendedExponent.LOG2E;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_HI;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_LO;
import static io.steelyard.kernels.elementary.LogPolynomial.LN2_HI;
import static io.steelyard.kernels.elementary.LogPolynomial.LN2_LO;
import static io.steelyard.kernels.elementary.LogPolynomial.P0;
import static io.steelyard.kernels.elementary.LogPolynomial.P1;
import static io.steelyard.kernels.elementary.LogPolynomial.P2;
import static io.steelyard.kernels.elementary.LogPolynomial.P3;
import static io.steelyard.kernels.elementary.LogPolynomial.P4;
import static io.steelyard.kernels.elementary.LogPolynomial.P5;
import static io.steelyard.kernels.elementary.LogPolynomial.P6;
import static io.steelyard.kernels.elementary.LogPolynomial.P7;
import static io.steelyard.kernels.elementary.LogPolynomial.P8;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.simd.Lanes;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Feature maps of panels in float32. A row of features is as long as {@link Features#parts()} rows
 * of queries or keys, each padded to whole tiles; the padding of features is 0.
 */
final class FeaturesSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** Of a float's exponent. */
  private static final int BIAS = 127;

  /** From here up {@code e^x} is infinite. */
  private static final float HIGHEST = 89;

  /** Bits of the least float not below {@code sqrt(1/2)}, where mantissas begin. */
  private static final int ROOT_HALF_BITS = 0x3F3504F3;

  private FeaturesSimd() {}

  /** Maps {@code rows} queries. */
  static void queries(Features features, LinearPanels work, int rows, float[] phi) {
    map(features, work, rows, phi, true);
  }

  /** Maps {@code rows} keys. */
  static void keys(Features features, LinearPanels work, int rows, float[] psi) {
    map(features, work, rows, psi, false);
  }

  private static void map(
      Features features, LinearPanels work, int rows, float[] to, boolean query) {
    final int stride = work.depthStride;
    switch (features) {
      case ElementFeatures(FeatureMap map) -> {
        final int count = rows * stride;
        switch (map) {
          case ELU1 -> exponentials(work.raw, to, count, 0, 0);
          case EXP -> exponentials(work.raw, to, count, HIGHEST, Float.POSITIVE_INFINITY);
          case RELU -> positives(work.raw, to, count);
        }
        if (work.depth < stride) {
          for (int t = 0; t < rows; t++) {
            clear(to, t * stride + work.depth, stride - work.depth);
          }
        }
      }
      case NalaFeatures nala when nala.form() == NalaForm.SPLIT -> {
        if (query) {
          Arrays.fill(work.squares, 0);
          PanelProductsSimd.dots(
              work.raw, stride, work.raw, 0, stride, rows, stride, work.squares, work.lanes);
        }
        for (int t = 0; t < rows; t++) {
          final int at = t * stride;
          if (query) {
            final double norm = norm(work, t);
            final float factor = (float) (1 / Math.max(norm, NalaFeatures.LEAST_NORM));
            final float power = (float) NalaFeatures.power(norm);
            powers(work.raw, at, factor, power, to, 2 * at, stride);
          } else {
            cubes(work.raw, at, to, 2 * at, stride);
          }
        }
      }
      case NalaFeatures nala -> {
        // Angles cost more than anything a vector would save on the rest.
        for (int t = 0; t < rows; t++) {
          work.readRow(t);
          if (query) {
            nala.query(work.row, work.rowFeatures);
          } else {
            nala.key(work.row, work.rowFeatures);
          }
          work.writeFeatures(t, to);
        }
      }
    }
  }

  /**
   * From gradients with respect to features, {@code dphi}, to those with respect to the queries or
   * keys in {@code work.raw}: {@code work.rawGradients}.
   */
  static void gradients(
      Features features, LinearPanels work, int rows, float[] phi, float[] dphi, boolean query) {
    switch (features) {
      case ElementFeatures(FeatureMap map) -> {
        final int count = rows * work.depthStride;
        switch (map) {
          case ELU1 -> slopes(phi, dphi, work.rawGradients, count, 1);
          case EXP -> slopes(phi, dphi, work.rawGradients, count, Float.POSITIVE_INFINITY);
          case RELU -> steps(phi, dphi, work.rawGradients, count);
        }
      }
      case NalaFeatures nala -> {
        for (int t = 0; t < rows; t++) {
          work.readRow(t);
          work.readFeatures(t, dphi);
          if (query) {
            nala.queryGradient(work.row, work.row, work.rowFeatures, work.rowGradient);
          } else {
            nala.keyGradient(work.row, work.row, work.rowFeatures, work.rowGradient);
          }
          work.writeRow(t);
        }
      }
    }
  }

  /** The length of a row, also where its square is too large for a float. */
  private static double norm(LinearPanels work, int t) {
    if (work.squares[t] <= Float.MAX_VALUE) {
      return Math.sqrt(work.squares[t]);
    }
    double sum = 0;
    for (int at = t * work.depthStride; at < t * work.depthStride + work.depth; at++) {
      sum += (double) work.raw[at] * work.raw[at];
    }
    return Math.sqrt(sum);
  }

  private static void clear(float[] x, int from, int count) {
    for (int c = 0; c < count; c++) {
      x[from + c] = 0;
    }
  }

  /**
   * {@code e^x}, but x + 1 above {@code over}.
   *
   * @param top what arguments are cut off at
   */
  private static void exponentials(float[] x, float[] y, int count, float top, float over) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector q2 = FloatVector.broadcast(S, Q2);
    final FloatVector q3 = FloatVector.broadcast(S, Q3);
    final FloatVector q4 = FloatVector.broadcast(S, Q4);
    final FloatVector q5 = FloatVector.broadcast(S, Q5);
    final FloatVector q6 = FloatVector.broadcast(S, Q6);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector lowest = FloatVector.broadcast(S, LOWEST);
    final FloatVector highest = FloatVector.broadcast(S, top);
    final FloatVector linear = FloatVector.broadcast(S, over);
    for (int i = 0; i < count; i += L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, i);
      final FloatVector z =
          x0.blend(lowest, x0.compare(LT, lowest)).blend(highest, x0.compare(GT, highest));
      final FloatVector k = z.fma(log2e, magic);
      final FloatVector whole = k.sub(magic);
      final FloatVector r = whole.fma(low, whole.fma(high, z));
      final FloatVector q = r.fma(q6, q5).fma(r, q4).fma(r, q3).fma(r, q2);
      final FloatVector m = q.fma(r.mul(r), r).add(one);
      final IntVector n = k.reinterpretAsInts().sub(MAGIC_BITS);
      final IntVector half = n.lanewise(ASHR, 1);
      final FloatVector scale = half.add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector rest = n.sub(half).add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats();
      m.mul(scale).mul(rest).blend(x0.add(one), x0.compare(GT, linear)).intoArray(y, i);
    }
  }

  private static void positives(float[] x, float[] y, int count) {
    final FloatVector zero = FloatVector.zero(S);
    for (int i = 0; i < count; i += L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, i);
      x0.blend(zero, x0.compare(LT, zero)).intoArray(y, i);
    }
  }

  /** Third powers of what is positive, then of what is negative, both as positive numbers. */
  private static void cubes(float[] x, int from, float[] y, int to, int count) {
    final FloatVector zero = FloatVector.zero(S);
    for (int i = 0; i < count; i += L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, from + i);
      final FloatVector cube = x0.mul(x0).mul(x0).abs();
      cube.blend(zero, x0.compare(LT, zero)).intoArray(y, to + i);
      cube.blend(zero, x0.compare(GT, zero)).intoArray(y, to + count + i);
    }
  }

  /** {@code |u|^p} of what is positive, then of what is negative, where {@code u = factor x}. */
  private static void powers(
      float[] x, int from, float factor, float power, float[] y, int to, int count) {
    final FloatVector p0 = FloatVector.broadcast(S, P0);
    final FloatVector p1 = FloatVector.broadcast(S, P1);
    final FloatVector p2 = FloatVector.broadcast(S, P2);
    final FloatVector p3 = FloatVector.broadcast(S, P3);
    final FloatVector p4 = FloatVector.broadcast(S, P4);
    final FloatVector p5 = FloatVector.broadcast(S, P5);
    final FloatVector p6 = FloatVector.broadcast(S, P6);
    final FloatVector p7 = FloatVector.broadcast(S, P7);
    final FloatVector p8 = FloatVector.broadcast(S, P8);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector exponent = FloatVector.broadcast(S, power);
    final FloatVector normal = FloatVector.broadcast(S, Float.MIN_NORMAL);
    final FloatVector lowest = FloatVector.broadcast(S, LOWEST);
    for (int i = 0; i < count; i += L) {
      final FloatVector u = FloatVector.fromArray(S, x, from + i).mul(factor);
      final FloatVector a = u.abs();
      final IntVector bits = a.reinterpretAsInts();
      final IntVector e = bits.sub(ROOT_HALF_BITS).lanewise(ASHR, 23);
      final FloatVector f = bits.sub(e.lanewise(LSHL, 23)).reinterpretAsFloats().sub(one);
      final FloatVector exponents = e.add(MAGIC_BITS).reinterpretAsFloats().sub(magic);
      final FloatVector square = f.mul(f);
      final FloatVector p =
          f.fma(p8, p7)
              .fma(f, p6)
              .fma(f, p5)
              .fma(f, p4)
              .fma(f, p3)
              .fma(f, p2)
              .fma(f, p1)
              .fma(f, p0)
              .mul(f)
              .mul(square);
      final FloatVector small =
          square.fma(FloatVector.broadcast(S, -0.5f), exponents.mul(LN2_LO).add(p));
      final FloatVector log = exponents.mul(LN2_HI).add(f.add(small));
      final FloatVector t = log.mul(exponent);
      final FloatVector z = t.blend(lowest, t.compare(LT, lowest));
      final FloatVector k = z.fma(FloatVector.broadcast(S, LOG2E), magic);
      final FloatVector whole = k.sub(magic);
      final FloatVector r =
          whole.fma(
              FloatVector.broadcast(S, MINUS_LN2_LO),
              whole.fma(FloatVector.broadcast(S, MINUS_LN2_HI), z));
      final FloatVector q =
          r.fma(FloatVector.broadcast(S, Q6), FloatVector.broadcast(S, Q5))
              .fma(r, FloatVector.broadcast(S, Q4))
              .fma(r, FloatVector.broadcast(S, Q3))
              .fma(r, FloatVector.broadcast(S, Q2));
      final FloatVector m = q.fma(r.mul(r), r).add(one);
      final IntVector n = k.reinterpretAsInts().sub(MAGIC_BITS);
      final IntVector half = n.lanewise(ASHR, 1);
      final FloatVector scale = half.add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector rest = n.sub(half).add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats();
      // The polynomials leave a NaN's bits meaningless, so it is put back; u * 0 is NaN or 0.
      final FloatVector size =
          m.mul(scale).mul(rest).add(u.mul(zero)).blend(zero, a.compare(LT, normal));
      size.blend(zero, u.compare(LT, zero)).intoArray(y, to + i);
      size.blend(zero, u.compare(GT, zero)).intoArray(y, to + count + i);
    }
  }

  /** {@code dx = min(phi, most) dphi}. */
  private static void slopes(float[] phi, float[] dphi, float[] dx, int count, float most) {
    final FloatVector limit = FloatVector.broadcast(S, most);
    for (int i = 0; i < count; i += L) {
      final FloatVector y = FloatVector.fromArray(S, phi, i);
      y.blend(limit, y.compare(GT, limit)).mul(FloatVector.fromArray(S, dphi, i)).intoArray(dx, i);
    }
  }

  /** {@code dx = dphi} where phi is not 0. */
  private static void steps(float[] phi, float[] dphi, float[] dx, int count) {
    final FloatVector zero = FloatVector.zero(S);
    for (int i = 0; i < count; i += L) {
      final FloatVector y = FloatVector.fromArray(S, phi, i);
      FloatVector.fromArray(S, dphi, i).blend(zero, y.compare(EQ, zero)).intoArray(dx, i);
    }
  }
}
