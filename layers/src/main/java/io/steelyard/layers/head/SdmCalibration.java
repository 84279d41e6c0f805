package io.steelyard.layers.head;

import ai.djl.ndarray.NDArray;
import io.steelyard.kernels.head.EmpiricalCdf;
import io.steelyard.kernels.head.Sdm;
import io.steelyard.kernels.head.SdmBand;
import io.steelyard.kernels.head.SdmRegion;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * A calibrated similarity-distance-magnitude head, from points that were not trained on: SDM
 * outputs become quantiles of their class, a small learned matrix and a softmax to base {@code 2 +
 * similarity} turn them into probabilities, a band says how far these may be off for want of
 * points, and a region says which predictions are admitted.
 *
 * <p>{@link #fit} calibrates one round of training; {@link #acrossRounds} asks for more where
 * rounds disagree; {@link #decide} applies it. The matrix starts as the identity and is trained by
 * Adam on {@code -log_{2+q} o_y}, in double on the host.
 *
 * <p>Immutable. Cost of {@link #decide}: O(N M) a point for the matches, O(C^2) for the rest.
 * Source: arXiv 2502.20167, sections 4 to 6.
 *
 * <pre>{@code
 * SdmSupport support = SdmSupport.of(x, scores, labels);
 * SdmCalibration calibration =
 *     SdmCalibration.fit(support, x, scores, labels, SdmCalibration.Options.defaults());
 * List<SdmCalibration.Verdict> verdicts = calibration.decide(x, scores);
 * }</pre>
 */
public final class SdmCalibration {

  private static final double BETA_1 = 0.9;
  private static final double BETA_2 = 0.999;
  private static final double EPSILON = 1e-8;

  /**
   * How to calibrate.
   *
   * @param alpha the accuracy that is asked for, in (0, 1)
   * @param rate of Adam for the matrix, above 0
   * @param batch points in a step, 1 or more
   * @param epochs most passes over the points, 0 or more
   * @param patience passes in a row that may be worse than the best
   * @param seed of the order of the points
   */
  public record Options(double alpha, double rate, int batch, int epochs, int patience, long seed) {

    private static final Options DEFAULTS = new Options(0.95, 1e-4, 1, 1000, 10, 0);

    /** Checks the ranges. */
    public Options {
      if (!(alpha > 0 && alpha < 1)) {
        throw new IllegalArgumentException("alpha is " + alpha + "; expected a number in (0, 1)");
      }
      if (!(rate > 0) || Double.isInfinite(rate)) {
        throw new IllegalArgumentException(
            "rate is " + rate + "; expected a finite number above 0");
      }
      if (batch < 1) {
        throw new IllegalArgumentException("batch is " + batch + "; expected 1 or more");
      }
      if (epochs < 0 || patience < 0) {
        throw new IllegalArgumentException(
            "epochs and patience are " + epochs + " and " + patience + "; expected 0 or more");
      }
    }

    /** alpha 0.95, Adam at 1e-4, one point a step, 1000 passes, patience 10: the paper's. */
    public static Options defaults() {
      return DEFAULTS;
    }

    /** The same with another alpha. */
    public Options withAlpha(double other) {
      return new Options(other, rate, batch, epochs, patience, seed);
    }

    /** The same with another training of the matrix. */
    public Options training(double newRate, int newBatch, int newEpochs) {
      return new Options(alpha, newRate, newBatch, newEpochs, patience, seed);
    }

    /** The same with another seed. */
    public Options seeded(long other) {
      return new Options(alpha, rate, batch, epochs, patience, other);
    }
  }

  /**
   * What is said of one point.
   *
   * @param predicted the class of the largest score
   * @param similarity q, 0 where the SDM output chose another class
   * @param distance d
   * @param estimate calibrated output with its band
   * @param admitted whether the prediction can be relied on
   * @param probability what is reported for it: the lower end of the band less what rounds differ
   *     by, at least 0
   */
  public record Verdict(
      int predicted,
      double similarity,
      double distance,
      SdmBand.Estimate estimate,
      boolean admitted,
      double probability) {}

  private final SdmSupport support;
  private final List<EmpiricalCdf> distances;
  private final SdmBand band;
  private final SdmRegion region;
  private final double[] rescaler;
  private final double alpha;
  private final double[][] medians;
  private final double threshold;
  private final double[][] offsets;

  private SdmCalibration(
      SdmSupport support,
      List<EmpiricalCdf> distances,
      SdmBand band,
      SdmRegion region,
      double[] rescaler,
      double alpha,
      double[][] medians,
      double threshold,
      double[][] offsets) {
    this.support = support;
    this.distances = distances;
    this.band = band;
    this.region = region;
    this.rescaler = rescaler;
    this.alpha = alpha;
    this.medians = medians;
    this.threshold = threshold;
    this.offsets = offsets;
  }

  /**
   * Calibrates one round.
   *
   * @param support the training points
   * @param exemplars h' {@code [N, M]} of the calibration points; not modified
   * @param scores z {@code [N, C]}; not modified
   * @param labels class ids {@code [N]}; not modified
   * @throws IllegalArgumentException if a shape, type or label is not as above
   */
  public static SdmCalibration fit(
      SdmSupport support, NDArray exemplars, NDArray scores, NDArray labels, Options options) {
    final SdmSupport.Matches matches = support.match(exemplars, scores);
    final int[] y = SdmSupport.ids(labels, scores);
    final int classes = support.classes();
    final List<EmpiricalCdf> distances = SdmSupport.distributions(matches, y, classes);
    final Outputs outputs = outputs(matches, distances, scores);
    final int n = y.length;

    final List<EmpiricalCdf> shares = byClass(y, classes, i -> outputs.weights()[i][y[i]]);
    final double[][] v = new double[n][classes];
    final double[] similarities = new double[n];
    for (int i = 0; i < n; i++) {
      for (int c = 0; c < classes; c++) {
        v[i][c] = shares.get(c).saturating(outputs.weights()[i][c]);
      }
      similarities[i] = v[i][matches.predicted()[i]] * Math.log(2 + outputs.similarities()[i]);
    }
    final double[] rescaler = rescaler(v, similarities, y, options);
    final List<EmpiricalCdf> known = byClass(y, classes, i -> similarities[i]);
    final SdmBand band = new SdmBand(shares, known, rescaler, options.alpha());

    final double[] kept = new double[n];
    final double[] own = new double[n];
    final List<List<List<Double>>> centroids = new ArrayList<>();
    for (int c = 0; c < classes; c++) {
      centroids.add(new ArrayList<>());
    }
    for (int i = 0; i < n; i++) {
      final double[] o = softmax(rescaler, v[i], similarities[i]);
      final int predicted = matches.predicted()[i];
      kept[i] = largest(o) == predicted ? similarities[i] : 0;
      own[i] = o[y[i]];
      final List<List<Double>> bins = centroids.get(predicted);
      final int bin = (int) Math.floor(kept[i]);
      while (bins.size() <= bin) {
        bins.add(new ArrayList<>());
      }
      bins.get(bin).add(o[predicted]);
    }
    final SdmRegion region = SdmRegion.of(kept, own, y, classes, options.alpha());
    final double[][] medians =
        centroids.stream()
            .map(bins -> bins.stream().mapToDouble(SdmCalibration::median).toArray())
            .toArray(double[][]::new);
    return new SdmCalibration(
        support,
        distances,
        band,
        region,
        rescaler,
        options.alpha(),
        medians,
        region.threshold(),
        new double[classes][0]);
  }

  /**
   * The best round, asking for more where rounds disagree: the threshold and, for each class and
   * whole similarity, the probability are raised by the median absolute deviation over rounds times
   * {@code tan(pi (alpha - 1/2))}.
   *
   * @param best one of the rounds
   * @param rounds all of them, the best one included
   */
  public static SdmCalibration acrossRounds(SdmCalibration best, List<SdmCalibration> rounds) {
    if (rounds.isEmpty()) {
      throw new IllegalArgumentException("rounds are empty; expected the best one among them");
    }
    final double[] thresholds =
        rounds.stream().mapToDouble(round -> round.region.threshold()).toArray();
    final int classes = best.support.classes();
    final double[][] offsets = new double[classes][];
    for (int c = 0; c < classes; c++) {
      final int own = c;
      final int bins = rounds.stream().mapToInt(round -> round.medians[own].length).max().orElse(0);
      offsets[c] =
          IntStream.range(0, bins)
              .mapToDouble(
                  bin -> {
                    final double[] values =
                        rounds.stream()
                            .map(round -> round.medians[own])
                            .filter(row -> bin < row.length && !Double.isNaN(row[bin]))
                            .mapToDouble(row -> row[bin])
                            .toArray();
                    return values.length == 0 ? 0 : SdmRegion.margin(values, best.alpha);
                  })
              .toArray();
    }
    return new SdmCalibration(
        best.support,
        best.distances,
        best.band,
        best.region,
        best.rescaler,
        best.alpha,
        best.medians,
        best.region.acrossRounds(thresholds, best.alpha),
        offsets);
  }

  /** The region of this round. */
  public SdmRegion region() {
    return region;
  }

  /** The least rescaled similarity that is admitted; +inf where nothing is. */
  public double threshold() {
    return threshold;
  }

  /** The matrix, C rows of C numbers, as a copy. */
  public double[] rescaler() {
    return rescaler.clone();
  }

  /** SDM outputs {@code sdm(z)}, C numbers for each point. */
  public double[][] weights(NDArray exemplars, NDArray scores) {
    return outputs(support.match(exemplars, scores), distances, scores).weights();
  }

  /**
   * Verdicts on points.
   *
   * @param exemplars h' {@code [N, M]}; not modified
   * @param scores z {@code [N, C]}; not modified
   * @throws IllegalArgumentException if a shape is not as above
   */
  public List<Verdict> decide(NDArray exemplars, NDArray scores) {
    final SdmSupport.Matches matches = support.match(exemplars, scores);
    final Outputs outputs = outputs(matches, distances, scores);
    final List<Verdict> verdicts = new ArrayList<>();
    for (int i = 0; i < outputs.weights().length; i++) {
      final int predicted = matches.predicted()[i];
      final SdmBand.Estimate estimate =
          band.estimate(outputs.weights()[i], outputs.similarities()[i], predicted);
      final double lower = estimate.lower().output();
      final double similarity = estimate.lower().similarity();
      final double[] row = offsets[predicted];
      final int bin = (int) Math.floor(similarity);
      final double left = lower - (bin < row.length ? row[bin] : 0);
      final double asked = region.psi().get(predicted);
      final boolean admitted =
          similarity >= threshold && left >= asked && (alpha > 0.5 || alone(left, predicted));
      verdicts.add(
          new Verdict(
              predicted,
              outputs.similarities()[i],
              outputs.distances()[i],
              estimate,
              admitted,
              Math.max(0, left)));
    }
    return List.copyOf(verdicts);
  }

  /** For low alpha: whether no other class could reach what is asked for it with the rest. */
  private boolean alone(double probability, int predicted) {
    return IntStream.range(0, region.psi().size())
        .allMatch(c -> c == predicted || 1 - probability < region.psi().get(c));
  }

  /**
   * SDM outputs of points, their similarities after a check of the output's class, and quantiles.
   */
  private static final class Outputs {

    private final double[][] weights;
    private final double[] similarities;
    private final double[] distances;

    private Outputs(double[][] weights, double[] similarities, double[] distances) {
      this.weights = weights;
      this.similarities = similarities;
      this.distances = distances;
    }

    double[][] weights() {
      return weights;
    }

    double[] similarities() {
      return similarities;
    }

    double[] distances() {
      return distances;
    }
  }

  private static Outputs outputs(
      SdmSupport.Matches matches, List<EmpiricalCdf> distances, NDArray scores) {
    final double[] q = matches.similarities().clone();
    final double[] d = SdmSupport.quantiles(matches.distances(), distances);
    final Tensor z = SdmSupport.tensor(scores);
    final Tensor y = Tensor.zeros(DType.F64, z.shape());
    Sdm.apply(z, Tensor.of(q, q.length), Tensor.of(d, d.length), y, 0);
    final int classes = Math.toIntExact(z.dim(1));
    final double[] all = y.toDoubleArray();
    final double[][] weights = new double[q.length][];
    final double[] similarities = q.clone();
    for (int i = 0; i < q.length; i++) {
      weights[i] = Arrays.copyOfRange(all, i * classes, (i + 1) * classes);
      similarities[i] = largest(weights[i]) == matches.predicted()[i] ? q[i] : 0;
    }
    return new Outputs(weights, similarities, d);
  }

  private static List<EmpiricalCdf> byClass(int[] labels, int classes, IntToDoubleFunction value) {
    return IntStream.range(0, classes)
        .mapToObj(
            c ->
                EmpiricalCdf.of(
                    IntStream.range(0, labels.length)
                        .filter(i -> labels[i] == c)
                        .mapToDouble(value)
                        .toArray()))
        .toList();
  }

  private static double[] rescaler(
      double[][] v, double[] similarities, int[] labels, Options options) {
    final int classes = v[0].length;
    final double[] w = new double[classes * classes];
    for (int c = 0; c < classes; c++) {
      w[c * classes + c] = 1;
    }
    final RandomGenerator random = new SplittableRandom(options.seed());
    final int[] order = IntStream.range(0, v.length).toArray();
    final double[] first = new double[w.length];
    final double[] second = new double[w.length];
    double[] best = w.clone();
    double least = loss(w, v, similarities, labels);
    long step = 0;
    int worse = 0;
    for (int epoch = 0; epoch < options.epochs() && worse <= options.patience(); epoch++) {
      shuffle(order, random);
      for (int from = 0; from < order.length; from += options.batch()) {
        final int to = Math.min(order.length, from + options.batch());
        final double[] gradient = new double[w.length];
        for (int k = from; k < to; k++) {
          addGradient(w, v[order[k]], similarities[order[k]], labels[order[k]], gradient);
        }
        step++;
        adam(w, gradient, to - from, first, second, step, options.rate());
      }
      final double now = loss(w, v, similarities, labels);
      worse = now > least ? worse + 1 : 0;
      if (now < least) {
        least = now;
        best = w.clone();
      }
    }
    return best;
  }

  /**
   * The base of the logarithm cancels what its logarithm multiplies: {@code dW = (o - e_y) v^T}.
   */
  private static void addGradient(
      double[] w, double[] v, double similarity, int label, double[] gradient) {
    final double[] o = softmax(w, v, similarity);
    for (int i = 0; i < o.length; i++) {
      final double g = o[i] - (i == label ? 1 : 0);
      for (int j = 0; j < o.length; j++) {
        gradient[i * o.length + j] += g * v[j];
      }
    }
  }

  private static void adam(
      double[] w,
      double[] gradient,
      int points,
      double[] first,
      double[] second,
      long step,
      double rate) {
    for (int i = 0; i < w.length; i++) {
      final double g = gradient[i] / points;
      first[i] = BETA_1 * first[i] + (1 - BETA_1) * g;
      second[i] = BETA_2 * second[i] + (1 - BETA_2) * g * g;
      final double mean = first[i] / (1 - Math.pow(BETA_1, (double) step));
      final double root = Math.sqrt(second[i] / (1 - Math.pow(BETA_2, (double) step)));
      w[i] -= rate * mean / (root + EPSILON);
    }
  }

  private static double loss(double[] w, double[][] v, double[] similarities, int[] labels) {
    double sum = 0;
    for (int i = 0; i < v.length; i++) {
      final double o = softmax(w, v[i], similarities[i])[labels[i]];
      sum -= Math.log(o) / Math.log(2 + similarities[i]);
    }
    return sum / v.length;
  }

  /** {@code softmax(ln(2 + similarity) W v)}. */
  private static double[] softmax(double[] w, double[] v, double similarity) {
    final int classes = v.length;
    final double[] o = new double[classes];
    double most = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < classes; i++) {
      for (int j = 0; j < classes; j++) {
        o[i] += w[i * classes + j] * v[j];
      }
      o[i] *= Math.log(2 + similarity);
      most = Math.max(most, o[i]);
    }
    double sum = 0;
    for (int i = 0; i < classes; i++) {
      o[i] = Math.exp(o[i] - most);
      sum += o[i];
    }
    for (int i = 0; i < classes; i++) {
      o[i] /= sum;
    }
    return o;
  }

  private static int largest(double[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  /** NaN for none. */
  private static double median(List<Double> values) {
    if (values.isEmpty()) {
      return Double.NaN;
    }
    final double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    final int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  private static void shuffle(int[] order, RandomGenerator random) {
    for (int i = order.length - 1; i > 0; i--) {
      final int j = random.nextInt(i + 1);
      final int swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
  }
}
