package io.steelyard.feed.search;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.search.DualEncoderTraining.Plan;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibrarianTest {

  private static final Plan PLAN = new Plan(3, 128, 3e-3, 1);
  private static final int DEPTH = 40;
  private static final String PLAIN = new HashedNgrams().name();

  private static void add(Database database, List<Lesson> lessons, int first) {
    database.write(
        handle -> {
          final Publications store = new Publications(handle);
          for (int i = 0; i < lessons.size(); i++) {
            store.take(
                paper(first + i, lessons.get(i).queries().getFirst(), lessons.get(i).document()));
          }
          return lessons.size();
        });
  }

  private static Publication paper(int number, String title, String text) {
    final Instant day = Instant.parse("2025-01-01T00:00:00Z");
    return new Publication(
        id(number),
        1,
        title,
        text,
        "",
        0,
        List.of(new Author("Ada")),
        day,
        day,
        LocalDate.of(2025, 1, 1),
        "cs.LG",
        List.of("cs.LG"),
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

  private static ArxivId id(int number) {
    return new ArxivId(String.format("2501.%05d", number));
  }

  private static Database database(Path folder) {
    return Database.open(Settings.with(Map.of(Setting.DATA, folder.toString())));
  }

  private static List<ArxivId> found(Librarian librarian, String query) {
    return librarian.library().ask(Question.of(query), 0, DEPTH, Set::of).hits().stream()
        .map(Answer.Hit::id)
        .toList();
  }

  private static void waitFor(BooleanSupplier condition) throws InterruptedException {
    final long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("three minutes are enough").isLessThan(end);
      Thread.sleep(20);
    }
  }

  @Test
  void manyPapersTeachAndAreFoundAllTheTime(@TempDir Path folder) throws InterruptedException {
    final List<Lesson> lessons = TopicPapers.some(Librarian.ENOUGH + 1, 5);
    // The last one's abstract says what its title says in other words, and has no title of its own.
    final Lesson last = lessons.getLast();
    final List<Lesson> papers = new ArrayList<>(lessons.subList(0, Librarian.ENOUGH));
    papers.add(new Lesson(last.document(), List.of("Untitled")));
    papers.set(0, new Lesson(papers.getFirst().document(), List.of("Zeroth")));
    final String name;
    try (Database database = database(folder)) {
      add(database, papers, 0);
      try (Librarian librarian = Librarian.start(database, Optional.of(folder), true, PLAN)) {
        assertThat(librarian.library().meaning().name()).isEqualTo(PLAIN);
        waitFor(() -> librarian.library().waiting() == 0);
        assertThat(librarian.library().size()).isEqualTo(papers.size());
        assertThat(found(librarian, last.queries().getFirst()))
            .as("before it has learned")
            .doesNotContain(id(Librarian.ENOUGH));
        final long edition = librarian.library().edition();
        while (librarian.library().meaning().name().equals(PLAIN)) {
          assertThat(found(librarian, "zeroth")).as("while it learns").contains(id(0));
          Thread.sleep(100);
        }
        assertThat(librarian.library().edition()).isGreaterThan(edition);
        assertThat(found(librarian, last.queries().getFirst()))
            .as("has none of the words")
            .contains(id(Librarian.ENOUGH));
        name = librarian.library().meaning().name();
      }
      assertThat(folder.resolve("meaning.safetensors")).exists();
      try (Librarian librarian = Librarian.start(database, Optional.of(folder), true, PLAN)) {
        assertThat(librarian.library().waiting()).as("the index is kept").isZero();
        assertThat(librarian.library().meaning().name()).isEqualTo(name);
        assertThat(found(librarian, last.queries().getFirst())).contains(id(Librarian.ENOUGH));
        add(database, TopicPapers.some(1, 77), 9000);
        assertThat(found(librarian, TopicPapers.some(1, 77).getFirst().queries().getFirst()))
            .as("what comes later has the learned vectors, too")
            .contains(id(9000));
      }
    }
  }

  @Test
  void aLostOrStrangeFileIsNoMisfortune(@TempDir Path folder) throws Exception {
    Files.writeString(folder.resolve("meaning.safetensors"), "what is this?");
    try (Database database = database(folder)) {
      add(database, TopicPapers.some(30, 5), 0);
      try (Librarian librarian = Librarian.start(database, Optional.of(folder), false, PLAN)) {
        assertThat(librarian.library().meaning().name()).isEqualTo(PLAIN);
        assertThat(librarian.library().size()).isEqualTo(30);
      }
      DualEncoderTraining.learn(TopicPapers.some(30, 5), new Plan(0, 8, 1e-3, 1), (_, _, _) -> {})
          .write(folder.resolve("meaning.safetensors"));
      try (Librarian librarian = Librarian.start(database, Optional.of(folder), false, PLAN)) {
        waitFor(() -> !librarian.library().meaning().name().equals(PLAIN));
      }
      Files.delete(folder.resolve("meaning.safetensors"));
      try (Librarian librarian = Librarian.start(database, Optional.of(folder), false, PLAN)) {
        assertThat(librarian.library().meaning().name()).isEqualTo(PLAIN);
        assertThat(found(librarian, TopicPapers.some(30, 5).getFirst().queries().getFirst()))
            .contains(id(0));
      }
    }
  }

  @Test
  void fewPapersTeachNothing(@TempDir Path folder) throws InterruptedException {
    try (Database database = database(folder)) {
      add(database, TopicPapers.some(50, 5), 0);
      try (Librarian librarian = Librarian.start(database, Optional.of(folder), true, PLAN)) {
        Thread.sleep(200);
        assertThat(librarian.library().meaning().name()).isEqualTo(PLAIN);
      }
      assertThat(folder.resolve("meaning.safetensors")).doesNotExist();
    }
  }
}
