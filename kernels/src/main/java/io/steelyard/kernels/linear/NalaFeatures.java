package io.steelyard.kernels.linear;

/**
 * The features of norm-aware linear attention: the direction of a query to a power that grows with
 * its norm, the third power of a key, each twice as long as what it is made of.
 *
 * @param form how signs are kept apart
 */
record NalaFeatures(NalaForm form) implements Features {

  static final NalaFeatures SPLIT = new NalaFeatures(NalaForm.SPLIT);
  static final NalaFeatures COSINE = new NalaFeatures(NalaForm.COSINE);

  /** Lambda, also the power of keys. */
  static final double LAMBDA = 3;

  /** Tau. */
  static final double TAU = 0.5;

  /** Norms below this count as this: a query of zeros then has no features. */
  static final double LEAST_NORM = 1e-12;

  private static final double STEEPNESS = 20;

  @Override
  public int parts() {
    return 2;
  }

  /** The power of a query's direction. */
  static double power(double norm) {
    return LAMBDA * (TAU + Math.tanh(norm));
  }

  static double norm(double[] x) {
    double squares = 0;
    for (final double value : x) {
      squares += value * value;
    }
    return Math.sqrt(squares);
  }

  private static double angle(double direction) {
    return Math.PI / 4 * Math.tanh(STEEPNESS * direction);
  }

  @Override
  public void query(double[] q, double[] phi) {
    final double norm = norm(q);
    final double length = Math.max(norm, LEAST_NORM);
    final double power = power(norm);
    for (int c = 0; c < q.length; c++) {
      final double u = q[c] / length;
      write(phi, c, q.length, Math.pow(Math.abs(u), power), u);
    }
  }

  @Override
  public void key(double[] k, double[] psi) {
    final double length = Math.max(norm(k), LEAST_NORM);
    for (int c = 0; c < k.length; c++) {
      write(psi, c, k.length, Math.abs(k[c] * k[c] * k[c]), k[c] / length);
    }
  }

  /** Shares a size, which is not negative, between the two halves. */
  private void write(double[] features, int c, int depth, double size, double u) {
    switch (form) {
      case SPLIT -> {
        features[c] = u < 0 ? 0 : size;
        features[depth + c] = u > 0 ? 0 : size;
      }
      case COSINE -> {
        features[c] = size * Math.cos(angle(u));
        features[depth + c] = size * Math.sin(angle(u));
      }
    }
  }

  /** Derivative of a loss with respect to the size that {@link #write} shares. */
  private double sizeGradient(double[] gradient, int c, int depth, double u) {
    return switch (form) {
      case SPLIT -> u > 0 ? gradient[c] : u < 0 ? gradient[depth + c] : 0;
      case COSINE -> gradient[c] * Math.cos(angle(u)) + gradient[depth + c] * Math.sin(angle(u));
    };
  }

  /** Derivative with respect to the direction, by way of the angle alone. */
  private double angleGradient(double[] gradient, int c, int depth, double size, double u) {
    if (form == NalaForm.SPLIT) {
      return 0;
    }
    final double tanh = Math.tanh(STEEPNESS * u);
    final double slope = Math.PI / 4 * STEEPNESS * (1 - tanh * tanh);
    final double turned =
        gradient[depth + c] * Math.cos(angle(u)) - gradient[c] * Math.sin(angle(u));
    return slope * size * turned;
  }

  @Override
  public void queryGradient(double[] q, double[] phi, double[] dphi, double[] dq) {
    final int depth = q.length;
    final double norm = norm(q);
    final double length = Math.max(norm, LEAST_NORM);
    final double power = power(norm);
    double dPower = 0;
    for (int c = 0; c < depth; c++) {
      final double u = q[c] / length;
      final double a = Math.abs(u);
      dq[c] = 0;
      if (u != 0) {
        final double size = Math.pow(a, power);
        final double dSize = sizeGradient(dphi, c, depth, u);
        dPower += dSize * size * Math.log(a);
        dq[c] = dSize * power * size / a * Math.signum(u) + angleGradient(dphi, c, depth, size, u);
      }
    }
    final double tanh = Math.tanh(norm);
    fromDirection(q, dq, norm, dPower * LAMBDA * (1 - tanh * tanh));
  }

  @Override
  public void keyGradient(double[] k, double[] psi, double[] dpsi, double[] dk) {
    final int depth = k.length;
    final double norm = norm(k);
    final double length = Math.max(norm, LEAST_NORM);
    for (int c = 0; c < depth; c++) {
      final double size = Math.abs(k[c] * k[c] * k[c]);
      dk[c] = angleGradient(dpsi, c, depth, size, k[c] / length);
    }
    fromDirection(k, dk, norm, 0);
    for (int c = 0; c < depth; c++) {
      dk[c] +=
          LAMBDA * k[c] * k[c] * Math.signum(k[c]) * sizeGradient(dpsi, c, depth, k[c] / length);
    }
  }

  /**
   * From gradients with respect to the direction and the norm to that with respect to x, in place.
   */
  private static void fromDirection(double[] x, double[] gradient, double norm, double dNorm) {
    final double length = Math.max(norm, LEAST_NORM);
    // Below the least norm the direction is x over a constant.
    double along = 0;
    for (int c = 0; norm > LEAST_NORM && c < x.length; c++) {
      along += gradient[c] * x[c] / length;
    }
    for (int c = 0; c < x.length; c++) {
      final double u = x[c] / length;
      gradient[c] = (gradient[c] - along * u) / length + (norm > 0 ? dNorm * x[c] / norm : 0);
    }
  }
}
