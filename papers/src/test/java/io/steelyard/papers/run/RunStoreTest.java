package io.steelyard.papers.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunStoreTest {

  @TempDir Path folder;

  @Test
  void aRunIsKeptUnderPaperScaleAndSeed() {
    final RunStore store = new RunStore(folder.resolve("not/yet/there"));
    final Run run = TestRuns.of("some-paper", 7, Map.of("v", 0.25));
    final Path file = store.save(run);
    assertThat(file).isEqualTo(store.root().resolve("some-paper/quick/seed-7.json")).exists();
    assertThat(store.find("some-paper", Scale.QUICK, 7)).isEqualTo(new RunStore.Entry.Present(run));
    assertThat(store.find("some-paper", Scale.QUICK, 8)).isEqualTo(new RunStore.Entry.Absent());
  }

  @Test
  void runsAreListedNewestFirstAndANewerOneReplacesTheOld() {
    final RunStore store = new RunStore(folder);
    assertThat(store.list().runs()).isEmpty();
    store.save(TestRuns.of("a", 1, Map.of("v", 1.0)));
    final Run third = TestRuns.of("b", 3, Map.of());
    final Run second = TestRuns.of("a", 2, Map.of());
    final Run again = TestRuns.of("a", 1, Map.of("v", 2.0));
    store.save(second);
    store.save(third);
    store.save(again);
    assertThat(store.list().runs()).containsExactly(third, second, again);
    assertThat(store.list().rejected()).isEmpty();
  }

  @Test
  void tornInvalidAndForeignFilesAreReportedAndNotCounted() throws IOException {
    final RunStore store = new RunStore(folder);
    final Run good = TestRuns.of("a", 1, Map.of());
    store.save(good);
    final String text = RunJson.write(TestRuns.of("a", 2, Map.of()));
    final Path quick = folder.resolve("a/quick");
    Files.writeString(quick.resolve("seed-2.json"), text.substring(0, text.length() / 2));
    Files.writeString(quick.resolve("seed-3.json"), text);
    Files.write(quick.resolve("seed-4.json"), new byte[] {(byte) 0xFF, (byte) 0xFE, 0});
    Files.createFile(quick.resolve("seed-5.json"));
    Files.writeString(quick.resolve("notes.txt"), "mine");
    Files.writeString(quick.resolve(".seed-6.json.123.tmp"), "half a wri");

    final RunStore.Listing listing = store.list();
    assertThat(listing.runs()).containsExactly(good);
    assertThat(listing.rejected())
        .extracting(rejected -> Path.of(rejected.file()).getFileName() + ": " + rejected.why())
        .satisfiesExactly(
            notes -> assertThat(notes).isEqualTo("notes.txt: is not named seed-<n>.json"),
            torn -> assertThat(torn).startsWith("seed-2.json: is not complete, valid JSON"),
            foreign ->
                assertThat(foreign)
                    .startsWith("seed-3.json: holds the run of paper 'a', scale quick, seed 2"),
            binary -> assertThat(binary).startsWith("seed-4.json: is not UTF-8 text"),
            empty -> assertThat(empty).isEqualTo("seed-5.json: is empty"));
    assertThat(store.find("a", Scale.QUICK, 2)).isInstanceOf(RunStore.Entry.Broken.class);
  }

  @Test
  void aSlugCannotLeaveTheFolder() {
    final RunStore store = new RunStore(folder);
    assertThatThrownBy(() -> store.file("../elsewhere", Scale.QUICK, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'../elsewhere'");
  }

  @Test
  void aReaderNeverSeesAPartOfAFile() throws Exception {
    final RunStore store = new RunStore(folder);
    final List<Double> items = Stream.generate(() -> 1.0).limit(20_000).toList();
    store.save(run(0, items));
    final AtomicBoolean writing = new AtomicBoolean(true);
    final Thread writer =
        Thread.ofPlatform()
            .start(
                () -> {
                  for (int i = 1; i <= 60; i++) {
                    store.save(run(i, items));
                  }
                  writing.set(false);
                });
    int reads = 0;
    while (writing.get()) {
      final RunStore.Listing listing = store.list();
      assertThat(listing.rejected()).isEmpty();
      assertThat(listing.runs()).hasSize(1);
      reads++;
    }
    writer.join();
    assertThat(reads).isPositive();
    try (Stream<Path> files = Files.list(folder.resolve("a/quick"))) {
      assertThat(files).as("no temporary file is left").hasSize(1);
    }
  }

  @Test
  void aWriteThatFailsLeavesTheOldFileAndNothingElse() throws IOException {
    final Path target = folder.resolve("target");
    // A folder that is not empty cannot be replaced by a file.
    Files.createDirectories(target.resolve("inside"));
    assertThatThrownBy(() -> AtomicFile.write(target, "text"))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(target.toString());
    assertThat(target.resolve("inside")).isDirectory();
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(target);
    }
  }

  private static Run run(int version, List<Double> items) {
    return TestRuns.of(
        "a", Scale.QUICK, 1, "1.0", Map.of("v", (double) version), Map.of("right", items));
  }
}
