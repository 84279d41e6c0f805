package io.steelyard.papers.report;

import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Criteria;
import io.steelyard.papers.claim.PairedBootstrap;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.reproduction.Figure;
import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.Curve;
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.reproduction.Reproduction;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunStore;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.TestRuns;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** A made-up report with every kind of verdict and plot. */
final class SampleReport {

  private static final List<String> ALGORITHMS =
      List.of("three-pass recompute", "three-pass reload", "two-pass");

  private SampleReport() {}

  static Report report(String title) {
    final Reproduction kernel = new Kernel();
    final Reproduction heads = new Heads();
    return new Report(
        TestRuns.START,
        List.of(
            Section.of(
                paper(
                    6,
                    kernel.paper(),
                    title,
                    "2001.04438",
                    "Keep each exponential as a mantissa and an exponent; then no pass for the"
                        + " maximum is needed."),
                kernel,
                runs(kernel.paper(), Scale.QUICK),
                Section.Source.RUNS,
                run ->
                    Optional.of("runs/" + kernel.paper() + "/quick/seed-" + run.seed() + ".json")),
            Section.of(
                paper(
                    3,
                    heads.paper(),
                    "An Architecture Combining Convolutional Neural Network (CNN) and Support Vector"
                        + " Machine (SVM) for Image Classification",
                    "1712.03541",
                    "Read the last linear layer as one-vs-rest support vector machines."),
                heads,
                runs(heads.paper(), Scale.QUICK),
                Section.Source.SHIPPED,
                _ -> Optional.empty())),
        List.of(new RunStore.Rejected("runs/x/quick/seed-4.json", "is not complete, valid JSON")));
  }

  private static Paper paper(int number, String slug, String title, String arxivId, String idea) {
    return new Paper(
        number,
        slug,
        title,
        2,
        LocalDate.of(2020, 1, 13),
        arxivId,
        List.of("kernel"),
        idea,
        Optional.empty(),
        Optional.empty());
  }

  private static List<Run> runs(String paper, Scale scale) {
    return List.of(3L, 1L, 2L).stream().map(seed -> run(paper, scale, seed)).toList();
  }

  private static Run run(String paper, Scale scale, long seed) {
    final SplittableRandom random = new SplittableRandom(seed);
    final Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("gap", 0.4 + 0.3 * random.nextDouble());
    metrics.put("sign", -6.0 - random.nextDouble());
    metrics.put("ratio", 0.97 + 0.02 * seed);
    metrics.put("ulp", 1.97 + 0.02 * seed);
    metrics.put("crowd", -0.5 - 0.1 * seed);
    final List<Double> softmax = outcomes(0.83, new SplittableRandom(9));
    final List<Double> svm = outcomes(0.826, new SplittableRandom(9));
    return TestRuns.of(
        paper, scale, seed, "0.1.0+abc1234", metrics, Map.of("softmax", softmax, "svm", svm));
  }

  private static List<Double> outcomes(double share, SplittableRandom random) {
    return DoubleStream.generate(() -> random.nextDouble() < share ? 1.0 : 0.0)
        .limit(2000)
        .boxed()
        .toList();
  }

  private static List<Double> doubles(DoubleStream values) {
    return values.boxed().toList();
  }

  private record Kernel() implements Reproduction {

    @Override
    public String paper() {
      return "two-pass-softmax";
    }

    @Override
    public String design() {
      return "Three algorithms for the softmax of one long row, with the same exponential and the"
          + " same vector width, are timed over row lengths on both sides of the last cache.";
    }

    @Override
    public List<Claim> claims() {
      final Quantity ratio = Quantity.metric("", "ratio");
      final Quantity ulp = Quantity.metric("ULP", "ulp");
      return List.of(
          Claim.named("faster-out-of-cache")
              .states("Out of cache, two passes are faster than the better three-pass algorithm")
              .published("up to 28 % faster with AVX-512, 18 % with AVX2 (Skylake-X)")
              .measures("time of two-pass over the better three-pass at 2^25 floats")
              .decidedBy(ratio, Criteria.everySeedBelow(ratio, 0.95)),
          Claim.named("accurate")
              .states("The exponential is within two units in the last place")
              .published("under 2 ULP")
              .measures("largest error of the exponential")
              .shows(Summary.MAXIMUM)
              .decidedBy(ulp, Criteria.everySeedBelow(ulp, 2)));
    }

    @Override
    public void run(Experiment experiment) {
      throw new UnsupportedOperationException("made up");
    }

    @Override
    public List<Figure> figures(List<Run> runs) {
      final List<Double> xs =
          doubles(IntStream.of(10, 13, 16, 18, 20, 22, 24, 25).mapToDouble(k -> 1L << k));
      final double[][] ys = {
        {.43, .42, .41, .42, .45, 1.1, 1.25, 1.3},
        {.28, .27, .25, .27, .29, 1.05, 1.22, 1.28},
        {.51, .42, .39, .39, .40, .9, 1.02, 1.06}
      };
      final List<Curve> curves = new ArrayList<>();
      for (int i = 0; i < ys.length; i++) {
        final double[] y = ys[i];
        curves.add(
            new Curve(
                ALGORITHMS.get(i),
                Mark.LINE,
                xs,
                doubles(DoubleStream.of(y)),
                doubles(DoubleStream.of(y).map(v -> v * 0.93)),
                doubles(DoubleStream.of(y).map(v -> v * 1.06))));
      }
      curves.add(
          new Curve(
              "limit of the memory",
              Mark.REFERENCE,
              List.of(1024.0, (double) (1 << 25)),
              List.of(.33, .33),
              List.of(),
              List.of()));
      return List.of(
          new Figure(
              "Time per element over row length",
              "The lines cross where input and output no longer fit into the last cache.",
              Axis.log2("row length (floats)"),
              Axis.log10("ns per element"),
              curves),
          new Figure(
              "Throughput by algorithm",
              "Bytes moved per second, in and out of cache; whiskers are the range over seeds.",
              Axis.category("row length", List.of("2^16, in cache", "2^25, out of cache")),
              Axis.linear("GB/s"),
              List.of(
                  bar(ALGORITHMS.get(0), 39, 12.3),
                  bar(ALGORITHMS.get(1), 80, 15.6),
                  bar(ALGORITHMS.get(2), 31, 11.3))));
    }

    private static Curve bar(String name, double first, double second) {
      return new Curve(
          name,
          Mark.BAR,
          List.of(0.0, 1.0),
          List.of(first, second),
          List.of(first * 0.94, second * 0.9),
          List.of(first * 1.05, second * 1.08));
    }
  }

  private record Heads() implements Reproduction {

    @Override
    public String paper() {
      return "cnn-svm";
    }

    @Override
    public String design() {
      return "One small network is trained with three losses from the same initial weights and in the"
          + " same order of batches; only the loss differs.";
    }

    @Override
    public List<Claim> claims() {
      final Quantity gap = Quantity.metric("pp", "gap");
      final Quantity sign = Quantity.metric("pp", "sign");
      final Quantity crowd = Quantity.metric("pp", "crowd");
      return List.of(
          Claim.named("close-to-softmax")
              .states("An L2-SVM head is competitive with softmax and not better")
              .published(
                  "99.04 % against 99.23 % on MNIST, 90.72 % against 91.86 % on Fashion-MNIST")
              .measures("softmax minus L2-SVM test accuracy")
              .decidedBy(
                  gap,
                  Criteria.meanWithin(
                      gap,
                      -0.2,
                      2.5,
                      Criteria.Falsified.BY_MEAN_AND_EVERY_SEED,
                      Criteria.Falsified.BY_MEAN),
                  new PairedBootstrap("softmax", "svm", 100)),
          Claim.named("sign-rule")
              .states("Reading only the sign of the scores never gains accuracy")
              .measures("sign rule minus argmax test accuracy")
              .decidedBy(sign, Criteria.everySeedAtMost(sign, 0)),
          Claim.named("partly")
              .states("A claim that falls between its two bounds")
              .published("1 pp")
              .measures("gain")
              .decidedBy(crowd, Criteria.gain(crowd, Summary.MEAN, 1, -1, 2)));
    }

    @Override
    public void run(Experiment experiment) {
      throw new UnsupportedOperationException("made up");
    }

    @Override
    public List<Figure> figures(List<Run> runs) {
      final List<Double> xs = doubles(IntStream.rangeClosed(1, 60).mapToDouble(i -> 10.0 * i));
      final List<Curve> curves = new ArrayList<>();
      for (int k = 0; k < 3; k++) {
        final double scale = 1 + 0.4 * k;
        final List<Double> ys =
            xs.stream().map(x -> scale * (0.3 + 1.9 * Math.exp(-x / (90 + 40 * scale)))).toList();
        curves.add(
            new Curve(
                List.of("softmax", "L2-SVM", "L1-SVM").get(k),
                Mark.LINE,
                xs,
                ys,
                ys.stream().map(y -> y * 0.9).toList(),
                ys.stream().map(y -> y * 1.1).toList()));
      }
      return List.of(
          new Figure(
              "Training loss",
              "Mean over seeds with the range between them; the losses are on different scales.",
              Axis.linear("step"),
              Axis.linear("loss"),
              curves));
    }
  }
}
