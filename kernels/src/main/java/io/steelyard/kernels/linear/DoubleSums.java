package io.steelyard.kernels.linear;

import java.util.Arrays;

/** The state of linear attention in double: M, z and u of {@link Readout}, token by token. */
final class DoubleSums {

  final int features;
  final int width;

  /** M, row by row. */
  final double[] products;

  final double[] z;
  final double[] u;

  DoubleSums(int features, int width) {
    this.features = features;
    this.width = width;
    products = new double[features * width];
    z = new double[features];
    u = new double[width];
  }

  void clear() {
    Arrays.fill(products, 0);
    Arrays.fill(z, 0);
    Arrays.fill(u, 0);
  }

  /** Adds a token: {@code M += psi v^T}, {@code z += psiWeight psi}, {@code u += w}. */
  void add(double[] psi, double[] v, double psiWeight, double[] w) {
    for (int f = 0; f < features; f++) {
      for (int c = 0; c < width; c++) {
        products[f * width + c] += psi[f] * v[c];
      }
      z[f] += psiWeight * psi[f];
    }
    for (int c = 0; c < width; c++) {
      u[c] += w[c];
    }
  }

  /** {@code m = phi^T M}. */
  void read(double[] phi, double[] m) {
    for (int c = 0; c < width; c++) {
      double sum = 0;
      for (int f = 0; f < features; f++) {
        sum += phi[f] * products[f * width + c];
      }
      m[c] = sum;
    }
  }

  /** {@code g = M v + weight z}. */
  void readTurned(double[] v, double weight, double[] g) {
    for (int f = 0; f < features; f++) {
      double sum = weight * z[f];
      for (int c = 0; c < width; c++) {
        sum += products[f * width + c] * v[c];
      }
      g[f] = sum;
    }
  }

  double weight(double[] phi) {
    return dot(phi, z);
  }

  static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  void set(DoubleSums other) {
    System.arraycopy(other.products, 0, products, 0, products.length);
    System.arraycopy(other.z, 0, z, 0, z.length);
    System.arraycopy(other.u, 0, u, 0, u.length);
  }
}
