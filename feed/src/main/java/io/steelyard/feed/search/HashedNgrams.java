package io.steelyard.feed.search;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * Meaning without learning: words, pairs of words and pieces of words are hashed into signed
 * coordinates, so texts are near that share pieces, whatever the endings of their words. Good
 * enough for small collections, and the same on every machine.
 */
public final class HashedNgrams implements Meaning {

  private static final int DIMENSIONS = 512;
  private static final int PIECE = 4;
  private static final double WORD_WEIGHT = 1.0;
  private static final double PAIR_WEIGHT = 0.6;
  private static final double PIECE_WEIGHT = 0.35;

  private static final Pattern NO_WORD = Pattern.compile("[^\\p{L}\\p{N}]+");

  /** Words that say nothing about a paper. */
  private static final java.util.Set<String> EMPTY =
      java.util.Set.of(
          "a", "an", "and", "are", "as", "at", "be", "by", "can", "for", "from", "has", "have",
          "in", "is", "it", "its", "of", "on", "or", "our", "over", "paper", "show", "than", "that",
          "the", "their", "these", "this", "to", "we", "which", "while", "with", "without", "into",
          "so");

  @Override
  public int dimensions() {
    return DIMENSIONS;
  }

  @Override
  public String name() {
    return "hashed-ngrams-1";
  }

  @Override
  public float[] of(String text) {
    final Map<String, Double> features = new HashMap<>();
    String before = "";
    for (final String word : NO_WORD.split(text.toLowerCase(Locale.ROOT), -1)) {
      if (word.isEmpty() || EMPTY.contains(word)) {
        continue;
      }
      features.merge("w" + word, WORD_WEIGHT, Double::sum);
      if (!before.isEmpty()) {
        features.merge("p" + before + " " + word, PAIR_WEIGHT, Double::sum);
      }
      final String padded = "^" + word + "$";
      for (int i = 0; i + PIECE <= padded.length(); i++) {
        features.merge("n" + padded.substring(i, i + PIECE), PIECE_WEIGHT, Double::sum);
      }
      before = word;
    }
    final float[] vector = new float[DIMENSIONS];
    features.forEach(
        (feature, weight) -> {
          final long hash = hash(feature);
          final int place = (int) (hash % DIMENSIONS);
          final double damped = Math.log1p(weight);
          vector[place] += (float) ((hash >>> 20 & 1) == 0 ? damped : -damped);
        });
    return normalised(vector);
  }

  private static float[] normalised(float[] vector) {
    double square = 0;
    for (final float value : vector) {
      square += (double) value * value;
    }
    if (square > 0) {
      final float scale = (float) (1 / Math.sqrt(square));
      for (int i = 0; i < vector.length; i++) {
        vector[i] *= scale;
      }
    }
    return vector;
  }

  private static long hash(String feature) {
    final CRC32 crc = new CRC32();
    crc.update(feature.getBytes(StandardCharsets.UTF_8));
    // CRC is linear: a multiplication spreads what it leaves together.
    return (crc.getValue() * 0x9E3779B97F4A7C15L) >>> 1;
  }
}
