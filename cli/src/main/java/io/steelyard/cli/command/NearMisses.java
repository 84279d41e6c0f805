package io.steelyard.cli.command;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Known words close to a mistyped one. */
final class NearMisses {

  private static final int MOST = 3;

  private NearMisses() {}

  /**
   * {@code "; did you mean a or b?"} for the nearest of {@code known}, or {@code ";"} if none is
   * near, to be followed by more.
   */
  static String hint(String word, Collection<String> known) {
    final List<String> near = of(word, known);
    return near.isEmpty() ? ";" : "; did you mean " + String.join(" or ", near) + "?";
  }

  /** Words within a third of their letters, and words that contain the given one; nearest first. */
  static List<String> of(String word, Collection<String> known) {
    final int tolerance = Math.max(1, word.length() / 3);
    return known.stream()
        .filter(
            candidate ->
                distance(word, candidate) <= tolerance
                    || (word.length() > 2 && candidate.contains(word)))
        .sorted(
            Comparator.comparingInt((String candidate) -> distance(word, candidate))
                .thenComparing(Comparator.naturalOrder()))
        .limit(MOST)
        .toList();
  }

  /** Levenshtein distance. */
  private static int distance(String left, String right) {
    int[] above = new int[right.length() + 1];
    Arrays.setAll(above, column -> column);
    for (int row = 1; row <= left.length(); row++) {
      final int[] current = new int[right.length() + 1];
      current[0] = row;
      for (int column = 1; column <= right.length(); column++) {
        final int replaced =
            above[column - 1] + (left.charAt(row - 1) == right.charAt(column - 1) ? 0 : 1);
        current[column] = Math.min(replaced, 1 + Math.min(above[column], current[column - 1]));
      }
      above = current;
    }
    return above[right.length()];
  }
}
