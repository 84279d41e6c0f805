package io.steelyard.kernels.attention;

import io.steelyard.kernels.inverse.Products;
import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Attention to pairs by way of monomials, in double. With {@code U1}, {@code U2}, {@code U3} the
 * monomials of queries and keys, and a column of ones beside the values: {@code U1 ((U2^T [V1 1]) *
 * (U3^T [V2 1]))} has numerators and denominators.
 *
 * <p>A part of the work is one head.
 */
final class KroneckerPolynomial implements Job {

  /** Tokens whose monomials exist at a time, where these are few. */
  private static final int BLOCK = 64;

  /** Numbers that these monomials may take. */
  private static final int ROOM = 1 << 18;

  private static final int DEGREES = KroneckerPolynomialOptions.MOST_DEGREE + 1;
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0, 0, 0);
  private static final ThreadLocal<KroneckerPolynomial> OWN =
      ThreadLocal.withInitial(KroneckerPolynomial::new);

  private KroneckerShapes shapes = new KroneckerShapes(0, 0, 0, 0, 0, 0, 0);
  private Monomials monomials = Monomials.of(0, 0);
  private final double[] coefficients = new double[DEGREES];
  private final double[] now = new double[DEGREES];
  private final double[] before = new double[DEGREES];
  private double[] most = new double[0];
  private Tensor q = NOTHING;
  private Tensor k1 = NOTHING;
  private Tensor k2 = NOTHING;
  private Tensor v1 = NOTHING;
  private Tensor v2 = NOTHING;
  private Tensor o = NOTHING;

  private KroneckerPolynomial() {}

  /** {@link PolynomialBounds#radius(double, Tensor, Tensor, Tensor)} without garbage. */
  static double radius(double scale, Tensor q, Tensor k1, Tensor k2, int depth) {
    final KroneckerPolynomial job = OWN.get();
    job.most = Products.room(job.most, depth);
    return PolynomialBounds.radius(scale, q, k1, k2, job.most);
  }

  static void apply(
      Tensor q,
      Tensor k1,
      Tensor k2,
      Tensor v1,
      Tensor v2,
      Tensor o,
      KroneckerShapes shapes,
      KroneckerPolynomialOptions options,
      double radius) {
    final KroneckerPolynomial job = OWN.get();
    job.q = q;
    job.k1 = k1;
    job.k2 = k2;
    job.v1 = v1;
    job.v2 = v2;
    job.o = o;
    job.shapes = shapes;
    try {
      job.run(options, radius);
    } finally {
      job.q = NOTHING;
      job.k1 = NOTHING;
      job.k2 = NOTHING;
      job.v1 = NOTHING;
      job.v2 = NOTHING;
      job.o = NOTHING;
    }
  }

  private void run(KroneckerPolynomialOptions options, double radius) {
    final int degree = options.degree();
    if (!monomials.fit(shapes.depth(), degree)) {
      monomials = Monomials.of(shapes.depth(), degree);
    }
    PolynomialBounds.coefficients(options.series(), radius, degree, coefficients, now, before);
    final double scale = shapes.scale(options.scale());
    double power = 1;
    for (int t = 0; t <= degree; t++) {
      coefficients[t] *= power;
      power *= scale;
    }
    Workers.shared().run(this, shapes.batch() * shapes.heads(), options.threads());
  }

  @Override
  public void run(int head) {
    final Panels panels = Panels.OWN.get();
    panels.bind(monomials.count(), shapes);
    gather(panels, k1, v1, head, shapes.first(), panels.first);
    gather(panels, k2, v2, head, shapes.second(), panels.second);
    for (int a = 0; a < monomials.count(); a++) {
      final double factor = coefficients[monomials.degree(a)] * monomials.multinomial(a);
      for (int c = 0; c <= shapes.width(); c++) {
        final int at = a * panels.stride + c;
        panels.first[at] *= panels.second[at] * factor;
      }
    }
    for (int from = 0; from < shapes.queries(); from += panels.block) {
      emit(panels, head, from, Math.min(panels.block, shapes.queries() - from));
    }
  }

  /** {@code sums = U^T [V 1]} over the tokens of a head. */
  private void gather(Panels panels, Tensor k, Tensor v, int head, int tokens, double[] sums) {
    final int r = monomials.count();
    final int width = shapes.width();
    Arrays.fill(sums, 0, Products.padded(r) * panels.stride, 0);
    for (int from = 0; from < tokens; from += panels.block) {
      final int count = Math.min(panels.block, tokens - from);
      for (int i = 0; i < count; i++) {
        final long row = (long) head * tokens + from + i;
        panels.load(k, row, shapes.depth());
        monomials.write(panels.numbers, panels.features, i * Products.padded(r), 1);
        final int at = i * panels.stride;
        for (int c = 0; c < width; c++) {
          panels.rows[at + c] = v.getDouble(v.rowOffset(row) + c * v.rowStride());
        }
        panels.rows[at + width] = 1;
      }
      Products.multiply(
          1,
          panels.features,
          Products.padded(r),
          panels.rows,
          panels.stride,
          1,
          sums,
          sums,
          panels.stride,
          r,
          count,
          width + 1);
    }
  }

  private void emit(Panels panels, int head, int from, int count) {
    final int width = shapes.width();
    for (int i = 0; i < count; i++) {
      panels.load(q, (long) head * shapes.queries() + from + i, shapes.depth());
      monomials.write(panels.numbers, panels.features, i, panels.block);
    }
    Products.multiply(
        1,
        panels.features,
        panels.block,
        panels.first,
        panels.stride,
        0,
        panels.rows,
        panels.rows,
        panels.stride,
        count,
        monomials.count(),
        width + 1);
    for (int i = 0; i < count; i++) {
      final double denominator = panels.rows[i * panels.stride + width];
      if (denominator <= 0) {
        throw new IllegalArgumentException(
            "degree gives query "
                + (from + i)
                + " of head "
                + head
                + " the sum of weights "
                + denominator
                + "; expected a degree at which it is above 0");
      }
      final long row = o.rowOffset((long) head * shapes.queries() + from + i);
      for (int c = 0; c < width; c++) {
        o.setDouble(row + c * o.rowStride(), panels.rows[i * panels.stride + c] / denominator);
      }
    }
  }

  /** Panels of one thread. */
  private static final class Panels {

    private static final ThreadLocal<Panels> OWN = ThreadLocal.withInitial(Panels::new);

    private double[] first = new double[0];
    private double[] second = new double[0];
    private double[] features = new double[0];
    private double[] rows = new double[0];
    private double[] numbers = new double[0];
    private int block;
    private int stride;

    void bind(int r, KroneckerShapes shapes) {
      block = Math.clamp(Products.padded(ROOM / Products.padded(r)), 8, BLOCK);
      stride = Products.padded(shapes.width() + 1);
      first = Products.room(first, Math.multiplyExact(Products.padded(r), stride));
      second = Products.room(second, Math.multiplyExact(Products.padded(r), stride));
      features = Products.room(features, block * Products.padded(r));
      rows = Products.room(rows, block * stride);
      numbers = Products.room(numbers, shapes.depth());
    }

    void load(Tensor x, long row, int count) {
      final long at = x.rowOffset(row);
      for (int l = 0; l < count; l++) {
        numbers[l] = x.getDouble(at + l * x.rowStride());
      }
    }
  }
}
