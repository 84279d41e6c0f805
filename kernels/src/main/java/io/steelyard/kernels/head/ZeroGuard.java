package io.steelyard.kernels.head;

/** How a head keeps the direction of a zero vector from being 0/0. */
enum ZeroGuard {
  /** The norm is {@code sqrt(|z|^2 + 1e-12)}. */
  UNDER_THE_ROOT,
  /** The norm is {@code |z| + 1e-12}. */
  BESIDE_THE_ROOT;

  private static final double EPSILON = 1e-12;

  /** The guarded norm. */
  double norm(double squares) {
    return this == UNDER_THE_ROOT ? Math.sqrt(squares + EPSILON) : Math.sqrt(squares) + EPSILON;
  }

  /** What z is multiplied with to give the gradient of the norm. */
  double slope(double squares) {
    final double root = this == UNDER_THE_ROOT ? norm(squares) : Math.sqrt(squares);
    return root == 0 ? 0 : 1 / root;
  }
}
