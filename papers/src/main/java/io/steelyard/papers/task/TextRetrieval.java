package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.analysis.multilabel.SparseRows;
import io.steelyard.analysis.multilabel.XmcFiles;
import io.steelyard.papers.data.DataException;
import io.steelyard.papers.data.XmcFolder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Texts whose labels, texts as well, are to be retrieved among all labels. Texts are numbers of
 * word pieces, of the length they have; labels stay sparse.
 *
 * @param name of the set
 * @param labels the text of each label
 * @param train queries to learn from
 * @param test queries to test
 * @param dropped for each test query the labels that are dropped from what it retrieves
 */
public record TextRetrieval(
    String name, List<int[]> labels, Queries train, Queries test, SparseRows dropped) {

  /**
   * Texts with their labels.
   *
   * @param texts one each
   * @param labels one row each
   */
  public record Queries(List<int[]> texts, SparseRows labels) {

    /** How many. */
    public int count() {
      return texts.size();
    }

    /** Numbers of those that have a label; the others can teach and test nothing. */
    public int[] labelled() {
      return IntStream.range(0, count()).filter(i -> labels.columns(i).length > 0).toArray();
    }
  }

  /** Copies no texts. */
  public TextRetrieval {
    labels = List.copyOf(labels);
  }

  /**
   * Reads a set.
   *
   * @param most pieces of a text, see {@link WordPieces#encode}
   * @throws DataException if files do not fit together; names the file, what it has and what was
   *     expected
   */
  public static TextRetrieval read(XmcFolder folder, WordPieces pieces, int most) {
    final Reader reader = new Reader(folder, pieces, most);
    final SparseRows train = reader.matrix(folder.trainLabels());
    final SparseRows test = reader.matrix(folder.testLabels());
    if (train.width() != test.width()) {
      throw reader.wrong(
          folder.testLabels(),
          test.width() + " columns",
          train.width() + ", those of " + folder.trainLabels().getFileName());
    }
    final List<int[]> labels =
        reader.texts(folder.labelTexts(), train.width(), "columns", folder.trainLabels());
    return new TextRetrieval(
        folder.name(),
        labels,
        new Queries(
            reader.texts(folder.trainTexts(), train.rows(), "rows", folder.trainLabels()), train),
        new Queries(
            reader.texts(folder.testTexts(), test.rows(), "rows", folder.testLabels()), test),
        folder
            .filter()
            .map(file -> reader.pairs(file, test))
            .orElseGet(() -> SparseRows.ofColumns(empty(test.rows()), test.width())));
  }

  private static List<int[]> empty(int rows) {
    return Stream.generate(() -> new int[0]).limit(rows).toList();
  }

  /** Words of the texts that training sees, counted: for a vocabulary where there is none. */
  public static WordPieces.Counter words(XmcFolder folder) {
    final WordPieces.Counter counter = new WordPieces.Counter();
    XmcFiles.eachLine(folder.trainTexts(), counter);
    XmcFiles.eachLine(folder.labelTexts(), counter);
    return counter;
  }

  /** Reads files and says what is wrong with them. */
  private record Reader(XmcFolder folder, WordPieces pieces, int most) {

    DataException wrong(Path file, String found, String expected) {
      return new DataException(
          folder.name() + ": " + file.getFileName() + " has " + found + "; expected " + expected);
    }

    SparseRows matrix(Path file) {
      try {
        return XmcFiles.readCsr(file);
      } catch (IllegalArgumentException e) {
        throw new DataException(
            folder.name() + ": " + file.getFileName() + " is damaged: " + e.getMessage(), e);
      }
    }

    List<int[]> texts(Path file, int expected, String what, Path matrix) {
      final List<int[]> texts = new ArrayList<>(expected);
      XmcFiles.eachLine(file, line -> texts.add(pieces.encode(line, most)));
      if (texts.size() != expected) {
        throw wrong(
            file,
            texts.size() + " lines",
            expected + ", the " + what + " of " + matrix.getFileName());
      }
      return texts;
    }

    /** Lines {@code instance label}, in any order. */
    SparseRows pairs(Path file, SparseRows test) {
      final List<int[]> rows = new ArrayList<>(empty(test.rows()));
      XmcFiles.eachLine(
          file,
          line -> {
            final String[] parts = line.strip().split("\\s+", -1);
            if (parts.length != 2
                || !isBelow(parts[0], test.rows())
                || !isBelow(parts[1], test.width())) {
              throw wrong(
                  file,
                  "the line '" + line + "'",
                  "an instance below %d and a label below %d".formatted(test.rows(), test.width()));
            }
            final int row = Integer.parseInt(parts[0]);
            final int[] longer = Arrays.copyOf(rows.get(row), rows.get(row).length + 1);
            longer[longer.length - 1] = Integer.parseInt(parts[1]);
            rows.set(row, longer);
          });
      return SparseRows.ofColumns(rows, test.width());
    }

    private static boolean isBelow(String number, int bound) {
      return number.matches("\\d{1,9}") && Integer.parseInt(number) < bound;
    }
  }

  /** Some texts, filled up to the longest of them, {@code [rows, T]} of int32. */
  static NDArray padded(List<int[]> texts, int[] which, NDManager manager) {
    final int longest = Arrays.stream(which).map(i -> texts.get(i).length).max().orElse(0);
    final int[] pieces = new int[Math.multiplyExact(which.length, longest)];
    Arrays.fill(pieces, WordPieces.PADDING);
    for (int i = 0; i < which.length; i++) {
      final int[] text = texts.get(which[i]);
      System.arraycopy(text, 0, pieces, i * longest, text.length);
    }
    return manager.create(pieces, new Shape(which.length, longest));
  }
}
