package io.steelyard.feed.site;

import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.digest.Digest;
import io.steelyard.feed.harvest.Harvest;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** What the site does by itself every day: import sets of arXiv, write the digest. */
final class Routine implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Routine.class.getName());

  /** After arXiv's nightly announcement. */
  private static final LocalTime IMPORT_AT = LocalTime.of(3, 0);

  private final List<Thread> threads = new ArrayList<>();

  private Routine() {}

  /** Starts what the settings ask for. */
  static Routine start(Settings settings, Database database, House house, Source source) {
    final Routine routine = new Routine();
    settings
        .optional(Setting.IMPORT_ARXIV)
        .ifPresent(
            sets ->
                routine.daily(
                    "import", IMPORT_AT, false, day -> bring(database, sets, day, source)));
    settings
        .optional(Setting.DIGEST_AT)
        .ifPresent(
            time ->
                routine.daily(
                    "digest",
                    LocalTime.parse(time),
                    true,
                    day -> {
                      new Digest(database, settings.text(Setting.TITLE), house.address())
                          .write(day.minusDays(1));
                      house.ring();
                    }));
    return routine;
  }

  private static void bring(Database database, String sets, LocalDate day, Source source) {
    final Harvest harvest = new Harvest(database, _ -> {});
    for (final String set : sets.strip().split("[,\\s]+", -1)) {
      harvest.set(set, day.minusDays(7), source.base().orElse(Harvest.OAI), source.web());
    }
  }

  /**
   * Does something every day at a time (UTC).
   *
   * @param catchUp whether to do it at once if the time of today is past; it must bear repetition
   */
  private void daily(String name, LocalTime at, boolean catchUp, Consumer<LocalDate> work) {
    threads.add(
        Thread.ofVirtual()
            .name(name)
            .start(
                () -> {
                  LocalDateTime next = LocalDateTime.of(LocalDate.now(ZoneOffset.UTC), at);
                  if (!catchUp && next.toInstant(ZoneOffset.UTC).isBefore(Instant.now())) {
                    next = next.plusDays(1);
                  }
                  while (true) {
                    final Duration left =
                        Duration.between(Instant.now(), next.toInstant(ZoneOffset.UTC));
                    try {
                      if (left.isPositive()) {
                        Thread.sleep(left);
                      }
                    } catch (InterruptedException e) {
                      return;
                    }
                    try {
                      work.accept(next.toLocalDate());
                    } catch (final RuntimeException e) {
                      LOG.log(System.Logger.Level.WARNING, "the daily " + name + " failed", e);
                    }
                    next = next.plusDays(1);
                  }
                }));
  }

  @Override
  public void close() {
    threads.forEach(Thread::interrupt);
  }
}
