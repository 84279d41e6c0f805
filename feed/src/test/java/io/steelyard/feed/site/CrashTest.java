package io.steelyard.feed.site;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.database.Postgres;
import io.steelyard.feed.discussion.Remarks;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Publications;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
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
    final Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                Victim.class.getName(),
                address)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
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

  @Test
  void theDatabaseMayRestartUnderTheSite() {
    final Postgres postgres = Postgres.shared();
    final Map<Setting, String> settings = new EnumMap<>(postgres.fresh());
    settings.put(Setting.RATE_FORMS, "0");
    try (TestSite site = TestSite.start(settings);
        Person ada = Person.named("Ada", site)) {
      ada.post("/papers/" + PAPER + "/vote", "vote", "yes");
      postgres.crash();
      assertThat(site.get("/health").statusCode()).isEqualTo(503);
      assertThat(site.get("/papers/2207.03341").statusCode()).isEqualTo(500);
      postgres.start();
      assertThat(site.get("/health").statusCode()).isEqualTo(200);
      assertThat(ada.get("/papers/" + PAPER).body()).contains("Voted · 1");
    }
  }
}
