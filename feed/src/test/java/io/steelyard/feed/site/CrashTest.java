package io.steelyard.feed.site;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.feed.ChildJvm;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.database.FullDisk;
import io.steelyard.feed.database.Postgres;
import io.steelyard.feed.discussion.Remark;
import io.steelyard.feed.discussion.Remarks;
import io.steelyard.feed.harvest.Harvest;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Publications;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What happens when a process or its database is gone from one moment to the next. */
class CrashTest {

  private static final int WRITERS = 3;
  private static final String PAPER = "2001.04438";

  /** A site in a process of its own, until it is killed. */
  static final class Victim {

    private Victim() {}

    public static void main(String[] arguments) throws InterruptedException {
      final Site site =
          Site.start(
              Settings.with(
                  Map.of(
                      Setting.PORT, "0",
                      Setting.DB, arguments[0],
                      Setting.RUNS, "no-such-folder",
                      Setting.RATE_FORMS, "0")));
      System.out.println(site.address());
      System.out.flush();
      Thread.sleep(TimeUnit.MINUTES.toMillis(2));
    }
  }

  @Test
  void whatWasAcknowledgedSurvivesAKill(@TempDir Path folder) throws Exception {
    final String address = "jdbc:h2:file:" + folder.resolve("feed");
    final Process process = java(Victim.class, address);
    final Set<String> acknowledged = ConcurrentHashMap.newKeySet();
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      final String site = out.readLine();
      assertThat(site).startsWith("http://127.0.0.1:");
      final List<Thread> writers = new ArrayList<>();
      for (int i = 0; i < WRITERS; i++) {
        final String name = "Writer" + i;
        final Person person = new Person(site);
        assertThat(person.signUp(name, name + "@example.org").statusCode()).isEqualTo(303);
        final String token = person.csrf();
        writers.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      for (int k = 0; k < 100_000; k++) {
                        final String text = name + " says " + k;
                        try {
                          if (person
                                  .postWith(token, "/papers/" + PAPER + "/comments", "text", text)
                                  .statusCode()
                              == 303) {
                            acknowledged.add(text);
                          }
                        } catch (final RuntimeException e) {
                          return; // The site is gone.
                        }
                      }
                    }));
      }
      while (acknowledged.size() < 60 && process.isAlive()) {
        Thread.sleep(10);
      }
      process.destroyForcibly().waitFor();
      for (final Thread writer : writers) {
        writer.join();
      }
    } finally {
      process.destroyForcibly();
    }
    try (Database database = Database.open(Settings.with(Map.of(Setting.DB, address)))) {
      final Set<String> kept = new HashSet<>();
      database
          .read(handle -> new Remarks(handle).of(new ArxivId(PAPER)))
          .forEach(remark -> kept.add(remark.markdown()));
      assertThat(kept).containsAll(acknowledged);
      assertThat(kept.size()).isLessThanOrEqualTo(acknowledged.size() + WRITERS);
      assertThat(database.<Long>read(handle -> new Publications(handle).count())).isEqualTo(39);
    }
  }

  /** An import in a process of its own, until it is killed. */
  static final class Importer {

    private Importer() {}

    public static void main(String[] arguments) {
      try (Database database = Database.open(Settings.with(Map.of(Setting.DB, arguments[0])))) {
        new Harvest(
                database,
                count -> {
                  System.out.println(count.seen());
                  System.out.flush();
                })
            .files(List.of(Path.of(arguments[1])));
      }
    }
  }

  @Test
  void anImportGoesOnAfterAKill(@TempDir Path folder) throws Exception {
    final Path answers = Files.createDirectory(folder.resolve("answers"));
    final int files = 120;
    final int each = 25;
    for (int i = 0; i < files; i++) {
      final StringBuilder lines = new StringBuilder();
      for (int k = 0; k < each; k++) {
        lines.append(
            String.format(
                "{\"id\":\"2101.%05d\",\"title\":\"A\",\"publishedAt\":\"2021-01-01T00:00:00Z\","
                    + "\"authors\":[{\"name\":\"Ada\"},{\"name\":\"Bob\"}]}%n",
                i * each + k));
      }
      Files.writeString(answers.resolve(String.format("%04d.jsonl", i)), lines);
    }
    final String address = "jdbc:h2:file:" + folder.resolve("feed");
    final Process process = java(Importer.class, address, answers.toString());
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (int i = 0; i < 3; i++) {
        assertThat(out.readLine()).isEqualTo(Integer.toString((i + 1) * each));
      }
    } finally {
      process.destroyForcibly().waitFor();
    }
    try (Database database = Database.open(Settings.with(Map.of(Setting.DB, address)))) {
      final long kept = database.<Long>read(handle -> new Publications(handle).count());
      assertThat(kept).isBetween(3L * each, (long) files * each - 1);
      assertThat(kept % each).as("an answer is taken whole or not at all").isZero();
      final long authors =
          database.<Long>read(
              handle -> handle.createQuery("SELECT count(*) FROM author").mapTo(Long.class).one());
      assertThat(authors).isEqualTo(2 * kept);
      final Harvest.Count rest =
          new Harvest(database, _ -> {}).files(List.of(answers.resolve("0000.jsonl"), answers));
      assertThat(rest.added()).isEqualTo((int) (files * each - kept));
      assertThat(rest.updated()).isZero();
    }
  }

  @Test
  void aFullDiskIsSurvived(@TempDir Path folder) throws InterruptedException {
    FullDisk.register();
    final String address = "jdbc:h2:fulldisk:" + folder.resolve("feed");
    try {
      try (TestSite site = TestSite.start(Map.of(Setting.DB, address, Setting.RATE_FORMS, "0"));
          Person ada = Person.named("Ada", site)) {
        final String comments = "/papers/" + PAPER + "/comments";
        final String token = ada.csrf();
        assertThat(ada.postWith(token, comments, "text", "Before.").statusCode()).isEqualTo(303);
        FullDisk.full(true);
        assertThat(ada.postWith(token, comments, "text", "No room.").statusCode())
            .as("nothing is acknowledged that is not written")
            .isBetween(500, 503);
        FullDisk.full(false);
        // With room again it goes on by itself, as soon as the pool has seen that H2 has closed.
        waitFor(() -> ada.postWith(token, comments, "text", "After.").statusCode() == 303);
        assertThat(site.get("/papers/" + PAPER).body()).contains("Before.", "After.");
        assertThat(site.get("/health").statusCode()).isEqualTo(200);
      }
      try (Database database = Database.open(Settings.with(Map.of(Setting.DB, address)))) {
        final List<String> kept =
            database.read(handle -> new Remarks(handle).of(new ArxivId(PAPER))).stream()
                .map(Remark::markdown)
                .toList();
        assertThat(kept).contains("Before.", "After.");
      }
    } finally {
      FullDisk.full(false);
    }
  }

  @Test
  void theDatabaseMayRestartUnderTheSite() throws InterruptedException {
    final Postgres postgres = Postgres.shared();
    final Map<Setting, String> settings = new EnumMap<>(postgres.fresh());
    settings.put(Setting.RATE_FORMS, "0");
    final Set<String> acknowledged = ConcurrentHashMap.newKeySet();
    final AtomicBoolean ended = new AtomicBoolean();
    final List<Thread> writers = new ArrayList<>();
    try (TestSite site = TestSite.start(settings);
        Person ada = Person.named("Ada", site)) {
      ada.post("/papers/" + PAPER + "/vote", "vote", "yes");
      final String token = ada.csrf();
      for (int i = 0; i < WRITERS; i++) {
        final String name = "Thread " + i;
        writers.add(
            Thread.ofVirtual()
                .start(
                    () -> {
                      for (int k = 0; !ended.get(); k++) {
                        final String text = name + " says " + k;
                        if (ada.postWith(token, "/papers/" + PAPER + "/comments", "text", text)
                                .statusCode()
                            == 303) {
                          acknowledged.add(text);
                        }
                      }
                    }));
      }
      waitFor(() -> acknowledged.size() > 5);
      postgres.crash();
      assertThat(site.get("/health").statusCode()).isEqualTo(503);
      assertThat(site.get("/papers/2207.03341?n=1").statusCode()).isEqualTo(500);
      postgres.start();
      final int before = acknowledged.size();
      waitFor(() -> acknowledged.size() > before + 5);
      ended.set(true);
      for (final Thread writer : writers) {
        writer.join();
      }
      assertThat(site.get("/health").statusCode()).isEqualTo(200);
      assertThat(ada.get("/papers/" + PAPER).body()).contains("Voted · 1");
      final Set<String> kept = new HashSet<>();
      site.site()
          .database()
          .read(handle -> new Remarks(handle).of(new ArxivId(PAPER)))
          .forEach(remark -> kept.add(remark.markdown()));
      assertThat(kept).containsAll(acknowledged);
    } finally {
      ended.set(true);
    }
  }

  private static void waitFor(BooleanSupplier condition) throws InterruptedException {
    final long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("a minute is enough").isLessThan(end);
      Thread.sleep(10);
    }
  }

  private static Process java(Class<?> main, String... arguments) throws IOException {
    final List<String> command = ChildJvm.command(main, true);
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
  }
}
