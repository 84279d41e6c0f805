package io.steelyard.kernels.head;

import java.util.List;

/**
 * Calibrated outputs of the similarity-distance-magnitude method, with a band for how few points
 * they rest on: outputs become quantiles of their class, a small matrix and a softmax of base
 * {@code 2 + similarity} turn these into an output again, and the same is done with the quantiles
 * moved by the radius of Dvoretzky, Kiefer and Wolfowitz, {@code sqrt(ln(2 / (1 - alpha)) / (2
 * n))}.
 *
 * <p>With y the SDM outputs, c* the predicted class and q the similarity: {@code v_c =
 * outputs_c(y_c)}, saturating; {@code qt = v_c* ln(2 + q)}; {@code o = softmax(ln(2 + qt) W v)}.
 * Where another class has the largest o, qt is 0 from then on. {@code n_c} is how many points of
 * class c have a smaller qt, at most one less than there are; a class with {@code n_c = 0} has
 * radius 1. The lower end has {@code v_c*} less its radius and the others more theirs, within [0,
 * 1], the upper end the reverse; each is rescaled like v.
 *
 * <p>Immutable and safe to call from any thread. O(C^2) an estimate.
 *
 * <p>Source: arXiv 2502.20167, section 4 and appendix A.
 */
public final class SdmBand {

  private final List<EmpiricalCdf> outputs;
  private final List<EmpiricalCdf> similarities;
  private final double[] rescaler;
  private final double alpha;

  /**
   * A calibrated output.
   *
   * @param output of the predicted class
   * @param similarity rescaled; 0 where another class has the largest output
   */
  public record Output(double output, double similarity) {}

  /** A calibrated output and the ends of its band. */
  public record Estimate(Output lower, Output centroid, Output upper) {}

  /**
   * A calibration.
   *
   * @param outputs for each class, the true-class outputs of its calibration points
   * @param similarities for each class, the rescaled similarities of its calibration points
   * @param rescaler the matrix W, C rows of C numbers; not modified
   * @param alpha in (0, 1); the paper's is 0.95
   * @throws IllegalArgumentException if lengths or values do not fit
   */
  public SdmBand(
      List<EmpiricalCdf> outputs,
      List<EmpiricalCdf> similarities,
      double[] rescaler,
      double alpha) {
    this.outputs = List.copyOf(outputs);
    this.similarities = List.copyOf(similarities);
    this.rescaler = rescaler.clone();
    this.alpha = alpha;
    final int classes = outputs.size();
    if (classes == 0 || similarities.size() != classes || rescaler.length != classes * classes) {
      throw new IllegalArgumentException(
          "there are "
              + classes
              + " output functions, "
              + similarities.size()
              + " similarity functions and a matrix of "
              + rescaler.length
              + " numbers; expected C, C and C^2 of them for C classes, one or more");
    }
    SdmRegion.checkAlpha(alpha);
  }

  /**
   * Calibrates a prediction.
   *
   * @param weights SDM outputs, one for each class; not modified
   * @param similarity q, -1 or more
   * @param predicted the class of the largest score
   * @throws IllegalArgumentException if lengths or values do not fit
   */
  public Estimate estimate(double[] weights, double similarity, int predicted) {
    final int classes = outputs.size();
    if (weights.length != classes) {
      throw new IllegalArgumentException(
          "there are " + weights.length + " weights; expected " + classes + ", one for each class");
    }
    if (predicted < 0 || predicted >= classes) {
      throw new IllegalArgumentException(
          "predicted is " + predicted + "; expected 0 to " + (classes - 1));
    }
    if (!(similarity >= -1)) {
      throw new IllegalArgumentException(
          "similarity is " + similarity + "; expected a number of -1 or more");
    }
    final double[] v = new double[classes];
    for (int c = 0; c < classes; c++) {
      v[c] = outputs.get(c).saturating(weights[c]);
    }
    final Output centroid = rescale(v, similarity, predicted);
    final double[] lower = new double[classes];
    final double[] upper = new double[classes];
    for (int c = 0; c < classes; c++) {
      final double radius = (c == predicted ? 1 : -1) * radius(c, centroid.similarity());
      lower[c] = Math.clamp(v[c] - radius, 0.0, 1.0);
      upper[c] = Math.clamp(v[c] + radius, 0.0, 1.0);
    }
    return new Estimate(
        rescale(lower, similarity, predicted), centroid, rescale(upper, similarity, predicted));
  }

  /** How far a quantile of a class may be off, given how many of its points are as dissimilar. */
  double radius(int c, double similarity) {
    final EmpiricalCdf own = similarities.get(c);
    final int n = Math.min((int) Math.rint(own.below(similarity) * own.size()), own.size() - 1);
    return n <= 0 ? 1 : Math.sqrt(Math.log(2 / (1 - alpha)) / (2 * n));
  }

  private Output rescale(double[] v, double similarity, int predicted) {
    final int classes = v.length;
    final double scaled = v[predicted] * Math.log(2 + similarity);
    final double[] logits = new double[classes];
    int best = 0;
    for (int i = 0; i < classes; i++) {
      for (int j = 0; j < classes; j++) {
        logits[i] += rescaler[i * classes + j] * v[j];
      }
      logits[i] *= Math.log(2 + scaled);
      best = logits[i] > logits[best] ? i : best;
    }
    double sum = 0;
    for (final double own : logits) {
      sum += Math.exp(own - logits[best]);
    }
    return new Output(
        Math.exp(logits[predicted] - logits[best]) / sum, best == predicted ? scaled : 0);
  }
}
