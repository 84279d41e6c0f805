package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class WordPiecesTest {

  private static final List<String> VOCABULARY =
      List.of(
          "[PAD]", "un", "##aff", "##able", "[UNK]", "want", "##ed", ",", "[CLS]", "[SEP]", "cafe");

  static Stream<Arguments> texts() {
    return Stream.of(
        Arguments.of(
            "lower case, no accents",
            "H\u00e9LLO \u00c5ngstr\u00f6m",
            List.of("hello", "angstrom")),
        Arguments.of(
            "each sign by itself",
            "don't-5$a_b",
            List.of("don", "'", "t", "-", "5", "$", "a", "_", "b")),
        Arguments.of("signs beyond ASCII", "a\u2014b\u00bf", List.of("a", "\u2014", "b", "\u00bf")),
        Arguments.of(
            "ideographs by themselves",
            "ab\u4e2d\u56fdc \ud840\udc00",
            List.of("ab", "\u4e2d", "\u56fd", "c", "\ud840\udc00")),
        Arguments.of(
            "invisible ones dropped", "a\u0000b\u200bc\ufffdd\u00ade\u0007", List.of("abcde")),
        Arguments.of(
            "all kinds of space", "a\tb\u00a0c\u2003d\r\ne", List.of("a", "b", "c", "d", "e")),
        Arguments.of("nothing", " \t ", List.of()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("texts")
  void wordsAreThoseOfAnUncasedBert(String name, String text, List<String> words) {
    assertThat(WordPieces.words(text)).as(name).isEqualTo(words);
  }

  @Test
  void wordsAreTakenApartIntoTheLongestPieces() {
    final WordPieces pieces = new WordPieces(VOCABULARY);
    assertThat(pieces.size()).isEqualTo(11);
    assertThat(pieces.encode("Unaffable, WANTED caf\u00e9", 32))
        .containsExactly(8, 1, 2, 3, 7, 5, 6, 10, 9);
    assertThat(pieces.encode("wantx " + "want" + "ed".repeat(49), 32))
        .as("no pieces to the end, and a word of more than 100 characters")
        .containsExactly(8, 4, 4, 9);
    assertThat(pieces.encode("", 32)).containsExactly(8, 9);
  }

  @Test
  void longTextsAreCutBeforeTheLastPiece() {
    final WordPieces pieces = new WordPieces(VOCABULARY);
    assertThat(pieces.encode("unaffable want", 4)).containsExactly(8, 1, 2, 9);
    assertThat(pieces.encode("want ".repeat(1000), 2)).containsExactly(8, 9);
    assertThatThrownBy(() -> pieces.encode("want", 1)).hasMessage("most is 1; expected 2 or more");
  }

  @Test
  void frequentWordsAreAVocabulary() {
    final WordPieces.Counter counter = new WordPieces.Counter();
    counter.accept("b a c A");
    counter.accept("c, b");
    final WordPieces pieces = counter.most(7);
    assertThat(pieces.size()).isEqualTo(7);
    assertThat(pieces.encode("a b c ,", 9))
        .as("words of equal counts by alphabet, the rest unknown")
        .containsExactly(2, 4, 5, 6, 1, 3);
    assertThat(counter.most(100).size()).isEqualTo(8);
    assertThatThrownBy(() -> counter.most(4)).hasMessage("size is 4; expected more than 4");
  }

  @Test
  void whatIsNoVocabularyIsNamed(@TempDir Path folder) throws IOException {
    final Path file = folder.resolve("vocab.txt");
    Files.write(file, VOCABULARY);
    assertThat(WordPieces.read(file).encode("want", 9)).containsExactly(8, 5, 9);
    Files.write(file, List.of("[PAD]", "[UNK]", "[CLS]"));
    assertThatThrownBy(() -> WordPieces.read(file))
        .hasMessage(
            "vocab.txt: vocabulary of 3 pieces has no [SEP]; expected [PAD], [UNK], [CLS], [SEP]");
    Files.write(file, List.of("a", "[PAD]", "[UNK]", "[CLS]", "[SEP]"));
    assertThatThrownBy(() -> WordPieces.read(file))
        .hasMessage("vocab.txt: vocabulary has [PAD] at 1; expected it first");
    Files.write(file, List.of("[PAD]", "a", "a"));
    assertThatThrownBy(() -> WordPieces.read(file))
        .hasMessage("vocab.txt: vocabulary has 'a' at 1 and at 2; expected each piece once");
  }
}
