package io.steelyard.papers.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A folder of run files, {@code <root>/<paper>/<scale>/seed-<n>.json}, one file per run.
 *
 * <p>Files are written atomically and read strictly: what is torn, of another format or in the
 * wrong place is reported as {@link Rejected} and never counted.
 */
public final class RunStore {

  /**
   * Runs of the same paper, scale and seed replace each other, so this order is total in a store.
   */
  static final Comparator<Run> NEWEST_FIRST =
      Comparator.comparing(Run::started)
          .reversed()
          .thenComparing(Run::paper)
          .thenComparing(Run::scale)
          .thenComparingLong(Run::seed);

  private static final Pattern SLUG = Pattern.compile("[a-z0-9-]+");
  private static final Pattern NAME = Pattern.compile("seed-(-?\\d{1,19})\\.json");

  private final Path root;

  /** A store over {@code root}, which need not exist yet. */
  public RunStore(Path root) {
    this.root = Objects.requireNonNull(root, "root");
  }

  /**
   * A file that looks like a run and is none.
   *
   * @param file where it is
   * @param why what is wrong with it
   */
  public record Rejected(String file, String why) {}

  /**
   * What is in a store.
   *
   * @param runs the runs, newest first
   * @param rejected files that were ignored, in the order of their names
   */
  public record Listing(List<Run> runs, List<Rejected> rejected) {

    /** Copies the lists. */
    public Listing {
      runs = List.copyOf(runs);
      rejected = List.copyOf(rejected);
    }
  }

  /** What stands at the place of one run. */
  public sealed interface Entry {

    /** A run. */
    record Present(Run run) implements Entry {}

    /** Nothing. */
    record Absent() implements Entry {}

    /** Something that is no run, or another one. */
    record Broken(Rejected rejected) implements Entry {}
  }

  /** The folder. */
  public Path root() {
    return root;
  }

  /**
   * Where the run of this paper, scale and seed is kept, whether it exists or not.
   *
   * @throws IllegalArgumentException if {@code paper} is not of the form {@code [a-z0-9-]+}
   */
  public Path file(String paper, Scale scale, long seed) {
    if (!SLUG.matcher(paper).matches()) {
      throw new IllegalArgumentException(
          "paper is '" + paper + "'; expected a slug of the form [a-z0-9-]+");
    }
    return root.resolve(paper).resolve(scale.label()).resolve("seed-" + seed + ".json");
  }

  /** Writes the run atomically in its place, over an earlier one, and returns the file. */
  public Path save(Run run) {
    final Path file = file(run.paper(), run.scale(), run.seed());
    AtomicFile.write(file, RunJson.write(run));
    return file;
  }

  /** Reads what stands at the place of one run. */
  public Entry find(String paper, Scale scale, long seed) {
    final Path file = file(paper, scale, seed);
    if (!Files.exists(file)) {
      return new Entry.Absent();
    }
    try {
      return new Entry.Present(read(file));
    } catch (InvalidRunException e) {
      return new Entry.Broken(new Rejected(file.toString(), e.getMessage()));
    }
  }

  /** Reads all runs; a missing folder has none. */
  public Listing list() {
    final List<Run> runs = new ArrayList<>();
    final List<Rejected> rejected = new ArrayList<>();
    for (final Path file : files()) {
      try {
        runs.add(read(file));
      } catch (InvalidRunException e) {
        rejected.add(new Rejected(file.toString(), e.getMessage()));
      }
    }
    runs.sort(NEWEST_FIRST);
    return new Listing(runs, rejected);
  }

  private List<Path> files() {
    if (!Files.isDirectory(root)) {
      return List.of();
    }
    final List<Path> files = new ArrayList<>();
    try {
      Files.walkFileTree(
          root,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              // Hidden names are temporary files of a write that was cut off, or the desktop's.
              if (attributes.isRegularFile() && !file.getFileName().toString().startsWith(".")) {
                files.add(file);
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
              if (e instanceof NoSuchFileException) {
                return FileVisitResult
                    .CONTINUE; // a temporary file of somebody who writes right now
              }
              throw e;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list the run files in " + root, e);
    }
    files.sort(Comparator.naturalOrder());
    return files;
  }

  private Run read(Path file) {
    final Matcher name = NAME.matcher(file.getFileName().toString());
    if (!name.matches()) {
      throw new InvalidRunException("is not named seed-<n>.json");
    }
    final Run run;
    try {
      run = RunJson.read(Files.readString(file, StandardCharsets.UTF_8));
    } catch (MalformedInputException e) {
      throw new InvalidRunException("is not UTF-8 text", e);
    } catch (IOException e) {
      throw new InvalidRunException("cannot be read: " + e, e);
    }
    if (!SLUG.matcher(run.paper()).matches()
        || !file.equals(file(run.paper(), run.scale(), run.seed()))) {
      throw new InvalidRunException(
          "holds the run of paper '%s', scale %s, seed %d, which does not belong in this place"
              .formatted(run.paper(), run.scale().label(), run.seed()));
    }
    return run;
  }
}
