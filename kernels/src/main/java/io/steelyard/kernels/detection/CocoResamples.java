package io.steelyard.kernels.detection;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * COCO average precision when images count more than once, or not at all: what a bootstrap over
 * images asks for again and again.
 *
 * <p>Which object a detection takes does not depend on other images, so detections are matched once
 * ({@link CocoAp}, objects of any size) and every resample is one pass over them in order of their
 * scores. With each image once, the figures are those of {@link CocoAp}, up to the order in which
 * they are summed.
 *
 * <p>Edges: a class without objects in a resample has no say in it; without any object the figures
 * are NaN. Otherwise as {@link CocoAp}.
 *
 * <p>Cost: matching as {@link CocoAp}; then O(N + T G) for a resample of N detections, G objects
 * and T = 10 thresholds, allocating O(G). Immutable; safe to call from any thread.
 *
 * <pre>{@code
 * CocoResamples resamples = CocoResamples.of(detections, objects, images, 100);
 * int[] times = new int[images];
 * for (int i = 0; i < images; i++) {
 *   times[random.nextInt(images)]++;
 * }
 * double ap = resamples.ap(times);
 * }</pre>
 */
public final class CocoResamples {

  /** Detections of a class by decreasing score. */
  private static final class OfClass {

    /** The image of each. */
    private final int[] images;

    /** Bit t is set where the detection is right at threshold t. */
    private final short[] hits;

    /** Bit t is set where it is not counted. */
    private final short[] left;

    /** How many objects to find each image has. */
    private final int[] objects;

    /** How many hits a threshold has at most. */
    private final int most;

    OfClass(List<Match> matches, int[] objects) {
      final int n = matches.size();
      this.images = new int[n];
      this.hits = new short[n];
      this.left = new short[n];
      this.objects = objects;
      this.most = Math.min(n, Arrays.stream(objects).sum());
      for (int i = 0; i < n; i++) {
        images[i] = matches.get(i).image;
        hits[i] = matches.get(i).hits;
        left[i] = matches.get(i).left;
      }
    }
  }

  private final int images;
  private final List<OfClass> classes;

  private CocoResamples(int images, List<OfClass> classes) {
    this.images = images;
    this.classes = classes;
  }

  /**
   * Matches detections.
   *
   * @param detections not modified; image ids in {@code [0, images)}
   * @param truths not modified; image ids in {@code [0, images)}; ignored objects are crowds
   * @param images how many images there are, with or without objects, at least 1
   * @param maxDetections how many detections of a class in an image count, at least 1
   * @throws IllegalArgumentException if dtypes differ or a number is out of range
   */
  public static CocoResamples of(
      ScoredBoxes detections, GroundTruths truths, int images, int maxDetections) {
    if (images < 1) {
      throw new IllegalArgumentException("images is " + images + "; expected 1 or more");
    }
    checkIds("images", ScoredBoxes.ids(detections.images(), detections.count()), images);
    checkIds("truth-images", ScoredBoxes.ids(truths.images(), truths.count()), images);
    final CocoAp matcher = new CocoAp(detections, truths, maxDetections);
    final List<OfClass> classes = new ArrayList<>();
    for (final int ofClass : matcher.data.classes()) {
      classes.add(match(matcher, matcher.data.scenes(ofClass), images));
    }
    return new CocoResamples(images, classes);
  }

  private static void checkIds(String name, int[] ids, int images) {
    for (final int id : ids) {
      if (id < 0 || id >= images) {
        throw new IllegalArgumentException(
            name + " holds " + id + "; expected ids from 0 to " + (images - 1));
      }
    }
  }

  /** A detection and its outcomes. */
  private static final class Match {

    private final int image;
    private final int index;
    private short hits;
    private short left;

    Match(int image, int index) {
      this.image = image;
      this.index = index;
    }

    void set(int threshold, CocoAp.Outcome outcome) {
      switch (outcome) {
        case HIT -> hits |= (short) (1 << threshold);
        case NOT_COUNTED -> left |= (short) (1 << threshold);
        case MISS -> {
          // Counted, and not right: neither bit.
        }
      }
    }
  }

  private static OfClass match(CocoAp matcher, List<Evaluation.Scene> scenes, int images) {
    final List<Match> matches = new ArrayList<>();
    final int[] objects = new int[images];
    for (final Evaluation.Scene scene : scenes) {
      final List<Match> here = new ArrayList<>();
      for (int t = 0; t < CocoAp.THRESHOLDS; t++) {
        final List<CocoAp.Judged> judged = matcher.match(scene, CocoAp.threshold(t));
        for (int rank = 0; rank < judged.size(); rank++) {
          if (t == 0) {
            here.add(new Match(scene.image(), judged.get(rank).index()));
          }
          here.get(rank).set(t, judged.get(rank).outcome());
        }
      }
      matches.addAll(here);
      for (final int object : scene.objects()) {
        objects[scene.image()] += matcher.data.ignored[object] ? 0 : 1;
      }
    }
    matches.sort(Comparator.comparing(match -> match.index, matcher.data.byScore()));
    return new OfClass(matches, objects);
  }

  /** How many images there are. */
  public int images() {
    return images;
  }

  /** Average precision with each image once: mean over thresholds and classes. */
  public double ap() {
    return ap(once());
  }

  /** Each image once, as {@link #ap(int[])} takes it. */
  public int[] once() {
    final int[] once = new int[images];
    Arrays.fill(once, 1);
    return once;
  }

  /**
   * Average precision when image i counts {@code times[i]} times: mean over the thresholds .50,
   * .55, ... .95 and over classes that have objects.
   *
   * @param times {@code [images]}, none negative; not modified
   * @throws IllegalArgumentException if the length differs or a number is negative
   */
  public double ap(int[] times) {
    return DoubleStream.of(apByIou(times)).average().orElseThrow();
  }

  /** The same at each threshold. */
  public double[] apByIou(int[] times) {
    return means(times)[0];
  }

  /**
   * Average recall with all detections that count, when image i counts {@code times[i]} times: mean
   * over thresholds and classes that have objects.
   *
   * @param times {@code [images]}, none negative; not modified
   * @throws IllegalArgumentException if the length differs or a number is negative
   */
  public double ar(int[] times) {
    return DoubleStream.of(means(times)[1]).average().orElseThrow();
  }

  /** Precision and final recall at each threshold, mean over classes. */
  private double[][] means(int[] times) {
    if (times.length != images || Arrays.stream(times).anyMatch(count -> count < 0)) {
      throw new IllegalArgumentException(
          "times is "
              + Arrays.toString(times)
              + "; expected "
              + images
              + " numbers >= 0, one for each image");
    }
    final double[][] sums = new double[2][CocoAp.THRESHOLDS];
    int present = 0;
    for (final OfClass ofClass : classes) {
      int positives = 0;
      for (int image = 0; image < images; image++) {
        positives += times[image] * ofClass.objects[image];
      }
      if (positives > 0) {
        present++;
        add(sums, ofClass, times, positives);
      }
    }
    for (final double[] figure : sums) {
      for (int t = 0; t < figure.length; t++) {
        figure[t] = present == 0 ? Double.NaN : figure[t] / present;
      }
    }
    return sums;
  }

  private static void add(double[][] sums, OfClass ofClass, int[] times, int positives) {
    final int thresholds = CocoAp.THRESHOLDS;
    final double[][] recall = new double[thresholds][ofClass.most];
    final double[][] precision = new double[thresholds][ofClass.most];
    final int[] points = new int[thresholds];
    final int[] found = new int[thresholds];
    final int[] left = new int[thresholds];
    int seen = 0;
    for (int i = 0; i < ofClass.images.length; i++) {
      final int count = times[ofClass.images[i]];
      if (count == 0) {
        continue;
      }
      seen += count;
      for (int bits = ofClass.left[i]; bits != 0; bits &= bits - 1) {
        left[Integer.numberOfTrailingZeros(bits)] += count;
      }
      for (int bits = ofClass.hits[i]; bits != 0; bits &= bits - 1) {
        final int t = Integer.numberOfTrailingZeros(bits);
        found[t] += count;
        recall[t][points[t]] = (double) found[t] / positives;
        precision[t][points[t]] = PrecisionRecall.precision(found[t], seen - left[t]);
        points[t]++;
      }
    }
    for (int t = 0; t < thresholds; t++) {
      sums[1][t] += (double) found[t] / positives;
      sums[0][t] +=
          new PrecisionRecall(
                  Arrays.copyOf(recall[t], points[t]), Arrays.copyOf(precision[t], points[t]))
              .meanAt(CocoAp.RECALLS, CocoAp.RECALL_STEP);
    }
  }
}
