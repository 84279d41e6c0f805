package io.steelyard.kernels.linear;

/**
 * Feature maps of queries and keys, of which weights are products: {@code a_ij = phi(q_i) .
 * psi(k_j)}. In double here; {@link FeaturesSimd} has them in float32.
 */
sealed interface Features permits ElementFeatures, NalaFeatures {

  /** Numbers of features for each number of a query or key. */
  int parts();

  /** {@code phi(q)}. */
  void query(double[] q, double[] phi);

  /** {@code psi(k)}. */
  void key(double[] k, double[] psi);

  /** From a gradient with respect to {@code phi(q)} to that with respect to q. */
  void queryGradient(double[] q, double[] phi, double[] dphi, double[] dq);

  /** From a gradient with respect to {@code psi(k)} to that with respect to k. */
  void keyGradient(double[] k, double[] psi, double[] dpsi, double[] dk);
}
