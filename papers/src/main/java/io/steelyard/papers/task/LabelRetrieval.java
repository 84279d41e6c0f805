package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.analysis.multilabel.MultilabelData;
import io.steelyard.analysis.multilabel.SparseRows;
import io.steelyard.analysis.multilabel.XmcFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Queries whose labels are to be retrieved among all labels, each described by features of its own.
 *
 * @param name of the set
 * @param labels features of the labels, one row each
 * @param train queries to learn from, each with a label
 * @param test queries to test, each with a label
 */
public record LabelRetrieval(String name, Features labels, Queries train, Queries test) {

  private static final int WIDTH = 64;
  private static final double POPULARITY = -0.7;
  private static final double FADING = 0.7;
  private static final double NOISE = 0.05;

  /** Rows of features. */
  public sealed interface Features {

    /** How many rows. */
    int count();

    /** How many columns. */
    int width();

    /** Some rows with all their columns, {@code [rows, width]}. */
    NDArray rows(int[] which, NDManager manager);

    /** All rows. */
    default NDArray all(NDManager manager) {
      return rows(IntStream.range(0, count()).toArray(), manager);
    }
  }

  /** Rows that are mostly zeros, each divided by its norm. */
  record Bags(SparseRows bags) implements Features {

    @Override
    public int count() {
      return bags.rows();
    }

    @Override
    public int width() {
      return bags.width();
    }

    @Override
    public NDArray rows(int[] which, NDManager manager) {
      final float[] values = new float[which.length * width()];
      bags.fill(which, values);
      for (int i = 0; i < which.length; i++) {
        double squares = 0;
        for (int k = i * width(); k < (i + 1) * width(); k++) {
          squares += values[k] * values[k];
        }
        final float norm = (float) Math.sqrt(Math.max(squares, 1e-12));
        for (int k = i * width(); k < (i + 1) * width(); k++) {
          values[k] /= norm;
        }
      }
      return manager.create(values, new Shape(which.length, width()));
    }
  }

  /** Rows of numbers. */
  static final class Vectors implements Features {

    private final float[][] vectors;

    Vectors(float[][] vectors) {
      this.vectors = vectors;
    }

    @Override
    public int count() {
      return vectors.length;
    }

    @Override
    public int width() {
      return vectors[0].length;
    }

    @Override
    public NDArray rows(int[] which, NDManager manager) {
      final float[] values = new float[which.length * width()];
      for (int i = 0; i < which.length; i++) {
        System.arraycopy(vectors[which[i]], 0, values, i * width(), width());
      }
      return manager.create(values, new Shape(which.length, width()));
    }
  }

  /**
   * Queries with their labels.
   *
   * @param features one row each
   * @param labels one row each
   */
  public record Queries(Features features, SparseRows labels) {

    /** How many. */
    public int count() {
      return labels.rows();
    }

    /** The labels of each. */
    public int[][] positives() {
      return IntStream.range(0, count()).mapToObj(labels::columns).toArray(int[][]::new);
    }

    /** The labels of some, as rows of zeros and ones {@code [rows, L]}. */
    public NDArray targets(int[] which, NDManager manager) {
      final float[] values = new float[which.length * labels.width()];
      labels.fill(which, values);
      return manager.create(values, new Shape(which.length, labels.width()));
    }
  }

  /**
   * The page's task: a query is a fading sum of the features of its labels, which are drawn by
   * popularity.
   *
   * @param labels L
   * @param most labels of a query; each number from 1 on is as likely
   */
  public static LabelRetrieval synthetic(
      RandomGenerator random, int labels, int most, int train, int test) {
    final float[][] vectors = new float[labels][WIDTH];
    for (final float[] vector : vectors) {
      for (int k = 0; k < WIDTH; k++) {
        vector[k] = (float) (random.nextGaussian() / 8);
      }
    }
    final double[] popularity =
        IntStream.range(0, labels).mapToDouble(l -> Math.pow(l + 1.0, POPULARITY)).toArray();
    return new LabelRetrieval(
        "synthetic",
        new Vectors(vectors),
        queries(random, vectors, popularity, most, train),
        queries(random, vectors, popularity, most, test));
  }

  private static Queries queries(
      RandomGenerator random, float[][] vectors, double[] popularity, int most, int count) {
    final float[][] features = new float[count][WIDTH];
    final List<int[]> positives = new ArrayList<>();
    for (final float[] x : features) {
      final int[] own = drawn(random, popularity, 1 + random.nextInt(most));
      double squares = 0;
      for (int k = 0; k < WIDTH; k++) {
        double sum = 0;
        for (int r = 0; r < own.length; r++) {
          sum += Math.pow(FADING, r) * vectors[own[r]][k];
        }
        x[k] = (float) sum;
        squares += sum * sum;
      }
      for (int k = 0; k < WIDTH; k++) {
        x[k] = (float) (x[k] / Math.sqrt(squares) + NOISE * random.nextGaussian());
      }
      positives.add(own);
    }
    return new Queries(new Vectors(features), SparseRows.ofColumns(positives, popularity.length));
  }

  /** Labels without replacement, in the order they are drawn. */
  private static int[] drawn(RandomGenerator random, double[] popularity, int count) {
    final double[] left = popularity.clone();
    final int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      double at = random.nextDouble() * Arrays.stream(left).sum();
      int label = 0;
      while (label + 1 < left.length && at >= left[label]) {
        at -= left[label];
        label++;
      }
      labels[i] = label;
      left[label] = 0;
    }
    return labels;
  }

  /**
   * A set of the repository whose words are known, as texts for one encoder: a query is the bag of
   * its words; a label is a token of its own and, where its name is one of the words, that word.
   *
   * @param folder with train and test data, {@code features.txt} and {@code labels.txt}
   * @param stem of the names of the data
   */
  public static LabelRetrieval read(Path folder, String stem) {
    final MultilabelData train = XmcFiles.readText(folder.resolve(stem + "_train.txt.gz"));
    final MultilabelData test = XmcFiles.readText(folder.resolve(stem + "_test.txt.gz"));
    final List<String> words = XmcFiles.readLines(folder.resolve("features.txt"));
    final List<String> names = XmcFiles.readLines(folder.resolve("labels.txt"));
    final int width = words.size() + names.size();
    final List<int[]> labels = new ArrayList<>();
    for (int l = 0; l < names.size(); l++) {
      final String name = names.get(l).replaceFirst("^TAG_", "").toLowerCase(Locale.ROOT);
      final int own = words.size() + l;
      final int word = words.indexOf(name);
      labels.add(word < 0 ? new int[] {own} : new int[] {word, own});
    }
    return new LabelRetrieval(
        stem,
        new Bags(SparseRows.ofColumns(labels, width)),
        labelled(train, width),
        labelled(test, width));
  }

  private static Queries labelled(MultilabelData data, int width) {
    final int[] rows = data.labelled();
    return new Queries(
        new Bags(
            SparseRows.ofColumns(
                Arrays.stream(rows).mapToObj(data.features()::columns).toList(), width)),
        SparseRows.ofColumns(
            Arrays.stream(rows).mapToObj(data.labels()::columns).toList(), data.labels().width()));
  }
}
