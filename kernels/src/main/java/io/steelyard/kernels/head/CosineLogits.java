package io.steelyard.kernels.head;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Optional;

/** The meaning of {@code l_c = scale <z / |z|, v_c>} and its gradients, in double. */
final class CosineLogits {

  private CosineLogits() {}

  /** Writes the logits of each row of z; v has one row for each class. */
  static void meaning(Tensor z, Tensor v, double scale, ZeroGuard guard, Tensor logits) {
    for (long row = 0; row < z.rows(); row++) {
      final double[] x = Shapes.row(z, row);
      final double norm = guard.norm(Shapes.dot(x, x));
      final double[] l = new double[Math.toIntExact(v.dim(0))];
      for (int c = 0; c < l.length; c++) {
        l[c] = scale * Shapes.dot(x, Shapes.row(v, c)) / norm;
      }
      Shapes.setRow(logits, row, l);
    }
  }

  /** Writes the gradients for z, and for v where wanted, given those for the logits. */
  static void vjp(
      Tensor z,
      Tensor v,
      double scale,
      ZeroGuard guard,
      Tensor dlogits,
      Tensor dz,
      Optional<Tensor> dv) {
    final int classes = Math.toIntExact(v.dim(0));
    final int width = Math.toIntExact(v.dim(1));
    final double[][] sums = new double[classes][width];
    for (long row = 0; row < z.rows(); row++) {
      final double[] x = Shapes.row(z, row);
      final double[] g = Shapes.row(dlogits, row);
      final double squares = Shapes.dot(x, x);
      final double norm = guard.norm(squares);
      final double[] du = new double[width];
      for (int c = 0; c < classes; c++) {
        final double[] own = Shapes.row(v, c);
        for (int i = 0; i < width; i++) {
          du[i] += scale * g[c] * own[i];
          sums[c][i] += scale * g[c] * x[i] / norm;
        }
      }
      final double along = Shapes.dot(x, du) / norm * guard.slope(squares);
      for (int i = 0; i < width; i++) {
        du[i] = (du[i] - along * x[i]) / norm;
      }
      Shapes.setRow(dz, row, du);
    }
    dv.ifPresent(
        out -> {
          for (int c = 0; c < classes; c++) {
            Shapes.setRow(out, c, sums[c]);
          }
        });
  }
}
