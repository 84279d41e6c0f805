package io.steelyard.papers.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileSetTest {

  /** The SHA-256 of "abc". */
  private static final String ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  private static final FileSet SET =
      new FileSet("letters", "Letters", List.of(new DataFile("abc.txt", 3, ABC)), "none", "none");

  @TempDir Path folder;

  private final List<String> warnings = new ArrayList<>();

  private DataLocations locations(boolean given) {
    return new DataLocations(
        given ? Optional.of(folder) : Optional.empty(),
        given ? Optional.empty() : Optional.of(folder),
        folder.resolve("cache"),
        true);
  }

  private void write(String text) throws IOException {
    Files.writeString(Files.createDirectories(folder.resolve("letters")).resolve("abc.txt"), text);
  }

  @Test
  void intactFilesAreFoundAndSayWhatTheyAre() throws IOException {
    write("abc");
    final FileSet.Found found = SET.find(locations(false), warnings::add).orElseThrow();
    assertThat(found.folder()).isEqualTo(folder.resolve("letters"));
    assertThat(found.origin()).isEqualTo("STEELYARD_DATA (sha256 ba7816bf…)");
    assertThat(warnings).isEmpty();
    assertThat(SET.find(locations(true), warnings::add).orElseThrow().origin())
        .startsWith("--data");
  }

  @Test
  void whatIsMissingIsLeftOut() {
    assertThat(SET.find(locations(false), warnings::add)).isEmpty();
    assertThat(warnings)
        .containsExactly("Letters (letters) was not found in --data or STEELYARD_DATA; left out");
  }

  @Test
  void damagedFilesAreNeverUsed() throws IOException {
    write("abd");
    assertThat(SET.find(locations(false), warnings::add)).isEmpty();
    assertThat(warnings).hasSize(2);
    assertThat(warnings.getFirst()).contains("found sha256").endsWith("; not used");
    assertThatThrownBy(() -> SET.find(locations(true), warnings::add))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("--data holds damaged files of Letters: ");
  }
}
