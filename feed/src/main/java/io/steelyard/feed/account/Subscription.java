package io.steelyard.feed.account;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Somebody who gets the digest.
 *
 * @param id number
 * @param account whose
 * @param email where it goes
 * @param cadence how often
 * @param keywords only papers that have one of these, all if there are none
 * @param secret of the address that ends it
 */
public record Subscription(
    long id, long account, String email, Cadence cadence, List<String> keywords, String secret) {

  /** Copies the list. */
  public Subscription {
    keywords = List.copyOf(keywords);
  }

  /** How often. */
  public enum Cadence {
    /** For each day with papers. */
    DAILY,
    /** For each week with papers. */
    WEEKLY;

    /** The word in the database and in forms. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The cadence with this label. */
    public static Optional<Cadence> of(String label) {
      return Arrays.stream(values()).filter(one -> one.label().equals(label)).findFirst();
    }
  }

  /** Keywords in a line, separated by commas. */
  public static List<String> words(String line) {
    return Arrays.stream(line.split(",", -1))
        .map(word -> word.strip().replaceAll("\\s+", " "))
        .filter(word -> !word.isEmpty())
        .distinct()
        .toList();
  }
}
