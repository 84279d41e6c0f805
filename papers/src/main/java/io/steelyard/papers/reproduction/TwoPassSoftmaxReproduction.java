package io.steelyard.papers.reproduction;

import io.steelyard.kernels.elementary.ExtendedExponent;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.softmax.ThreePassSoftmax;
import io.steelyard.kernels.softmax.TwoPassSoftmax;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Criteria;
import io.steelyard.papers.claim.Criterion;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.Curve;
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.Series;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * Paper 06, arXiv 2001.04438: does softmax without a maximum pass win on rows that do not fit the
 * caches, and is its arithmetic exact enough?
 *
 * <p>Three SIMD kernels of the same width, polynomial and care are timed on one thread, in turn:
 * three passes with recomputed and with reloaded exponentials, and two passes. Rows that fit the
 * caches stay there between calls ("warm"); the plain scalar loop is shown as an anchor.
 */
public final class TwoPassSoftmaxReproduction implements Reproduction {

  /** Row lengths at which the paper's claim is decided: input and output exceed any cache. */
  private static final List<Integer> OUT_OF_CACHE = List.of(1 << 24, 1 << 25);

  /** A kernel slower than this share of the copy speed is bound by arithmetic, not by memory. */
  private static final double BOUND_BY_MEMORY = 0.5;

  /** Scores are uniform in [-RANGE, RANGE]. */
  private static final double RANGE = 1000;

  /** Weights below this are left out of the relative error. */
  private static final double LEAST_WEIGHT = 1e-30;

  private static final int LONGEST_CHECKED_ROW = 1 << 16;

  private static final String COPY = "copy ns/element";
  private static final String WORST_EXP_ERROR = "ExtExp error in ULP";
  private static final String WORST_WEIGHT_ERROR = "two-pass relative error";
  private static final String X = "row length (floats)";

  /** Options of every timed call. */
  private static final NormaliserOptions ONE_THREAD = NormaliserOptions.defaults().withThreads(1);

  /** What is timed. */
  private enum Kernel {
    RECOMPUTE("three-pass recompute", 16) {
      @Override
      void apply(Tensor x, Tensor y) {
        ThreePassSoftmax.apply(x, y, ONE_THREAD, ThreePassSoftmax.Variant.RECOMPUTE);
      }
    },
    RELOAD("three-pass reload", 20) {
      @Override
      void apply(Tensor x, Tensor y) {
        ThreePassSoftmax.apply(x, y, ONE_THREAD, ThreePassSoftmax.Variant.RELOAD);
      }
    },
    TWO_PASS("two-pass", 12) {
      @Override
      void apply(Tensor x, Tensor y) {
        TwoPassSoftmax.apply(x, y, ONE_THREAD);
      }
    };

    private final String label;

    /** Bytes that the algorithm has to move for each element. */
    private final int bytes;

    Kernel(String label, int bytes) {
      this.label = label;
      this.bytes = bytes;
    }

    abstract void apply(Tensor x, Tensor y);

    String nanos(int n) {
      return label + " ns/element at " + n;
    }

    /** Bytes moved in a nanosecond, as a share of what a copy moves. */
    double shareOfCopy(Run run, int n) {
      return bytes / run.metric(nanos(n)) / (8 / run.metric(COPY));
    }
  }

  /** How much is run at a scale. */
  private record Plan(List<Integer> lengths, int repeats, double warmSeconds, int floatStride) {

    static Plan of(Scale scale) {
      return switch (scale) {
        case SMOKE -> new Plan(List.of(1 << 10, 1 << 16, 1 << 20), 3, 0.15, 4099);
        case QUICK ->
            new Plan(
                List.of(1 << 10, 1 << 13, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 25),
                15,
                2,
                16);
        case FULL ->
            new Plan(
                Stream.of(
                        128,
                        154,
                        512,
                        2048,
                        8192,
                        10_000,
                        100_000,
                        1_000_000,
                        10_000_000,
                        1 << 24,
                        1 << 25,
                        100_000_000)
                    .toList(),
                25,
                5,
                1);
      };
    }

    /** Long rows are timed less often. */
    int repeats(int n) {
      return n >= 1 << 23 ? Math.max(3, repeats / 3) : repeats;
    }
  }

  @Override
  public String paper() {
    return "two-pass-softmax";
  }

  @Override
  public String design() {
    return "Three softmax kernels that differ only in their passes over memory are timed in turn on one"
        + " thread, over rows of growing length with scores uniform in [-1000, 1000] and the output"
        + " touched before. Rows that fit the caches stay there between calls. A plain copy of the same"
        + " arrays shows what the memory allows.";
  }

  @Override
  public boolean timed() {
    return true;
  }

  @Override
  public List<Claim> claims() {
    final Quantity gain = new Quantity("%", TwoPassSoftmaxReproduction::leastGain);
    final Quantity ulp = Quantity.metric("ULP", WORST_EXP_ERROR);
    final Quantity error = Quantity.metric("", WORST_WEIGHT_ERROR);
    return List.of(
        Claim.named("faster-out-of-cache")
            .states(
                "Two-pass softmax beats the best three-pass form on rows that exceed the caches")
            .published(
                "up to 28 % faster with AVX-512 and up to 18 % with AVX2, one core of a Skylake-X")
            .measures(
                "time saved against the best three-pass form, at the worse of 2^24 and 2^25 floats")
            .shows(Summary.MEDIAN)
            .decidedBy(
                gain,
                outOfCacheRule()
                    .unless(
                        runs -> runs.stream().anyMatch(run -> run.machine().vectorBits() == 0),
                        "not testable without the vector module",
                        _ -> "the kernels ran their scalar form")
                    .unless(
                        runs -> worstShare(runs) < BOUND_BY_MEMORY,
                        "not testable where a kernel moves memory at less than half the speed of a"
                            + " copy",
                        runs ->
                            "the slowest kernel moves memory at "
                                + Quantity.number(100 * worstShare(runs))
                                + " % of the speed of a copy")),
        Claim.named("extended-exponent-below-2-ulp")
            .states("The exponential as mantissa and exponent is right to less than 2 ULP")
            .published("below 2 ULP, for every float from -708.4 to 709.8")
            .measures(
                "largest error against the exponential in double, every 16th float of the range")
            .shows(Summary.MAXIMUM)
            .decidedBy(ulp, Criteria.everySeedBelow(ulp, 2)),
        Claim.named("weights-within-2e-6")
            .states("Two-pass weights agree with softmax in double to float precision")
            .measures("largest relative error of weights above 1e-30, rows up to 2^16 floats")
            .shows(Summary.MAXIMUM)
            .decidedBy(error, Criteria.everySeedBelow(error, 2e-6)));
  }

  /** The page's rule, on the ratio of two-pass time to the better three-pass time. */
  private static Criterion outOfCacheRule() {
    final Criterion rule =
        runs -> {
          final StringBuilder numbers = new StringBuilder("two-pass over best three-pass time");
          int faster = 0;
          int notFaster = 0;
          for (final int n : OUT_OF_CACHE) {
            final double[] ratios = runs.stream().mapToDouble(run -> ratio(run, n)).toArray();
            numbers
                .append(n == OUT_OF_CACHE.getFirst() ? " at " : "; at ")
                .append("2^" + Integer.numberOfTrailingZeros(n))
                .append(": ")
                .append(
                    String.join(", ", Arrays.stream(ratios).mapToObj(Quantity::number).toList()));
            faster += Arrays.stream(ratios).allMatch(r -> r < 0.95) ? 1 : 0;
            notFaster += Summary.MEDIAN.of(ratios) >= 1 ? 1 : 0;
          }
          if (faster == OUT_OF_CACHE.size()) {
            return new Verdict.Holds(numbers + ": below 0.95 in every seed at both lengths");
          }
          if (notFaster == OUT_OF_CACHE.size()) {
            return new Verdict.DoesNotHold(
                numbers + ": the median is not below 1 at either length");
          }
          return new Verdict.Inconclusive(
              numbers
                  + (faster > 0
                      ? ": below 0.95 in every seed at one length only, so partly"
                      : ": no clear difference"));
        };
    return rule.saying(
        "holds if two-pass takes less than 0.95 of the better three-pass time in every seed at 2^24"
            + " and at 2^25; falsified if the median ratio is 1 or more at both; else inconclusive");
  }

  private static double ratio(Run run, int n) {
    return run.metric(Kernel.TWO_PASS.nanos(n)) / bestThreePass(run, n);
  }

  private static double bestThreePass(Run run, int n) {
    return Math.min(run.metric(Kernel.RECOMPUTE.nanos(n)), run.metric(Kernel.RELOAD.nanos(n)));
  }

  private static double leastGain(Run run) {
    return OUT_OF_CACHE.stream().mapToDouble(n -> 100 * (1 - ratio(run, n))).min().orElseThrow();
  }

  private static double worstShare(List<Run> runs) {
    return runs.stream()
        .flatMap(
            run ->
                Arrays.stream(Kernel.values())
                    .flatMap(kernel -> OUT_OF_CACHE.stream().map(n -> kernel.shareOfCopy(run, n))))
        .mapToDouble(Double::doubleValue)
        .min()
        .orElseThrow();
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    final int longest = plan.lengths().stream().mapToInt(Integer::intValue).max().orElseThrow();
    experiment.data("uniform scores", "made by the run from its seed");
    experiment.setting("threads", "1");
    experiment.setting("scores", "uniform in [-1000, 1000]");
    experiment.setting("vector width", Simd.vectorBits() + " bits");
    experiment.setting("repeats", plan.repeats() + ", and a third of that from 2^23 floats on");
    experiment.steps(plan.lengths().size() + 3L);

    final float[] scores = new float[longest];
    final RandomGenerator random = experiment.random("scores");
    for (int i = 0; i < longest; i++) {
      scores[i] = (float) random.nextDouble(-RANGE, RANGE);
    }
    final float[] weights = new float[longest];
    Arrays.fill(weights, 1); // touched, so that no page is new when it is timed

    warm(scores, weights, plan);
    experiment.step("kernels are warm");
    time(experiment, plan, scores, weights);
    experiment.metric(WORST_EXP_ERROR, worstExpError(plan.floatStride()));
    experiment.step("extended exponents checked");
    experiment.metric(WORST_WEIGHT_ERROR, worstWeightError(plan, scores, weights));
    experiment.step("weights checked");
  }

  /** Lets the JIT see every kernel at every length before any time counts. */
  private static void warm(float[] scores, float[] weights, Plan plan) {
    final List<Integer> lengths = plan.lengths().stream().filter(n -> n <= 1 << 20).toList();
    for (final Kernel kernel : Kernel.values()) {
      final long end = System.nanoTime() + (long) (1e9 * plan.warmSeconds());
      while (System.nanoTime() < end) {
        for (final int n : lengths) {
          kernel.apply(row(scores, n), row(weights, n));
        }
      }
    }
  }

  private static void time(Experiment experiment, Plan plan, float[] scores, float[] weights) {
    final Map<Kernel, List<Double>> curves = new EnumMap<>(Kernel.class);
    Arrays.stream(Kernel.values()).forEach(kernel -> curves.put(kernel, new ArrayList<>()));
    final List<Double> copies = new ArrayList<>();
    for (final int n : plan.lengths()) {
      final Tensor x = row(scores, n);
      final Tensor y = row(weights, n);
      final Map<Kernel, double[]> times = new EnumMap<>(Kernel.class);
      final double[] copy = new double[plan.repeats(n)];
      for (int repeat = 0; repeat < plan.repeats(n); repeat++) {
        for (final Kernel kernel : Kernel.values()) {
          times.computeIfAbsent(kernel, _ -> new double[plan.repeats(n)])[repeat] =
              nanosPerElement(() -> kernel.apply(x, y), n);
        }
        copy[repeat] = nanosPerElement(() -> System.arraycopy(scores, 0, weights, 0, n), n);
      }
      times.forEach(
          (kernel, values) -> {
            final double median = Summary.MEDIAN.of(values);
            experiment.metric(kernel.nanos(n), median);
            curves.get(kernel).add(median);
          });
      copies.add(Summary.MEDIAN.of(copy));
      experiment.step("rows of " + n + " floats timed");
    }
    final List<Double> xs = plan.lengths().stream().map(Integer::doubleValue).toList();
    curves.forEach(
        (kernel, ys) -> experiment.series(new Series(kernel.label, X, "ns/element", xs, ys)));
    experiment.series(new Series("copy", X, "ns/element", xs, copies));
    experiment.metric(COPY, copies.getLast());
    anchor(experiment, scores, weights);
  }

  /** The scalar loop that somebody would write first, at one length. */
  private static void anchor(Experiment experiment, float[] scores, float[] weights) {
    final int n = Math.min(scores.length, 1 << 16);
    final double[] times = new double[3];
    for (int repeat = 0; repeat < times.length; repeat++) {
      times[repeat] = nanosPerElement(() -> plainSoftmax(scores, weights, n), n);
    }
    experiment.metric("plain scalar ns/element at " + n, Summary.MEDIAN.of(times));
  }

  private static void plainSoftmax(float[] x, float[] y, int n) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      max = Math.max(max, x[i]);
    }
    double sum = 0;
    for (int i = 0; i < n; i++) {
      y[i] = (float) Math.exp(x[i] - max);
      sum += y[i];
    }
    for (int i = 0; i < n; i++) {
      y[i] = (float) (y[i] / sum);
    }
  }

  /**
   * Time of one call by the element; short calls are repeated until five milliseconds have passed.
   */
  private static double nanosPerElement(Runnable call, int n) {
    final long start = System.nanoTime();
    long calls = 0;
    long passed;
    do {
      call.run();
      calls++;
      passed = System.nanoTime() - start;
    } while (passed < 5_000_000);
    return (double) passed / calls / n;
  }

  private static Tensor row(float[] data, int n) {
    return Tensor.of(MemorySegment.ofArray(data), DType.F32, 1, n);
  }

  /**
   * Largest error in units of 2^-24 of a mantissa in [0.5, 1), over the range that double can
   * check.
   */
  private static double worstExpError(int stride) {
    double worst = 0;
    final int last = Float.floatToRawIntBits(0x1.62E42Ep9f);
    final int lastNegative = Float.floatToRawIntBits(0x1.6232BCp9f);
    for (int bits = 0; bits <= last; bits += stride) {
      final float x = Float.intBitsToFloat(bits);
      worst = Math.max(worst, expError(x));
      if (bits <= lastNegative) {
        worst = Math.max(worst, expError(-x));
      }
    }
    return worst;
  }

  private static double expError(float x) {
    final double exact = Math.exp(x);
    final double unit = Math.scalb(1.0, Math.getExponent(exact) + 1 - 24);
    return Math.abs(ExtendedExponent.exp(x).toDouble() - exact) / unit;
  }

  private static double worstWeightError(Plan plan, float[] scores, float[] weights) {
    double worst = 0;
    for (final int n : plan.lengths()) {
      if (n > LONGEST_CHECKED_ROW) {
        continue;
      }
      Kernel.TWO_PASS.apply(row(scores, n), row(weights, n));
      double max = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < n; i++) {
        max = Math.max(max, scores[i]);
      }
      double sum = 0;
      for (int i = 0; i < n; i++) {
        sum += Math.exp(scores[i] - max);
      }
      for (int i = 0; i < n; i++) {
        final double exact = Math.exp(scores[i] - max) / sum;
        if (exact > LEAST_WEIGHT) {
          worst = Math.max(worst, Math.abs(weights[i] - exact) / exact);
        }
      }
    }
    return worst;
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final List<Curve> times = new ArrayList<>();
    final List<Curve> speeds = new ArrayList<>();
    for (final Kernel kernel : Kernel.values()) {
      times.add(SeedCurves.ofSeries(kernel.label, Mark.LINE, Summary.MEDIAN, runs, kernel.label));
      speeds.add(over(runs, kernel.label, Mark.LINE, (run, i) -> speed(run, kernel, i)));
    }
    times.add(SeedCurves.ofSeries("copy", Mark.REFERENCE, Summary.MEDIAN, runs, "copy"));
    speeds.add(over(runs, "copy", Mark.REFERENCE, (run, i) -> 8 / run.curve("copy").ys().get(i)));
    final Curve gain = over(runs, "two-pass", Mark.LINE, TwoPassSoftmaxReproduction::gainAt);
    final Curve none = level("no gain", gain.xs(), 0);
    return List.of(
        new Figure(
            "Time against row length",
            "Median of the seeds with the range between them, one thread. While a row fits the caches,"
                + " reloading wins: it computes each exponential once. Beyond them the form that moves"
                + " the least memory does.",
            Axis.log2(X),
            Axis.linear("time (ns/element)"),
            times),
        new Figure(
            "Time saved by two passes",
            "Against the better of the two three-pass forms at each length; below zero it costs time.",
            Axis.log2(X),
            Axis.linear("time saved (%)"),
            List.of(gain, none)),
        new Figure(
            "Memory speed",
            "Bytes each algorithm has to move (12, 16 and 20 an element) by its time. Where a curve"
                + " comes near the copy, memory is the limit.",
            Axis.log2(X),
            Axis.log10("speed (GB/s)"),
            speeds));
  }

  private static double speed(Run run, Kernel kernel, int i) {
    return kernel.bytes / run.curve(kernel.label).ys().get(i);
  }

  private static double gainAt(Run run, int i) {
    final double best =
        Math.min(
            run.curve(Kernel.RECOMPUTE.label).ys().get(i),
            run.curve(Kernel.RELOAD.label).ys().get(i));
    return 100 * (1 - run.curve(Kernel.TWO_PASS.label).ys().get(i) / best);
  }

  /** A value at each length, of one run. */
  private interface AtLength {

    double of(Run run, int index);
  }

  private static Curve over(List<Run> runs, String name, Mark mark, AtLength value) {
    return SeedCurves.over(
        name,
        mark,
        Summary.MEDIAN,
        runs.getFirst().curve(Kernel.TWO_PASS.label).xs(),
        i -> runs.stream().mapToDouble(run -> value.of(run, i)).toArray());
  }

  private static Curve level(String name, List<Double> xs, double y) {
    return new Curve(
        name, Mark.REFERENCE, xs, xs.stream().map(_ -> y).toList(), List.of(), List.of());
  }
}
