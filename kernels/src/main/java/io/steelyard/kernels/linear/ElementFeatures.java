package io.steelyard.kernels.linear;

/**
 * The same function of every number, for queries and keys alike.
 *
 * @param map the function
 */
record ElementFeatures(FeatureMap map) implements Features {

  static final ElementFeatures ELU1 = new ElementFeatures(FeatureMap.ELU1);
  static final ElementFeatures RELU = new ElementFeatures(FeatureMap.RELU);
  static final ElementFeatures EXP = new ElementFeatures(FeatureMap.EXP);

  @Override
  public int parts() {
    return 1;
  }

  @Override
  public void query(double[] q, double[] phi) {
    for (int c = 0; c < q.length; c++) {
      phi[c] = map.value(q[c]);
    }
  }

  @Override
  public void key(double[] k, double[] psi) {
    query(k, psi);
  }

  @Override
  public void queryGradient(double[] q, double[] phi, double[] dphi, double[] dq) {
    for (int c = 0; c < q.length; c++) {
      dq[c] = map.slope(phi[c]) * dphi[c];
    }
  }

  @Override
  public void keyGradient(double[] k, double[] psi, double[] dpsi, double[] dk) {
    queryGradient(k, psi, dpsi, dk);
  }
}
