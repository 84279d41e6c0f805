package io.steelyard.kernels.linear;

import io.steelyard.kernels.attention.Heads;
import io.steelyard.kernels.tensor.Tensor;

/** Linear attention and its gradients in double, token by token, rounded once at the end. */
final class LinearMeaning {

  private final Heads heads;
  private final Features map;
  private final Readout readout;
  private final LinearOptions options;
  private final DoubleSums sums;
  private final double[] query;
  private final double[] phi;
  private final double[] key;
  private final double[] psi;
  private final double[] value;
  private final double[] m;
  private final double[] cotangent;
  private final double[] scaled;
  private final double[] weighted;
  private final double[] featureGradient;
  private final double[] gradient;
  private final double[] valueGradient;

  private LinearMeaning(Heads heads, Features map, Readout readout, LinearOptions options) {
    this.heads = heads;
    this.map = map;
    this.readout = readout;
    this.options = options;
    final int features = map.parts() * heads.depth();
    sums = new DoubleSums(features, heads.width());
    query = new double[heads.depth()];
    key = new double[heads.depth()];
    gradient = new double[heads.depth()];
    phi = new double[features];
    psi = new double[features];
    featureGradient = new double[features];
    value = new double[heads.width()];
    m = new double[heads.width()];
    cotangent = new double[heads.width()];
    scaled = new double[heads.width()];
    weighted = new double[heads.width()];
    valueGradient = new double[heads.width()];
  }

  static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor o,
      Heads heads,
      Features map,
      Readout readout,
      LinearOptions options) {
    new LinearMeaning(heads, map, readout, options).apply(q, k, v, o);
  }

  private void apply(Tensor q, Tensor k, Tensor v, Tensor o) {
    final int group = heads.batch() == 0 ? 0 : heads.heads() / Math.max(1, heads.keyHeads());
    for (int keyHead = 0; keyHead < heads.batch() * heads.keyHeads(); keyHead++) {
      sums.clear();
      for (int j = 0; j < heads.keys(); j++) {
        addKey(k, v, keyHead, j);
        if (options.causal()) {
          final int i = j - heads.keys() + heads.queries();
          for (int h = 0; h < group && i >= 0; h++) {
            write(q, o, queryRow(keyHead, h, i), j + 1L);
          }
        }
      }
      if (options.causal()) {
        sums.clear();
      }
      final int rest =
          options.causal() ? Math.max(0, heads.queries() - heads.keys()) : heads.queries();
      for (int h = 0; h < group; h++) {
        for (int i = 0; i < rest; i++) {
          write(q, o, queryRow(keyHead, h, i), options.causal() ? 0 : heads.keys());
        }
      }
    }
  }

  private long queryRow(int keyHead, int h, int i) {
    final int group = heads.heads() / heads.keyHeads();
    return ((long) keyHead * group + h) * heads.queries() + i;
  }

  private void addKey(Tensor k, Tensor v, int keyHead, int j) {
    readKey(k, v, keyHead, j);
    sums.add(psi, value, 1, value);
  }

  private void readKey(Tensor k, Tensor v, int keyHead, int j) {
    final long row = (long) keyHead * heads.keys() + j;
    read(k, row, key);
    map.key(key, psi);
    read(v, row, value);
  }

  private void write(Tensor q, Tensor o, long row, long keys) {
    read(q, row, query);
    map.query(query, phi);
    output(sums, phi, m, keys, heads.depth(), readout, options.eps());
    write(m, o, row);
  }

  /** The output of one query, from what its keys have added up to. */
  static void output(
      DoubleSums sums,
      double[] phi,
      double[] m,
      long keys,
      int depth,
      Readout readout,
      double eps) {
    final double s = sums.weight(phi);
    sums.read(phi, m);
    final double alpha = readout.alpha(s, keys, depth, eps);
    final double gamma = readout.gamma(s, keys, depth, eps);
    for (int c = 0; c < m.length; c++) {
      m[c] = readout.centred() ? alpha * m[c] - gamma * sums.u[c] : alpha * m[c];
    }
  }

  static void vjp(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      Heads heads,
      Features map,
      Readout readout,
      LinearOptions options) {
    new LinearMeaning(heads, map, readout, options).vjp(q, k, v, cotangent, dq, dk, dv);
  }

  private void vjp(Tensor q, Tensor k, Tensor v, Tensor g, Tensor dq, Tensor dk, Tensor dv) {
    final int group = heads.batch() == 0 ? 0 : heads.heads() / Math.max(1, heads.keyHeads());
    final boolean causal = options.causal();
    final int ahead = heads.keys() - heads.queries();
    final double[][] weights = new double[group * heads.queries()][];
    final DoubleSums adjoint = new DoubleSums(sums.features, sums.width);
    for (int keyHead = 0; keyHead < heads.batch() * heads.keyHeads(); keyHead++) {
      sums.clear();
      adjoint.clear();
      for (int j = 0; j < heads.keys(); j++) {
        addKey(k, v, keyHead, j);
        for (int h = 0; causal && h < group && j >= ahead; h++) {
          weights[h * heads.queries() + j - ahead] =
              queryGradient(q, g, dq, queryRow(keyHead, h, j - ahead), j + 1L);
        }
      }
      if (causal) {
        sums.clear();
      }
      final int rest = causal ? Math.max(0, -ahead) : heads.queries();
      for (int h = 0; h < group; h++) {
        for (int i = 0; i < rest; i++) {
          final long row = queryRow(keyHead, h, i);
          weights[h * heads.queries() + i] =
              queryGradient(q, g, dq, row, causal ? 0 : heads.keys());
          if (!causal) {
            addQuery(adjoint, q, g, row, weights[h * heads.queries() + i]);
          }
        }
      }
      for (int j = heads.keys() - 1; j >= 0; j--) {
        for (int h = 0; causal && h < group && j >= ahead; h++) {
          final int i = j - ahead;
          addQuery(adjoint, q, g, queryRow(keyHead, h, i), weights[h * heads.queries() + i]);
        }
        readKey(k, v, keyHead, j);
        adjoint.readTurned(value, 1, featureGradient);
        map.keyGradient(key, psi, featureGradient, gradient);
        adjoint.read(psi, valueGradient);
        for (int c = 0; c < valueGradient.length; c++) {
          valueGradient[c] += adjoint.u[c];
        }
        final long row = (long) keyHead * heads.keys() + j;
        write(gradient, dk, row);
        write(valueGradient, dv, row);
      }
    }
  }

  /** Writes the gradient of one query; returns alpha, the gradient of s, and -gamma. */
  private double[] queryGradient(Tensor q, Tensor g, Tensor dq, long row, long keys) {
    read(q, row, query);
    map.query(query, phi);
    read(g, row, cotangent);
    sums.read(phi, m);
    final int d = heads.depth();
    final double eps = options.eps();
    final double s = sums.weight(phi);
    final double alpha = readout.alpha(s, keys, d, eps);
    final double gamma = readout.gamma(s, keys, d, eps);
    final double sigma =
        readout.sumGradient(
            s,
            keys,
            d,
            eps,
            DoubleSums.dot(cotangent, m),
            readout.centred() ? -DoubleSums.dot(cotangent, sums.u) : 0);
    for (int c = 0; c < scaled.length; c++) {
      scaled[c] = alpha * cotangent[c];
    }
    sums.readTurned(scaled, sigma, featureGradient);
    map.queryGradient(query, phi, featureGradient, gradient);
    write(gradient, dq, row);
    return new double[] {alpha, sigma, -gamma};
  }

  private void addQuery(DoubleSums adjoint, Tensor q, Tensor g, long row, double[] weights) {
    read(q, row, query);
    map.query(query, phi);
    read(g, row, cotangent);
    for (int c = 0; c < scaled.length; c++) {
      scaled[c] = weights[0] * cotangent[c];
      weighted[c] = readout.centred() ? weights[2] * cotangent[c] : 0;
    }
    adjoint.add(phi, scaled, weights[1], weighted);
  }

  static void read(Tensor from, long row, double[] to) {
    final long at = from.rowOffset(row);
    final long step = from.rowStride();
    for (int c = 0; c < to.length; c++) {
      to[c] = from.getDouble(at + c * step);
    }
  }

  static void write(double[] from, Tensor to, long row) {
    final long at = to.rowOffset(row);
    final long step = to.rowStride();
    for (int c = 0; c < from.length; c++) {
      to.setDouble(at + c * step, from[c]);
    }
  }
}
