package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;

/**
 * Losses of the Fourier head.
 *
 * <p>As a DJL loss: cross-entropy of the head's outputs over bins plus gamma times the mean
 * roughness, {@code 4 pi^2 sum_k k^2 |c_k|^2} with {@code c_k = sum_t a_{t+k} conj(a_t)}, of its
 * coefficients. Predictions are what {@code FourierHead} gives in training: outputs {@code [...,
 * m]} and coefficients {@code [..., 2 (N + 1)]}, real parts before imaginary parts. The roughness
 * is of the coefficients as they are, so it shrinks them as well. Weights and a mask of rows weigh
 * both terms.
 *
 * <p>{@link #density}: the negative logarithm of the density at a real target y, {@code -ln(p(y) +
 * 1e-10)} with {@code p(y) = |sum_t a_t e^(i pi t y)|^2 / (2 sum_t |a_t|^2)}, which trains without
 * bins.
 *
 * <p>Edges: coefficients that are all 0 give NaN. Cost O(m + N^2) a row. Source: arXiv 2410.22269,
 * section 3; fourier_head.py and fourier_head_mle.py.
 *
 * <pre>{@code
 * Loss loss = new FourierLoss(1e-6, LossOptions.mean());
 * }</pre>
 */
public final class FourierLoss extends RowLoss {

  private static final double FLOOR = 1e-10;

  private final double gamma;

  /**
   * With options.
   *
   * @param gamma weight of the roughness, 0 or more
   * @param options reduction and ignored id; no weights, no mask
   */
  public FourierLoss(double gamma, LossOptions options) {
    super("fourier-loss", options, 1);
    if (!(gamma >= 0) || Double.isInfinite(gamma)) {
      throw new IllegalArgumentException(
          "gamma is " + gamma + "; expected a finite number of 0 or more");
    }
    this.gamma = gamma;
  }

  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    if (predictions.size() != 2) {
      throw new IllegalArgumentException(
          "predictions are "
              + predictions.size()
              + " arrays; expected two, outputs over bins and coefficients");
    }
    final Rows rows = Rows.of(predictions.get(0), labels.get(0), options);
    final NDArray hard = CrossEntropyLoss.losses(rows, 0);
    if (gamma == 0) {
      return rows.samples().reduce(hard);
    }
    final NDArray a = predictions.get(1);
    checkCoefficients(a, rows.samples().shape());
    final NDArray flat = rows.samples().clean(a.reshape(rows.samples().rows(), -1));
    return rows.samples().reduce(hard.add(Scalars.mul(roughnesses(flat), gamma)));
  }

  /**
   * The roughness of each row.
   *
   * @param coefficients {@code [..., 2 (N + 1)]}, float32 or float64; not modified
   * @return {@code [...]}
   */
  public static NDArray roughness(NDArray coefficients) {
    final Samples samples = Samples.of("coefficients", coefficients, LossOptions.mean());
    checkCoefficients(coefficients, samples.shape());
    return roughnesses(coefficients.reshape(samples.rows(), -1)).reshape(samples.shape());
  }

  /**
   * The loss of densities at real targets as a function.
   *
   * @param coefficients {@code [..., 2 (N + 1)]}, float32 or float64; not modified
   * @param targets in [-1, 1], floats {@code [...]}; not modified
   * @param options a mask is of rows; the ignored id is not read
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the coefficients
   * @throws IllegalArgumentException if a shape, type or target is not as above
   */
  public static NDArray density(NDArray coefficients, NDArray targets, LossOptions options) {
    final Samples samples = Samples.of("coefficients", coefficients, options);
    checkCoefficients(coefficients, samples.shape());
    final NDArray y = targets(targets, coefficients, samples);
    // A row that takes no part has a density too, so that no gradient is NaN.
    final NDArray given = coefficients.reshape(samples.rows(), -1);
    final NDArray a = RowMath.where(RowMath.across(samples.part(), given), given, 1);
    final int terms = Math.toIntExact(a.getShape().get(1) / 2);
    final NDArray angles =
        Scalars.mul(y.reshape(-1, 1), Math.PI).matMul(Like.range(terms, a).reshape(1, -1));
    final NDArray re = a.get(":, :" + terms);
    final NDArray im = a.get(":, " + terms + ":");
    final NDArray cos = angles.cos();
    final NDArray sin = angles.sin();
    final NDArray real = RowMath.sum(re.mul(cos).sub(im.mul(sin)));
    final NDArray imaginary = RowMath.sum(re.mul(sin).add(im.mul(cos)));
    final NDArray squares = real.mul(real).add(imaginary.mul(imaginary));
    final NDArray p = squares.div(Scalars.mul(RowMath.sum(a.mul(a)), 2));
    return samples.reduce(p.add(FLOOR).log().neg());
  }

  private static NDArray roughnesses(NDArray a) {
    final int terms = Math.toIntExact(a.getShape().get(1) / 2);
    final NDArray re = a.get(":, :" + terms);
    final NDArray im = a.get(":, " + terms + ":");
    NDArray sum = Like.zeros(new Shape(a.getShape().get(0)), a);
    for (int k = 1; k < terms; k++) {
      final NDArray re0 = re.get(":, :" + (terms - k));
      final NDArray im0 = im.get(":, :" + (terms - k));
      final NDArray re1 = re.get(":, " + k + ":");
      final NDArray im1 = im.get(":, " + k + ":");
      final NDArray c = RowMath.sum(re1.mul(re0).add(im1.mul(im0)));
      final NDArray s = RowMath.sum(im1.mul(re0).sub(re1.mul(im0)));
      sum = sum.add(Scalars.mul(c.mul(c).add(s.mul(s)), 4 * Math.PI * Math.PI * k * k));
    }
    return sum;
  }

  private static NDArray targets(NDArray targets, NDArray coefficients, Samples samples) {
    if (!targets.getShape().equals(samples.shape()) || !targets.getDataType().isFloating()) {
      throw new IllegalArgumentException(
          "targets are "
              + targets.getDataType()
              + " "
              + targets.getShape()
              + "; expected floats "
              + samples.shape()
              + ", one for each row");
    }
    final NDArray given = RowMath.alias(targets, coefficients).reshape(-1);
    final NDArray y = RowMath.where(samples.part(), given, 0);
    if (!y.gte(-1).logicalAnd(y.lte(1)).all().getBoolean()) {
      final double[] values = y.toType(DataType.FLOAT64, false).toDoubleArray();
      int first = 0;
      while (Math.abs(values[first]) <= 1) {
        first++;
      }
      throw new IllegalArgumentException(
          "targets[" + first + "] is " + values[first] + "; expected a number in [-1, 1]");
    }
    return y;
  }

  private static void checkCoefficients(NDArray a, Shape rows) {
    final Shape shape = a.getShape();
    final int axes = rows.dimension();
    if (shape.dimension() != axes + 1
        || !shape.slice(0, axes).equals(rows)
        || shape.get(axes) == 0
        || shape.get(axes) % 2 != 0) {
      throw new IllegalArgumentException(
          "coefficients are "
              + shape
              + "; expected 2 (N + 1) for each of the rows "
              + rows
              + ", real parts before imaginary parts");
    }
  }
}
