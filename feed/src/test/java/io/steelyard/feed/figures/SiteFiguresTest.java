package io.steelyard.feed.figures;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.page.Words;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The figures of {@code docs/site.md}: how soon the site answers, how it bears readers and writers,
 * how it bears many papers. A build runs a small version and holds it to no time, since nobody
 * knows what else its machine does; {@code -Dfigures=full} runs it as documented and holds it to
 * the times wanted.
 */
class SiteFiguresTest {

  private static final boolean FULL = "full".equals(System.getProperty("figures"));
  private static final int READERS = FULL ? 200 : 10;
  private static final int WRITERS = FULL ? 20 : 2;
  private static final Duration LOAD =
      Duration.ofSeconds(Integer.getInteger("seconds", FULL ? 60 : 1));
  private static final int PAPERS = Integer.getInteger("papers", FULL ? 100_000 : 300);
  private static final int QUESTIONS = FULL ? 1_000 : 20;
  private static final int CONNECTIONS = 16;
  private static final long SEED = 7;

  @TempDir private Path folder;

  private static void say(String what, Object figure) {
    System.out.printf(Locale.ROOT, "figure: %s: %s%n", what, figure);
  }

  /** The launcher of the checkout, where the figures are taken; else the classes under test. */
  private static Optional<Path> launcher() {
    return Optional.of(Path.of(System.getProperty("launcher", "../steelyard")))
        .map(script -> script.toAbsolutePath().normalize())
        .filter(script -> FULL && Files.isExecutable(script));
  }

  @Test
  void aSiteStartsAndBearsItsReaders() throws IOException, InterruptedException {
    SiteProcess.start(folder, launcher(), !FULL).close();
    try (SiteProcess site = SiteProcess.start(folder, launcher(), !FULL)) {
      say("second start to the first answer, s", String.format("%.2f", site.seconds()));
      // The first seconds are the compiler's.
      if (FULL) {
        Load.mixed(site.address(), READERS, WRITERS, LOAD.dividedBy(4), SEED);
      }
      final Load.Outcome load = Load.mixed(site.address(), READERS, WRITERS, LOAD, SEED + 1);
      say(READERS + " readers", load.reads());
      say(WRITERS + " writers", load.writes());
      assertThat(load.reads().count()).isGreaterThanOrEqualTo(READERS);
      assertThat(load.reads().errors()).isZero();
      assertThat(load.writes().errors()).isZero();
      final Duration time = LOAD.dividedBy(4);
      if (FULL) {
        Load.throughput(site.address(), "/", CONNECTIONS, time);
      }
      final double views = Load.throughput(site.address(), "/", CONNECTIONS, time);
      say("views of the cached feed in a second", Math.round(views));
      if (FULL) {
        assertThat(site.seconds()).isLessThanOrEqualTo(3);
        assertThat(load.reads().millis(0.99)).isLessThan(150);
        assertThat(load.writes().millis(0.99)).isLessThan(150);
        assertThat(views).isGreaterThan(1500);
      }
    }
  }

  @Test
  void aSiteBearsManyPapers() throws IOException, InterruptedException {
    final MadeUpPapers papers = new MadeUpPapers(SEED);
    long start = System.nanoTime();
    try (Database database =
        Database.open(Settings.with(Map.of(Setting.DATA, folder.toString())))) {
      papers.fill(database, PAPERS, SEED);
    }
    say(PAPERS + " papers taken, s", (System.nanoTime() - start) / 1_000_000_000);
    start = System.nanoTime();
    try (SiteProcess site = SiteProcess.start(folder, Optional.empty(), !FULL);
        Connection connection = new Connection(site.address())) {
      say("started, s", (System.nanoTime() - start) / 1_000_000_000);
      while (connection.text("/search").contains("id=\"waiting\"")) {
        Thread.sleep(100);
      }
      say("indexed, s", (System.nanoTime() - start) / 1_000_000_000);
      final Latencies search = new Latencies();
      final Latencies feed = new Latencies();
      final SplittableRandom random = new SplittableRandom(SEED);
      for (int i = -QUESTIONS / 2; i < QUESTIONS; i++) {
        final String question = Words.encoded(papers.text(random, random.nextInt(1, 4)));
        // Nothing is asked twice, so that nothing comes from memory.
        final String day = "/papers/date/" + MadeUpPapers.day(random.nextInt(PAPERS)) + "?n=" + i;
        ask(connection, "/search?q=" + question + "&n=" + i, i >= 0 ? search : new Latencies());
        ask(connection, day, i >= 0 ? feed : new Latencies());
      }
      say("search among " + PAPERS, search);
      say("feed of a day among " + PAPERS, feed);
      assertThat(search.errors() + feed.errors()).isZero();
      if (FULL) {
        assertThat(search.millis(0.95)).isLessThan(50);
        assertThat(feed.millis(0.95)).isLessThan(20);
      }
    }
  }

  private static void ask(Connection connection, String path, Latencies latencies)
      throws IOException {
    final long start = System.nanoTime();
    final int status = connection.get(path);
    latencies.add(System.nanoTime() - start, status == 200);
  }
}
