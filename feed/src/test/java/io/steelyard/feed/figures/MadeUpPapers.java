package io.steelyard.feed.figures;

import io.steelyard.feed.database.Database;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/** Papers of made-up words, frequent and rare ones as in a language, fifty a day. */
final class MadeUpPapers {

  private static final int WORDS = 30_000;
  private static final int A_DAY = 50;
  private static final int AT_ONCE = 1000;
  private static final LocalDate LAST = LocalDate.of(2025, 11, 30);
  private static final String CONSONANTS = "bcdfglmnprstvz";
  private static final String VOWELS = "aeiou";

  private final List<String> words = new ArrayList<>(WORDS);

  MadeUpPapers(long seed) {
    final SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < WORDS; i++) {
      final StringBuilder word = new StringBuilder();
      for (int k = random.nextInt(2, 5); k > 0; k--) {
        word.append(CONSONANTS.charAt(random.nextInt(CONSONANTS.length())))
            .append(VOWELS.charAt(random.nextInt(VOWELS.length())));
      }
      words.add(word.toString());
    }
  }

  /** Some words, the first of the list the most frequent ones. */
  String text(SplittableRandom random, int count) {
    final StringBuilder text = new StringBuilder();
    for (int i = 0; i < count; i++) {
      final int rank = (int) (Math.pow(WORDS + 1.0, random.nextDouble()) - 1);
      text.append(i == 0 ? "" : " ").append(words.get(Math.min(rank, WORDS - 1)));
    }
    return text.toString();
  }

  /** The day of a paper. */
  static LocalDate day(int number) {
    return LAST.minusDays(number / A_DAY);
  }

  /** Puts so many into a database. */
  void fill(Database database, int count, long seed) {
    final SplittableRandom random = new SplittableRandom(seed);
    for (int from = 0; from < count; from += AT_ONCE) {
      final int first = from;
      final int last = Math.min(count, from + AT_ONCE);
      database.write(
          handle -> {
            final Publications papers = new Publications(handle);
            for (int i = first; i < last; i++) {
              papers.take(paper(i, random));
            }
            return last;
          });
    }
  }

  private Publication paper(int number, SplittableRandom random) {
    final List<Author> authors = new ArrayList<>();
    for (int i = random.nextInt(1, 8); i > 0; i--) {
      authors.add(new Author(text(random, 2)));
    }
    final Instant published =
        day(number).atStartOfDay(ZoneOffset.UTC).toInstant().minusSeconds(random.nextInt(80_000));
    return new Publication(
        new ArxivId(String.format("%04d.%05d", 1000 + number / 50_000, number % 50_000)),
        1,
        text(random, random.nextInt(5, 12)),
        text(random, random.nextInt(100, 200)) + ".",
        "",
        0,
        authors,
        published,
        published,
        day(number),
        "cs.LG",
        List.of("cs.LG", "stat.ML"),
        "",
        "",
        "",
        "",
        Optional.empty(),
        Optional.empty(),
        List.of(),
        List.of(),
        "file");
  }
}
