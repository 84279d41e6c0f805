package io.steelyard.feed.tex;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * What was made of the texts asked for last, up to a number of characters. Two threads that ask for
 * the same new text at once may both make it: nobody waits for another's work. Safe to use from any
 * thread.
 */
final class Remembered {

  private final Map<String, String> made = new LinkedHashMap<>(256, 0.75f, true);
  private final long most;
  private long characters;

  /** Remembers so many characters of texts and what was made of them. */
  Remembered(long most) {
    this.most = most;
  }

  /** What {@code make} makes of the text, now or before. */
  String of(String text, UnaryOperator<String> make) {
    synchronized (made) {
      final String known = made.get(text);
      if (known != null) {
        return known;
      }
    }
    final String result = make.apply(text);
    synchronized (made) {
      if (made.put(text, result) == null) {
        characters += text.length() + result.length();
      }
      final var oldest = made.entrySet().iterator();
      while (characters > most && oldest.hasNext()) {
        final Map.Entry<String, String> entry = oldest.next();
        characters -= entry.getKey().length() + entry.getValue().length();
        oldest.remove();
      }
    }
    return result;
  }

  /** How many characters it holds. */
  long characters() {
    synchronized (made) {
      return characters;
    }
  }
}
