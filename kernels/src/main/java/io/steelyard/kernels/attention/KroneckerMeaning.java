package io.steelyard.kernels.attention;

import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** Attention to pairs of keys in double: one query's weights at a time, T1 by T2. */
final class KroneckerMeaning {

  private final Tensor q;
  private final Tensor k1;
  private final Tensor k2;
  private final Tensor v1;
  private final Tensor v2;
  private final KroneckerShapes shapes;
  private final RowMask firstMask = new RowMask();
  private final RowMask secondMask = new RowMask();
  private final double scale;
  private final boolean[] seen1;
  private final boolean[] seen2;
  private final double[][] weights;
  private double logSum;

  KroneckerMeaning(
      Tensor q,
      Tensor k1,
      Tensor k2,
      Tensor v1,
      Tensor v2,
      KroneckerShapes shapes,
      KroneckerOptions options) {
    this.q = q;
    this.k1 = k1;
    this.k2 = k2;
    this.v1 = v1;
    this.v2 = v2;
    this.shapes = shapes;
    firstMask.bind(options.first(), shapes.view(shapes.first()));
    secondMask.bind(options.second(), shapes.view(shapes.second()));
    scale = shapes.scale(options.scale());
    seen1 = new boolean[shapes.first()];
    seen2 = new boolean[shapes.second()];
    weights = new double[shapes.first()][shapes.second()];
  }

  void apply(Tensor o, Tensor lse) {
    for (int row = 0; row < shapes.batch() * shapes.heads() * shapes.queries(); row++) {
      load(row);
      final int head = row / shapes.queries();
      for (int c = 0; c < shapes.width(); c++) {
        double sum = 0;
        for (int j = 0; j < shapes.first(); j++) {
          double inner = 0;
          for (int k = 0; seen1[j] && k < shapes.second(); k++) {
            inner += seen2[k] ? weights[j][k] * get(v2, head, shapes.second(), k, c) : 0;
          }
          sum += seen1[j] ? inner * get(v1, head, shapes.first(), j, c) : 0;
        }
        o.setDouble(o.rowOffset(row) + c * o.rowStride(), sum);
      }
      if (lse != Heads.NO_SUMS) {
        lse.setDouble(lse.flatIndex(row), logSum);
      }
    }
  }

  /** Weights of one query. */
  private void load(int row) {
    final int head = row / shapes.queries();
    view(firstMask, row, seen1);
    view(secondMask, row, seen2);
    double top = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < seen1.length; j++) {
      for (int k = 0; k < seen2.length; k++) {
        double score = Double.NEGATIVE_INFINITY;
        if (seen1[j] && seen2[k]) {
          score = 0;
          for (int c = 0; c < shapes.depth(); c++) {
            score +=
                q.getDouble(q.rowOffset(row) + c * q.rowStride())
                    * get(k1, head, seen1.length, j, c)
                    * get(k2, head, seen2.length, k, c);
          }
          score *= scale;
        }
        weights[j][k] = score;
        top = score > top ? score : top;
      }
    }
    final double reference = top == Double.NEGATIVE_INFINITY ? 0 : top;
    double total = 0;
    for (final double[] line : weights) {
      for (int k = 0; k < line.length; k++) {
        line[k] = Math.exp(line[k] - reference);
        total += line[k];
      }
    }
    logSum = reference + Math.log(total);
    for (final double[] line : weights) {
      for (int k = 0; total != 0 && k < line.length; k++) {
        line[k] /= total;
      }
    }
  }

  private static void view(RowMask mask, int row, boolean[] seen) {
    final long visible = mask.visible(row);
    for (int j = 0; j < seen.length; j++) {
      seen[j] = j < visible && mask.keeps(row, j);
    }
  }

  private double get(Tensor x, int head, int tokens, int token, int c) {
    return x.getDouble(x.rowOffset((long) head * tokens + token) + c * x.rowStride());
  }

  /** Gradients; with P the weights, {@code dP_jk = sum_c dY_c V1_jc V2_kc}. */
  void vjp(Tensor cotangent, Tensor dq, Tensor dk1, Tensor dk2, Tensor dv1, Tensor dv2) {
    final int heads = shapes.batch() * shapes.heads();
    final double[][] first = new double[heads * seen1.length][shapes.depth()];
    final double[][] second = new double[heads * seen2.length][shapes.depth()];
    final double[][] firstValues = new double[heads * seen1.length][shapes.width()];
    final double[][] secondValues = new double[heads * seen2.length][shapes.width()];
    final double[] query = new double[shapes.depth()];
    for (int row = 0; row < heads * shapes.queries(); row++) {
      load(row);
      final int head = row / shapes.queries();
      final int at1 = head * seen1.length;
      final int at2 = head * seen2.length;
      final double[][] slopes = new double[seen1.length][seen2.length];
      double dot = 0;
      for (int j = 0; j < seen1.length; j++) {
        for (int k = 0; k < seen2.length; k++) {
          if (!seen1[j] || !seen2[k]) {
            continue;
          }
          for (int c = 0; c < shapes.width(); c++) {
            final double g =
                cotangent.getDouble(cotangent.rowOffset(row) + c * cotangent.rowStride());
            final double a = get(v1, head, seen1.length, j, c);
            final double b = get(v2, head, seen2.length, k, c);
            slopes[j][k] += g * a * b;
            firstValues[at1 + j][c] += weights[j][k] * g * b;
            secondValues[at2 + k][c] += weights[j][k] * g * a;
          }
          dot += weights[j][k] * slopes[j][k];
        }
      }
      Arrays.fill(query, 0);
      for (int j = 0; j < seen1.length; j++) {
        for (int k = 0; k < seen2.length; k++) {
          if (!seen1[j] || !seen2[k]) {
            continue;
          }
          final double slope = scale * weights[j][k] * (slopes[j][k] - dot);
          for (int c = 0; c < shapes.depth(); c++) {
            final double x = q.getDouble(q.rowOffset(row) + c * q.rowStride());
            final double a = get(k1, head, seen1.length, j, c);
            final double b = get(k2, head, seen2.length, k, c);
            query[c] += slope * a * b;
            first[at1 + j][c] += slope * x * b;
            second[at2 + k][c] += slope * x * a;
          }
        }
      }
      write(dq, row, query);
    }
    write(dk1, first);
    write(dk2, second);
    write(dv1, firstValues);
    write(dv2, secondValues);
  }

  private static void write(Tensor to, double[][] rows) {
    for (int row = 0; row < rows.length; row++) {
      write(to, row, rows[row]);
    }
  }

  private static void write(Tensor to, int row, double[] line) {
    for (int c = 0; c < line.length; c++) {
      to.setDouble(to.rowOffset(row) + c * to.rowStride(), line[c]);
    }
  }
}
