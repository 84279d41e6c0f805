package io.steelyard.analysis.attention;

import java.util.Arrays;
import java.util.function.UnaryOperator;

/**
 * Rows of attention weights, written out in double for looking at them: one row of weights over the
 * keys for each query.
 *
 * <pre>{@code
 * WeightRows rows = WeightRows.softmax(q, k);
 * double decided = rows.meanEntropy();
 * }</pre>
 */
public final class WeightRows {

  private final double[][] rows;

  private WeightRows(double[][] rows) {
    this.rows = rows;
  }

  /** Rows that were computed elsewhere. */
  public static WeightRows of(double[][] rows) {
    return new WeightRows(Arrays.stream(rows).map(double[]::clone).toArray(double[][]::new));
  }

  /**
   * Softmax of {@code q_i.k_j / sqrt(D)}.
   *
   * @param q {@code [Tq][D]}
   * @param k {@code [Tk][D]}
   */
  public static WeightRows softmax(double[][] q, double[][] k) {
    return each(
        q,
        k,
        scores -> {
          final double root = Math.sqrt(Math.max(1, k[0].length));
          final double top = Arrays.stream(scores).max().orElse(0);
          final double[] powers =
              Arrays.stream(scores).map(s -> Math.exp((s - top) / root)).toArray();
          final double sum = Arrays.stream(powers).sum();
          return Arrays.stream(powers).map(p -> p / sum).toArray();
        });
  }

  /**
   * Products of features over their mean plus eps: {@code (a_ij / N) / (sum_j a_ij / N + eps)}.
   *
   * @param fq features of queries {@code [Tq][F]}
   * @param fk features of keys {@code [Tk][F]}
   * @param eps at least 0
   */
  public static WeightRows linear(double[][] fq, double[][] fk, double eps) {
    return each(
        fq,
        fk,
        products -> {
          final double sum = Arrays.stream(products).sum() + eps * products.length;
          return Arrays.stream(products).map(a -> a / sum).toArray();
        });
  }

  /**
   * Magnitude-aware weights of arXiv 2507.00698, {@code (1 + 1/T_i) a_ij - T_i / N} with {@code
   * a_ij = c fq_i.fk_j} and {@code T_i = sum_j a_ij}.
   *
   * @param c what products of features are multiplied by
   */
  public static WeightRows magnitudeAware(double[][] fq, double[][] fk, double c) {
    return each(
        fq,
        fk,
        products -> {
          final double t = c * Arrays.stream(products).sum();
          return Arrays.stream(products)
              .map(a -> (1 + 1 / t) * c * a - t / products.length)
              .toArray();
        });
  }

  private static WeightRows each(double[][] q, double[][] k, UnaryOperator<double[]> weigh) {
    if (k.length == 0) {
      throw new IllegalArgumentException("k has no rows; expected at least one key");
    }
    final double[][] rows = new double[q.length][];
    for (int i = 0; i < q.length; i++) {
      final double[] products = new double[k.length];
      for (int j = 0; j < k.length; j++) {
        for (int c = 0; c < q[i].length; c++) {
          products[j] += q[i][c] * k[j][c];
        }
      }
      rows[i] = weigh.apply(products);
    }
    return new WeightRows(rows);
  }

  /** One row. */
  public double[] row(int query) {
    return rows[query].clone();
  }

  /** Number of rows. */
  public int size() {
    return rows.length;
  }

  /** These with negative weights set to 0 and rows divided by their sums. */
  public WeightRows clipped() {
    return new WeightRows(
        Arrays.stream(rows)
            .map(
                row -> {
                  final double[] kept = Arrays.stream(row).map(w -> Math.max(w, 0)).toArray();
                  final double sum = Arrays.stream(kept).sum();
                  return Arrays.stream(kept).map(w -> w / sum).toArray();
                })
            .toArray(double[][]::new));
  }

  /** {@code -sum_j w_ij ln w_ij} of a row, in nats, {@code 0 ln 0} being 0. */
  public double entropy(int query) {
    double sum = 0;
    for (final double w : rows[query]) {
      sum -= w > 0 ? w * Math.log(w) : 0;
    }
    return sum;
  }

  /** The mean entropy of the rows. */
  public double meanEntropy() {
    double sum = 0;
    for (int i = 0; i < rows.length; i++) {
      sum += entropy(i);
    }
    return sum / rows.length;
  }

  /**
   * {@code |s|_1^2 / (L |s|_2^2)} of a row of length L, in (0, 1]: 1 if all weights are the same,
   * 1/L if one has it all (the spikiness of arXiv 2411.12892).
   */
  public double spread(int query) {
    double sum = 0;
    double squares = 0;
    for (final double w : rows[query]) {
      sum += Math.abs(w);
      squares += w * w;
    }
    return sum * sum / (rows[query].length * squares);
  }

  /** The share of weights below 0. */
  public double shareOfNegative() {
    long negative = 0;
    long all = 0;
    for (final double[] row : rows) {
      negative += Arrays.stream(row).filter(w -> w < 0).count();
      all += row.length;
    }
    return (double) negative / all;
  }
}
