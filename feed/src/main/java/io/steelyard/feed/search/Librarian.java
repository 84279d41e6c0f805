package io.steelyard.feed.search;

import io.steelyard.feed.database.Database;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.search.DualEncoderTraining.Plan;
import io.steelyard.feed.tex.Tex;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * What is done for the search while nobody waits for it: papers that came while the site was down
 * are taken into the index, and where there are enough of them, a {@link DualEncoder} is learned
 * from them, kept in a file, and learned again when there are half as many more. It is taken into
 * use only if it finds abstracts by titles it has not learned from better than what is in use for
 * small sites.
 */
public final class Librarian implements AutoCloseable {

  /** Up to so many papers nothing is learned. */
  public static final int ENOUGH = 2000;

  private static final System.Logger LOG = System.getLogger(Librarian.class.getName());
  private static final Duration LOOK_AGAIN = Duration.ofMinutes(10);
  private static final int AT_ONCE = 1000;
  private static final int MOST_LESSONS = 20_000;
  private static final int HELD_OUT = 20;
  private static final int MOST_HELD_OUT = 500;
  private static final double GROWN = 1.5;
  private static final int TELL_EVERY = 100;
  private static final long PATIENCE_SECONDS = 30;

  private final Database database;
  private final Library library;
  private final Meaning plain;
  private final Optional<Path> file;
  private final Plan plan;
  private final Thread thread;

  /** Not an interruption: that would close the files of H2 and Lucene under whoever reads them. */
  private final CountDownLatch closing = new CountDownLatch(1);

  private int tried;

  private Librarian(
      Database database,
      Library library,
      Meaning plain,
      Optional<DualEncoder> learned,
      Optional<Path> file,
      boolean learns,
      Plan plan) {
    this.database = database;
    this.library = library;
    this.plain = plain;
    this.file = file;
    this.plan = plan;
    this.tried = learned.map(DualEncoder::papers).orElse(0);
    this.thread =
        Thread.ofPlatform().name("librarian").daemon().unstarted(() -> work(learned, learns));
  }

  /**
   * Opens the index with what was learned before, and begins. A few papers that the index misses
   * are taken over at once.
   *
   * @param folder where index and encoder are kept, if anywhere
   * @param learns whether anything new is learned
   */
  public static Librarian start(Database database, Optional<Path> folder, boolean learns) {
    return start(database, folder, learns, Plan.standard());
  }

  static Librarian start(Database database, Optional<Path> folder, boolean learns, Plan plan) {
    final Optional<Path> file = folder.map(place -> place.resolve("meaning.safetensors"));
    final Optional<DualEncoder> learned = file.flatMap(Librarian::read);
    final HashedNgrams plain = new HashedNgrams();
    final List<Meaning> meanings = new ArrayList<>(List.of(plain));
    learned.ifPresent(meanings::add);
    final Library library =
        Library.open(database, meanings, folder.map(place -> place.resolve("index")));
    if (library.waiting() <= AT_ONCE) {
      library.refresh();
    }
    final Librarian librarian =
        new Librarian(database, library, plain, learned, file, learns, plan);
    librarian.thread.start();
    return librarian;
  }

  private static Optional<DualEncoder> read(Path file) {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(DualEncoder.read(file));
    } catch (IllegalArgumentException | UncheckedIOException e) {
      LOG.log(System.Logger.Level.WARNING, "what was learned is not used: " + e.getMessage());
      return Optional.empty();
    }
  }

  /** The index. */
  public Library library() {
    return library;
  }

  private void work(Optional<DualEncoder> learned, boolean learns) {
    try {
      if (library.waiting() > 0) {
        library.refresh();
      }
      learned
          .filter(encoder -> !encoder.name().equals(library.meaning().name()))
          .ifPresent(library::adopt);
      if (learns) {
        do {
          look();
        } while (!closing.await(LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // The site is closing.
    } catch (RuntimeException | LinkageError e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "search by meaning stays with " + library.meaning().name(),
          e);
    }
  }

  private void look() throws InterruptedException {
    final int papers = database.read(handle -> new Publications(handle).imported());
    if (papers <= ENOUGH || papers < GROWN * tried) {
      return;
    }
    tried = papers;
    final List<Lesson> lessons = new ArrayList<>();
    for (final Map.Entry<String, String> text :
        database.read(handle -> new Publications(handle).texts(MOST_LESSONS))) {
      lessons.add(new Lesson(Tex.plain(text.getValue()), List.of(Tex.plain(text.getKey()))));
    }
    Collections.shuffle(lessons, new Random(plan.seed()));
    final int out = Math.min(MOST_HELD_OUT, lessons.size() / HELD_OUT);
    final List<Lesson> heldOut = lessons.subList(0, out);
    final List<Lesson> train = lessons.subList(out, lessons.size());
    LOG.log(System.Logger.Level.INFO, "learning what words mean from " + train.size() + " papers");
    final long start = System.nanoTime();
    final DualEncoder encoder = DualEncoderTraining.learn(train, plan, new Pace()).amongst(papers);
    final double before = found(plain, heldOut);
    final double now = found(encoder, heldOut);
    final boolean better = now > before;
    LOG.log(
        System.Logger.Level.INFO,
        String.format(
            Locale.ROOT,
            "learned in %d s; mean reciprocal rank of the abstracts of %d titles not learned from:"
                + " %.3f, %.3f by %s; %s",
            TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start),
            out,
            now,
            before,
            plain.name(),
            better ? "taken into use" : "not taken into use"));
    if (better && closing.getCount() > 0) {
      file.ifPresent(encoder::write);
      library.adopt(encoder);
    }
  }

  private static double found(Meaning meaning, List<Lesson> lessons) {
    final Retrieval retrieval =
        new Retrieval(meaning, lessons.stream().map(Lesson::document).toList());
    double sum = 0;
    for (int i = 0; i < lessons.size(); i++) {
      sum += retrieval.reciprocalRank(lessons.get(i).queries().getFirst(), i);
    }
    return sum / lessons.size();
  }

  /** Rests after each step as long as the step took: most of the machine is for the readers. */
  private final class Pace implements DualEncoderTraining.Listener {

    private long began = System.nanoTime();

    @Override
    public void step(long step, long steps, double loss) throws InterruptedException {
      if (step % TELL_EVERY == 0) {
        LOG.log(
            System.Logger.Level.INFO,
            String.format(Locale.ROOT, "learning, step %d of %d, loss %.3f", step, steps, loss));
      }
      if (closing.await(System.nanoTime() - began, TimeUnit.NANOSECONDS)) {
        throw new InterruptedException("the site is closing");
      }
      began = System.nanoTime();
    }
  }

  /** Stops, then closes the index. */
  @Override
  public void close() {
    closing.countDown();
    library.stop();
    try {
      thread.join(Duration.ofSeconds(PATIENCE_SECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    library.close();
  }
}
