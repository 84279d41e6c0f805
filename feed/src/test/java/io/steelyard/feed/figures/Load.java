package io.steelyard.feed.figures;

import io.steelyard.feed.paper.ShippedPapers;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Readers and writers. */
final class Load {

  private static final Pattern CSRF = Pattern.compile("name=\"csrf\" value=\"([^\"]*)\"");
  private static final List<String> PAPERS =
      ShippedPapers.all().stream().map(paper -> "/papers/" + paper.id()).toList();
  private static final List<String> PLACES =
      List.of(
          "/",
          "/papers/trending",
          "/leaderboard",
          "/search?q=softmax",
          "/search?q=vision%20transformer",
          "/operators/softmax",
          "/api/daily_papers",
          "/feeds/day.atom");

  private Load() {}

  /** What happened to readers and to writers. */
  record Outcome(Latencies reads, Latencies writes) {}

  private interface Step {

    boolean done(Connection connection, SplittableRandom random) throws IOException;
  }

  /** Everybody does one thing a second: readers open a page, writers vote or comment. */
  static Outcome mixed(URI site, int readers, int writers, Duration time, long seed)
      throws IOException, InterruptedException {
    final Latencies reads = new Latencies();
    final Latencies writes = new Latencies();
    final SplittableRandom random = new SplittableRandom(seed);
    final List<Thread> all = new ArrayList<>();
    final List<Connection> open = new ArrayList<>();
    try {
      for (int i = 0; i < writers; i++) {
        final Connection connection = new Connection(site);
        open.add(connection);
        final String csrf = signUp(connection, "Writer" + seed + "x" + i);
        all.add(
            everySecond(
                connection, random.split(), time, writes, (one, dice) -> write(one, csrf, dice)));
      }
      for (int i = 0; i < readers; i++) {
        final Connection connection = new Connection(site);
        open.add(connection);
        all.add(
            everySecond(
                connection,
                random.split(),
                time,
                reads,
                (one, dice) -> one.get(place(dice)) == 200));
      }
      all.forEach(Thread::start);
      for (final Thread thread : all) {
        thread.join();
      }
    } finally {
      for (final Connection connection : open) {
        connection.close();
      }
    }
    return new Outcome(reads, writes);
  }

  /** Half of the readers are on lists, half on papers. */
  private static String place(SplittableRandom random) {
    final List<String> places = random.nextBoolean() ? PLACES : PAPERS;
    return places.get(random.nextInt(places.size()));
  }

  private static boolean write(Connection connection, String csrf, SplittableRandom random)
      throws IOException {
    final String paper = PAPERS.get(random.nextInt(PAPERS.size()));
    return random.nextInt(4) == 0
        ? connection.post(paper + "/comments", "csrf", csrf, "text", "I agree: $x_1$.") == 303
        : connection.post(
                paper + "/vote", "csrf", csrf, "vote", random.nextBoolean() ? "yes" : "no")
            == 303;
  }

  private static String signUp(Connection connection, String name) throws IOException {
    if (connection.post(
            "/sign-up",
            "name",
            name,
            "email",
            name + "@example.org",
            "password",
            "correct horse battery")
        != 303) {
      throw new IllegalStateException("cannot sign up as " + name);
    }
    final Matcher token = CSRF.matcher(connection.text("/account"));
    if (!token.find()) {
      throw new IllegalStateException(name + " is not signed in");
    }
    return token.group(1);
  }

  private static Thread everySecond(
      Connection connection,
      SplittableRandom random,
      Duration time,
      Latencies latencies,
      Step step) {
    return Thread.ofVirtual()
        .unstarted(
            () -> {
              final long second = Duration.ofSeconds(1).toNanos();
              long due = System.nanoTime() + random.nextLong(second);
              final long end = System.nanoTime() + time.toNanos();
              while (due < end) {
                try {
                  final long wait = due - System.nanoTime();
                  if (wait > 0) {
                    Thread.sleep(Duration.ofNanos(wait));
                  }
                  final boolean good = step.done(connection, random);
                  latencies.add(System.nanoTime() - due, good);
                } catch (final IOException e) {
                  latencies.add(System.nanoTime() - due, false);
                  return; // Its connection is gone.
                } catch (final InterruptedException e) {
                  return;
                }
                due += second;
              }
            });
  }

  /** Page views in a second, of one page over some connections, each as fast as it can. */
  static double throughput(URI site, String path, int connections, Duration time)
      throws InterruptedException {
    final AtomicLong views = new AtomicLong();
    final AtomicLong errors = new AtomicLong();
    final long start = System.nanoTime();
    final List<Thread> all = new ArrayList<>();
    for (int i = 0; i < connections; i++) {
      all.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try (Connection connection = new Connection(site)) {
                      while (System.nanoTime() - start < time.toNanos()) {
                        if (connection.get(path) == 200) {
                          views.incrementAndGet();
                        } else {
                          errors.incrementAndGet();
                        }
                      }
                    } catch (final IOException e) {
                      errors.incrementAndGet();
                    }
                  }));
    }
    for (final Thread thread : all) {
      thread.join();
    }
    if (errors.get() > 0) {
      throw new IllegalStateException(errors + " of the page views failed");
    }
    return views.get() / ((System.nanoTime() - start) / 1e9);
  }
}
