package io.steelyard.feed;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/**
 * Programs that some tests need. Without one a test is skipped, which the build reports; where
 * {@code STEELYARD_TESTS_NEED} names the program, the test fails instead.
 */
public final class Needs {

  private static final String REQUIRED = "STEELYARD_TESTS_NEED";

  private Needs() {}

  /** The first of these programs that is here, else the test ends. */
  public static Path program(String what, Stream<Path> places) {
    final Optional<Path> found = places.filter(Files::isExecutable).findFirst();
    if (found.isEmpty()) {
      final String sentence = what + " is not installed here";
      final String required = Optional.ofNullable(System.getenv(REQUIRED)).orElse("");
      if (List.of(required.split("\\W+", -1)).contains(what)) {
        Assertions.fail(sentence + ", but " + REQUIRED + " names it");
      }
      Assumptions.abort(sentence);
    }
    return found.get();
  }

  /** Where a program of this name may be, by the PATH. */
  public static Stream<Path> onPath(String... names) {
    final String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
    return Arrays.stream(names)
        .flatMap(
            name ->
                Arrays.stream(path.split(File.pathSeparator, -1))
                    .filter(folder -> !folder.isEmpty())
                    .map(folder -> Path.of(folder, name)));
  }
}
