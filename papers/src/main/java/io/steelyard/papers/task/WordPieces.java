package io.steelyard.papers.task;

import ai.djl.modality.nlp.Vocabulary;
import ai.djl.modality.nlp.bert.BertFullTokenizer;
import ai.djl.modality.nlp.bert.WordpieceTokenizer;
import ai.djl.modality.nlp.preprocess.TextProcessor;
import io.steelyard.analysis.multilabel.XmcFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Texts as numbers of word pieces, the way an uncased BERT takes them apart: lower case, no
 * accents, punctuation by itself, then the longest pieces that are in a vocabulary. All but two
 * steps are DJL's. It leaves invisible characters and Chinese signs in their words, which BERT
 * drops and separates; that is done before.
 *
 * <pre>{@code
 * WordPieces pieces = WordPieces.read(Path.of("vocab.txt"));
 * int[] text = pieces.encode("Unaffable, wanted", 32);
 * }</pre>
 */
public final class WordPieces {

  /** The number of what fills up short texts. */
  public static final int PADDING = 0;

  private static final String PAD = "[PAD]";
  private static final String UNKNOWN = "[UNK]";
  private static final String FIRST = "[CLS]";
  private static final String LAST = "[SEP]";
  private static final List<String> SPECIAL = List.of(PAD, UNKNOWN, FIRST, LAST);

  /** Characters of a word; a longer one is unknown. */
  private static final int LONGEST = 100;

  private static final List<TextProcessor> STEPS = BertFullTokenizer.getPreprocessors(true);
  private static final Pattern INVISIBLE = Pattern.compile("[\\p{C}&&[^\\t\\n\\r]]");
  private static final Pattern SPACE = Pattern.compile("\\s+");

  /** The blocks of CJK ideographs that BERT's own tokenizer lists. */
  private static final Pattern IDEOGRAPH =
      Pattern.compile(
          "[\\x{4E00}-\\x{9FFF}\\x{3400}-\\x{4DBF}\\x{20000}-\\x{2A6DF}\\x{2A700}-\\x{2CEAF}"
              + "\\x{F900}-\\x{FAFF}\\x{2F800}-\\x{2FA1F}]");

  private final Map<String, Integer> numbers;
  private final WordpieceTokenizer tokenizer;

  /**
   * Pieces by a vocabulary.
   *
   * @param vocabulary each piece once, those within words with {@code ##} before; {@code [PAD]}
   *     first, and {@code [UNK]}, {@code [CLS]}, {@code [SEP]} anywhere
   */
  public WordPieces(List<String> vocabulary) {
    this.numbers = HashMap.newHashMap(vocabulary.size());
    for (int i = 0; i < vocabulary.size(); i++) {
      final Integer earlier = numbers.putIfAbsent(vocabulary.get(i), i);
      if (earlier != null) {
        throw new IllegalArgumentException(
            "vocabulary has '%s' at %d and at %d; expected each piece once"
                .formatted(vocabulary.get(i), earlier, i));
      }
    }
    for (final String special : SPECIAL) {
      if (!numbers.containsKey(special)) {
        throw new IllegalArgumentException(
            "vocabulary of "
                + vocabulary.size()
                + " pieces has no "
                + special
                + "; expected "
                + String.join(", ", SPECIAL));
      }
    }
    if (numbers.get(PAD) != PADDING) {
      throw new IllegalArgumentException(
          "vocabulary has [PAD] at " + numbers.get(PAD) + "; expected it first");
    }
    this.tokenizer = new WordpieceTokenizer(new Numbered(vocabulary, numbers), UNKNOWN, LONGEST);
  }

  /** What DJL asks of a vocabulary. */
  private record Numbered(List<String> pieces, Map<String, Integer> numbers) implements Vocabulary {

    @Override
    public String getToken(long index) {
      return pieces.get((int) index);
    }

    @Override
    public boolean contains(String token) {
      return numbers.containsKey(token);
    }

    @Override
    public long getIndex(String token) {
      return numbers.get(token);
    }

    @Override
    public long size() {
      return pieces.size();
    }
  }

  /**
   * Pieces by a vocabulary in a file, one a line.
   *
   * @throws IllegalArgumentException if it is none; names the file
   */
  public static WordPieces read(Path file) {
    try {
      return new WordPieces(XmcFiles.readLines(file));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file.getFileName() + ": " + e.getMessage(), e);
    }
  }

  /** Counts words of texts, for a vocabulary where there is none. */
  public static final class Counter implements Consumer<String> {

    private final Map<String, Integer> counts = new HashMap<>();

    @Override
    public void accept(String text) {
      words(text).forEach(word -> counts.merge(word, 1, Integer::sum));
    }

    /**
     * The most frequent words as a vocabulary, of equal ones the first by alphabet.
     *
     * @param size of the vocabulary at most, with the four pieces that are no words
     */
    public WordPieces most(int size) {
      if (size <= SPECIAL.size()) {
        throw new IllegalArgumentException(
            "size is " + size + "; expected more than " + SPECIAL.size());
      }
      final Map<String, Integer> ordered = new LinkedHashMap<>();
      SPECIAL.forEach(special -> ordered.put(special, 0));
      counts.entrySet().stream()
          .sorted(
              Map.Entry.<String, Integer>comparingByValue(Comparator.reverseOrder())
                  .thenComparing(Map.Entry.comparingByKey()))
          .limit((long) size - SPECIAL.size())
          .forEach(entry -> ordered.put(entry.getKey(), entry.getValue()));
      return new WordPieces(List.copyOf(ordered.keySet()));
    }
  }

  /** How many pieces there are. */
  public int size() {
    return numbers.size();
  }

  /**
   * A text as {@code [CLS]}, its first pieces, {@code [SEP]}.
   *
   * @param most how many numbers at most, at least 2
   */
  public int[] encode(String text, int most) {
    if (most < 2) {
      throw new IllegalArgumentException("most is " + most + "; expected 2 or more");
    }
    // Lazy: of a long text only the beginning is taken apart.
    final Stream<String> pieces =
        words(text).flatMap(word -> tokenizer.tokenize(word).stream()).limit((long) most - 2);
    return Stream.concat(Stream.concat(Stream.of(FIRST), pieces), Stream.of(LAST))
        .mapToInt(numbers::get)
        .toArray();
  }

  /** Words and signs of punctuation in lower case without accents. */
  static Stream<String> words(String text) {
    final String visible = INVISIBLE.matcher(text).replaceAll("");
    final String spaced = IDEOGRAPH.matcher(visible).replaceAll(" $0 ");
    return SPACE.splitAsStream(spaced).flatMap(WordPieces::parts);
  }

  private static Stream<String> parts(String word) {
    List<String> parts = new ArrayList<>(List.of(word));
    for (final TextProcessor step : STEPS) {
      parts = step.preprocess(parts);
    }
    return parts.stream().filter(part -> !part.isEmpty());
  }
}
