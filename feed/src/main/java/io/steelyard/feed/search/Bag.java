package io.steelyard.feed.search;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * A text as what it is made of: its words and pieces of its words, each hashed to one of {@link
 * #PLACES} places, the more often the heavier.
 */
final class Bag {

  /** How many places there are. */
  static final int PLACES = 1 << 15;

  private static final int PIECE = 4;
  private static final double PIECE_WEIGHT = 0.3;
  private static final Pattern NO_WORD = Pattern.compile("[^\\p{L}\\p{N}]+");

  private final int[] places;
  private final float[] values;

  private Bag(int[] places, float[] values) {
    this.places = places;
    this.values = values;
  }

  /** Where there is something, rising; not to be modified. */
  int[] places() {
    return places;
  }

  /**
   * How much is at each of those places; the squares sum to 1 unless the text has no words. Not to
   * be modified.
   */
  float[] values() {
    return values;
  }

  /** The words of a text, in small letters. */
  static String[] words(String text) {
    return NO_WORD
        .splitAsStream(text.toLowerCase(Locale.ROOT))
        .filter(word -> !word.isEmpty())
        .toArray(String[]::new);
  }

  /** What a text is made of. */
  static Bag of(String text) {
    final Map<Integer, Double> found = new TreeMap<>();
    for (final String word : words(text)) {
      found.merge(place("w" + word), 1.0, Double::sum);
      final String padded = "^" + word + "$";
      for (int i = 0; i + PIECE <= padded.length(); i++) {
        found.merge(place("n" + padded.substring(i, i + PIECE)), PIECE_WEIGHT, Double::sum);
      }
    }
    final int[] places = new int[found.size()];
    final float[] values = new float[found.size()];
    double squares = 0;
    int count = 0;
    for (final Map.Entry<Integer, Double> entry : found.entrySet()) {
      places[count] = entry.getKey();
      values[count] = (float) Math.log1p(entry.getValue());
      squares += (double) values[count] * values[count];
      count++;
    }
    final float scale = squares > 0 ? (float) (1 / Math.sqrt(squares)) : 0;
    for (int i = 0; i < count; i++) {
      values[i] *= scale;
    }
    return new Bag(places, values);
  }

  private static int place(String feature) {
    final CRC32 crc = new CRC32();
    crc.update(feature.getBytes(StandardCharsets.UTF_8));
    // CRC is linear: a multiplication spreads what it leaves together.
    return (int) ((crc.getValue() * 0x9E3779B97F4A7C15L) >>> 49);
  }
}
