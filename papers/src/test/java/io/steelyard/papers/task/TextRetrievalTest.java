package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.papers.data.DataException;
import io.steelyard.papers.data.DataLocations;
import io.steelyard.papers.data.XmcFolder;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextRetrievalTest {

  private static final String NAME = "EURLex-4K";

  @TempDir Path root;

  private final List<String> warnings = new ArrayList<>();
  private Path folder;

  @BeforeEach
  void write() {
    folder = MadeUpTexts.write(root, NAME);
  }

  private DataLocations locations(boolean given) {
    return new DataLocations(
        given ? Optional.of(root) : Optional.empty(),
        given ? Optional.empty() : Optional.of(root),
        root.resolve("cache"),
        true);
  }

  private TextRetrieval read(int most) {
    final XmcFolder found = XmcFolder.find(NAME, locations(true), warnings::add).orElseThrow();
    return TextRetrieval.read(found, TextRetrieval.words(found).most(100), most);
  }

  @Test
  void aFolderIsRead() throws IOException {
    Files.write(folder.resolve("filter_labels_test.txt"), List.of("0 1", "2 5", "0   3"));
    final TextRetrieval data = read(16);
    assertThat(data.name()).isEqualTo(NAME);
    assertThat(data.labels()).hasSize(6);
    assertThat(data.train().count()).isEqualTo(24);
    assertThat(data.test().count()).isEqualTo(12);
    assertThat(data.test().labels().columns(0)).containsExactly(MadeUpTexts.labels(25));
    assertThat(data.dropped().columns(0)).containsExactly(1, 3);
    assertThat(data.dropped().columns(1)).isEmpty();
    assertThat(data.dropped().columns(2)).containsExactly(5);
    final int[] text = data.train().texts().getFirst();
    final int[] label = data.labels().getFirst();
    assertThat(text).hasSize(6).startsWith(2).endsWith(3);
    assertThat(label).as("[CLS] apple , orchard [SEP]").hasSize(5);
    assertThat(text)
        .as("a text has the words of its label")
        .endsWith(label[1], label[2], label[3], 3);
    assertThat(read(4).train().texts().getFirst()).hasSize(4).endsWith(3);
  }

  @Test
  void textsMayBeZipped() throws IOException {
    final Path plain = folder.resolve("raw").resolve("trn_X.txt");
    final int[] expected = read(16).train().texts().getLast();
    final byte[] bytes = Files.readAllBytes(plain);
    try (OutputStream out =
        new GZIPOutputStream(Files.newOutputStream(plain.resolveSibling("trn_X.txt.gz")))) {
      out.write(bytes);
    }
    Files.delete(plain);
    assertThat(read(16).train().texts()).hasSize(24).last().isEqualTo(expected);
  }

  @Test
  void queriesWithoutLabelsAreKnown() throws IOException {
    final List<int[]> labels = new ArrayList<>(List.of(new int[0], new int[] {3}, new int[0]));
    for (int i = 3; i < 24; i++) {
      labels.add(new int[] {i % 6});
    }
    MadeUpTexts.matrix(folder.resolve("Y.trn.npz"), labels, 6);
    assertThat(read(16).train().labelled()).hasSize(22).startsWith(1, 3, 4);
  }

  @Test
  void countsThatDoNotFitAreNamed() throws IOException {
    Files.write(folder.resolve("raw").resolve("trn_X.txt"), List.of("one", "two"));
    assertThatThrownBy(() -> read(16))
        .isInstanceOf(DataException.class)
        .hasMessage("EURLex-4K: trn_X.txt has 2 lines; expected 24, the rows of Y.trn.npz");
    MadeUpTexts.write(root, NAME);
    Files.write(folder.resolve("raw").resolve("tst_X.txt"), List.of("one"));
    assertThatThrownBy(() -> read(16))
        .hasMessage("EURLex-4K: tst_X.txt has 1 lines; expected 12, the rows of Y.tst.npz");
    MadeUpTexts.write(root, NAME);
    Files.write(folder.resolve("raw").resolve("Y.txt"), List.of("one"));
    assertThatThrownBy(() -> read(16))
        .hasMessage("EURLex-4K: Y.txt has 1 lines; expected 6, the columns of Y.trn.npz");
    MadeUpTexts.matrix(folder.resolve("Y.tst.npz"), List.of(new int[] {6}), 7);
    assertThatThrownBy(() -> read(16))
        .hasMessage("EURLex-4K: Y.tst.npz has 7 columns; expected 6, those of Y.trn.npz");
  }

  @Test
  void damagedFilesAreNamed() throws IOException {
    Files.write(folder.resolve("filter_labels_test.txt"), List.of("0 1", "12 1"));
    assertThatThrownBy(() -> read(16))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "EURLex-4K: filter_labels_test.txt has the line '12 1'; expected an instance below 12"
                + " and a label below 6");
    Files.write(folder.resolve("filter_labels_test.txt"), List.of("0"));
    assertThatThrownBy(() -> read(16)).hasMessageContaining("has the line '0'");
    Files.writeString(folder.resolve("Y.trn.npz"), "no archive");
    assertThatThrownBy(() -> read(16))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("EURLex-4K: Y.trn.npz is damaged");
  }

  @Test
  void aPartOfASetIsAnErrorWhereItWasGivenAndElseAWarning() throws IOException {
    Files.delete(folder.resolve("Y.tst.npz"));
    Files.delete(folder.resolve("raw").resolve("Y.txt"));
    assertThatThrownBy(() -> XmcFolder.find(NAME, locations(true), warnings::add))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "--data holds a part of EURLex-4K: no raw/Y.txt, no Y.tst.npz in "
                + folder
                + "; expected all of them");
    assertThat(XmcFolder.find(NAME, locations(false), warnings::add)).isEmpty();
    assertThat(warnings)
        .containsExactly(
            "STEELYARD_DATA: no raw/Y.txt, no Y.tst.npz in " + folder + "; not used",
            "EURLex-4K was not found in --data or STEELYARD_DATA; left out");
  }

  @Test
  void originsSayPlaceAndChecksumsAndNoPath() {
    final XmcFolder found = XmcFolder.find(NAME, locations(false), warnings::add).orElseThrow();
    assertThat(found.origin())
        .matches("STEELYARD_DATA \\(sha256 ([0-9a-f]{8}…, ){4}[0-9a-f]{8}…\\)");
    assertThat(warnings).isEmpty();
  }
}
