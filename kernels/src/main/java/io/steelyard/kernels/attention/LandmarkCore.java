package io.steelyard.kernels.attention;

import io.steelyard.kernels.inverse.Products;
import io.steelyard.kernels.inverse.SymmetricInverse;
import java.util.Arrays;

/**
 * What attention through landmarks computes of one head that does not grow with the number of
 * tokens, in double: the kernel matrix A of the landmarks, the core C that stands between the two
 * factors of the weights ({@code A^-1}, or {@code D^-1/2 A^-1 D^-1/2}), and their gradients.
 *
 * <p>Rows of panels are {@link Products#padded}. An object is used by one thread at a time.
 */
final class LandmarkCore {

  /** The landmarks, {@code count} rows of {@code depth}, one after another. */
  double[] landmarks = new double[0];

  /** {@code P^T V}, rows of {@link #widthStride}; beyond the matrix 0. */
  double[] gathered = new double[0];

  /** {@code U = C P^T V}, so that outputs are {@code P U}. */
  double[] mixed = new double[0];

  /** {@code dU = P^T dO}. */
  double[] mixedGradients = new double[0];

  /** {@code C^T dU}, the gradient of {@link #gathered}. */
  double[] gatheredGradients = new double[0];

  /** Gradients that the landmarks get by way of A, as {@link #landmarks}. */
  double[] landmarkGradients = new double[0];

  private final SymmetricInverse solver = new SymmetricInverse();
  private int count;
  private int depth;
  private int width;
  private int stride;
  private int widthStride;
  private boolean normalised;
  private double[] a = new double[0];
  private double[] y = new double[0];
  private double[] c = new double[0];
  private double[] roots = new double[0];
  private double[] coreGradients = new double[0];
  private double[] degreeGradients = new double[0];
  private double[] product = new double[0];

  /** Extent of a row of the panels with one row for each landmark and values in columns. */
  int widthStride() {
    return widthStride;
  }

  /** Makes room for a head. */
  LandmarkCore bind(LandmarkShapes shapes) {
    count = shapes.landmarks();
    depth = shapes.depth();
    width = shapes.width();
    stride = Products.padded(count);
    widthStride = Products.padded(width);
    landmarks = Products.room(landmarks, count * depth);
    landmarkGradients = Products.room(landmarkGradients, count * depth);
    gathered = Products.room(gathered, stride * widthStride);
    mixed = Products.room(mixed, stride * widthStride);
    mixedGradients = Products.room(mixedGradients, stride * widthStride);
    gatheredGradients = Products.room(gatheredGradients, stride * widthStride);
    a = Products.room(a, stride * stride);
    y = Products.room(y, stride * stride);
    c = Products.room(c, stride * stride);
    coreGradients = Products.room(coreGradients, stride * stride);
    product = Products.room(product, stride * stride);
    roots = Products.room(roots, stride);
    degreeGradients = Products.room(degreeGradients, stride);
    Arrays.fill(gathered, 0, stride * widthStride, 0);
    Arrays.fill(mixedGradients, 0, stride * widthStride, 0);
    Arrays.fill(c, 0, stride * stride, 0);
    Arrays.fill(coreGradients, 0, stride * stride, 0);
    return this;
  }

  /** Computes A and C from the landmarks. */
  void invert(LandmarkInverse inverse, boolean byDegrees) {
    normalised = byDegrees;
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < i; j++) {
        final double weight = Math.exp(-squaredDistance(i, j) / 2);
        a[i * stride + j] = weight;
        a[j * stride + i] = weight;
      }
      a[i * stride + i] = 1;
    }
    switch (inverse) {
      case LandmarkInverse.Newton(int iterations, double ridge) ->
          solver.newton(a, count, ridge, iterations, y);
      case LandmarkInverse.Cholesky(double ridge) -> {
        if (!solver.cholesky(a, count, ridge, y)) {
          throw new IllegalArgumentException(
              "landmarks coincide, and ridge is "
                  + ridge
                  + "; expected landmarks apart from each other, or a larger ridge");
        }
      }
    }
    for (int i = 0; i < count; i++) {
      double degree = 0;
      for (int j = 0; j < count; j++) {
        degree += a[i * stride + j];
      }
      roots[i] = byDegrees ? 1 / Math.sqrt(degree) : 1;
    }
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < count; j++) {
        c[i * stride + j] = roots[i] * y[i * stride + j] * roots[j];
      }
    }
  }

  /** {@code U = C P^T V}. */
  void mix() {
    Products.multiply(
        1, c, stride, gathered, widthStride, 0, mixed, mixed, widthStride, count, count, width);
  }

  /**
   * From {@link #gathered} and {@link #mixedGradients} to {@link #gatheredGradients} and {@link
   * #landmarkGradients}.
   *
   * <p>The gradient of the inverse is {@code dA = -Y^T dY Y^T}, whichever way Y was computed: not
   * back through the iterations.
   */
  void gradients() {
    Products.multiply(
        1,
        c,
        stride,
        mixedGradients,
        widthStride,
        0,
        gatheredGradients,
        gatheredGradients,
        widthStride,
        count,
        count,
        width);
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < count; j++) {
        double sum = 0;
        for (int l = 0; l < width; l++) {
          sum += mixedGradients[i * widthStride + l] * gathered[j * widthStride + l];
        }
        coreGradients[i * stride + j] = sum;
      }
    }
    final double[] kernelGradients = throughTheInverse();
    Arrays.fill(landmarkGradients, 0, count * depth, 0);
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < count; j++) {
        final double slope =
            (kernelGradients[i * stride + j] + kernelGradients[j * stride + i]) * a[i * stride + j];
        for (int e = 0; e < depth; e++) {
          landmarkGradients[i * depth + e] +=
              slope * (landmarks[j * depth + e] - landmarks[i * depth + e]);
        }
      }
    }
  }

  /** The gradient of A; {@link #coreGradients} is used up. */
  private double[] throughTheInverse() {
    degreeGradients();
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < count; j++) {
        coreGradients[i * stride + j] *= roots[i] * roots[j];
      }
    }
    // Y dY Y = (dY^T Y)^T Y, since Y is symmetric; as C is above.
    Products.multiply(
        1, coreGradients, stride, y, stride, 0, product, product, stride, count, count, count);
    Products.multiply(
        -1,
        product,
        stride,
        y,
        stride,
        0,
        coreGradients,
        coreGradients,
        stride,
        count,
        count,
        count);
    for (int i = 0; normalised && i < count; i++) {
      for (int j = 0; j < count; j++) {
        coreGradients[i * stride + j] += degreeGradients[i];
      }
    }
    return coreGradients;
  }

  /** {@code -1/(2 d_i) sum_j (dC_ij C_ij + dC_ji C_ji)}: what D adds to every entry of row i. */
  private void degreeGradients() {
    for (int i = 0; normalised && i < count; i++) {
      double sum = 0;
      for (int j = 0; j < count; j++) {
        sum +=
            coreGradients[i * stride + j] * c[i * stride + j]
                + coreGradients[j * stride + i] * c[j * stride + i];
      }
      degreeGradients[i] = -sum * roots[i] * roots[i] / 2;
    }
  }

  private double squaredDistance(int i, int j) {
    double sum = 0;
    for (int e = 0; e < depth; e++) {
      final double difference = landmarks[i * depth + e] - landmarks[j * depth + e];
      sum += difference * difference;
    }
    return sum;
  }
}
