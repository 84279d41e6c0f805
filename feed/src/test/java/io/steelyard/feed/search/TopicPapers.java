package io.steelyard.feed.search;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Generated papers. */
final class TopicPapers {

  private static final int TOPICS = 40;

  private TopicPapers() {}

  /**
   * Papers of three topics each. Titles and abstracts have different words for the same topic, and
   * no piece in common, so that nothing but learning connects them.
   */
  static List<Lesson> some(int count, long seed) {
    final SplittableRandom random = new SplittableRandom(seed);
    final List<Lesson> papers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      final StringBuilder title = new StringBuilder();
      final StringBuilder text = new StringBuilder();
      for (int k = 0; k < 3; k++) {
        final int topic = random.nextInt(TOPICS);
        title.append(word("bdgmlr", "ae", topic)).append(' ');
        for (int n = 0; n < 8; n++) {
          text.append(word("ptkszv", "iou", topic * 5 + random.nextInt(5))).append(' ');
        }
      }
      papers.add(new Lesson(text.toString().strip(), List.of(title.toString().strip())));
    }
    return papers;
  }

  /** A word of letters that are its number's digits. */
  private static String word(String consonants, String vowels, int number) {
    final StringBuilder word = new StringBuilder();
    int rest = number + 1;
    for (int i = 0; i < 4; i++) {
      word.append(consonants.charAt(rest % consonants.length()));
      rest = rest / consonants.length() + 7 * number;
      word.append(vowels.charAt(rest % vowels.length()));
    }
    return word.toString();
  }
}
