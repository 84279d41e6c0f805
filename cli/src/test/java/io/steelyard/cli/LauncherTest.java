package io.steelyard.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The launch script in a checkout of its own, with a JDK and a Maven that are three-line scripts:
 * what is under test is when it builds, what it passes on and what reaches standard output.
 */
@Timeout(60)
class LauncherTest {

  /** All that the script may find on PATH: the machine's own Maven is not among it. */
  private static final List<String> TOOLS =
      List.of(
          "basename",
          "bash",
          "cat",
          "dirname",
          "env",
          "find",
          "flock",
          "grep",
          "head",
          "kill",
          "mkdir",
          "readlink",
          "rm",
          "sleep",
          "stty",
          "tail",
          "tee",
          "touch");

  /** What a command came to. */
  private record Result(int code, String out, String err) {}

  @TempDir private Path folder;
  private Path checkout;
  private Path jdk;
  private Path bin;

  @BeforeEach
  void makeACheckout() throws IOException {
    final Path script = Path.of("..", "steelyard").toAbsolutePath().normalize();
    assumeTrue(Files.isExecutable(script), "the launch script is tested from a source checkout");
    assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "the launch script needs bash");
    checkout = Files.createDirectories(folder.resolve("a check out"));
    Files.copy(script, checkout.resolve("steelyard"));
    executable(checkout.resolve("steelyard"), Files.readString(script));
    Files.writeString(checkout.resolve("pom.xml"), "<project/>");
    final Path source = Files.createDirectories(checkout.resolve("cli/src/main"));
    Files.writeString(source.resolve("Some.java"), "class Some {}");
    Files.writeString(checkout.resolve("cli/pom.xml"), "<project/>");
    // Sources are older than any build that a test makes.
    try (Stream<Path> files = Files.walk(checkout)) {
      for (final Path file : files.toList()) {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
      }
    }
    jdk = folder.resolve("my jdk");
    fakeJdk(jdk, 25);
    bin = Files.createDirectories(folder.resolve("bin"));
    for (final String tool : TOOLS) {
      for (final String place : List.of("/usr/bin/", "/bin/")) {
        final Path link = bin.resolve(tool);
        if (Files.exists(Path.of(place + tool)) && !Files.exists(link)) {
          Files.createSymbolicLink(link, Path.of(place + tool));
        }
      }
    }
    fakeMaven("exit 0");
  }

  @Test
  void buildsOnceAndKeepsStandardOutputForTheCommand() throws Exception {
    final Result first = launch(checkout.resolve("steelyard"), "papers", "two words", "*");
    assertThat(first.code()).as(first.err()).isEqualTo(7);
    assertThat(first.out().lines()).containsExactly("[papers]", "[two words]", "[*]");
    assertThat(first.err()).contains("first run, building").contains("  Steelyard kernels");
    assertThat(builds()).isEqualTo(1);

    final Result second = launch(checkout.resolve("steelyard"), "papers");
    assertThat(second.code()).isEqualTo(7);
    assertThat(second.err()).isEmpty();
    assertThat(builds()).as("nothing changed").isEqualTo(1);
  }

  @Test
  void buildsAgainWhenASourceChangesOrIsRemoved() throws Exception {
    final Path source = checkout.resolve("cli/src/main/Some.java");
    launch(checkout.resolve("steelyard"), "papers");
    Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(5)));
    assertThat(launch(checkout.resolve("steelyard"), "papers").err())
        .contains("sources have changed, building");
    assertThat(builds()).isEqualTo(2);

    Files.delete(source);
    Files.setLastModifiedTime(source.getParent(), FileTime.from(Instant.now().plusSeconds(5)));
    launch(checkout.resolve("steelyard"), "papers");
    assertThat(builds()).isEqualTo(3);
  }

  @Test
  void worksThroughALinkFromAnywhere() throws Exception {
    final Path link = folder.resolve("link");
    Files.createSymbolicLink(link, Path.of("a check out", "steelyard"));
    assertThat(launch(link, "doctor").out()).contains("[doctor]");
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void aFailedBuildShowsWhyAndRunsNothing() throws Exception {
    fakeMaven("echo '[ERROR] Some.java: this does not compile'; exit 1");
    final Result result = launch(checkout.resolve("steelyard"), "papers");
    assertThat(result.code()).isEqualTo(3);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).contains("this does not compile").contains("the build failed");
  }

  @Test
  void withoutMavenOneSentenceSaysWhatToInstall() throws Exception {
    Files.delete(bin.resolve("mvn"));
    final Result result = launch(checkout.resolve("steelyard"), "papers");
    assertThat(result.code()).isEqualTo(3);
    assertThat(result.out()).isEmpty();
    assertThat(result.err().lines()).hasSize(1);
    assertThat(result.err()).contains("install Maven 3.8.7 or newer");
  }

  @Test
  void manyAtOnceBuildOnce() throws Exception {
    fakeMaven("sleep 1");
    final List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      processes.add(start(checkout.resolve("steelyard"), folder.resolve("run" + i), "papers"));
    }
    for (final Process process : processes) {
      assertThat(process.waitFor(50, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(7);
    }
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void aJdkThatIsTooOldIsPassedOver() throws Exception {
    final Path old = folder.resolve("old jdk");
    fakeJdk(old, 17);
    executable(old.resolve("bin/java"), "#!/bin/bash\necho too old\n");
    final Path usual = jdk;
    jdk = old;
    final Result result = launch(checkout.resolve("steelyard"), "papers");
    jdk = usual;
    // Whatever else this machine has, the old one is not what runs.
    assertThat(result.out()).doesNotContain("too old");
  }

  private Result launch(Path script, String... arguments) throws Exception {
    final Path output = folder.resolve("output");
    final Process process = start(script, output, arguments);
    assertThat(process.waitFor(50, TimeUnit.SECONDS)).as("the launcher ends").isTrue();
    return new Result(
        process.exitValue(),
        Files.readString(output.resolveSibling(output.getFileName() + ".out")),
        Files.readString(output.resolveSibling(output.getFileName() + ".err")));
  }

  private Process start(Path script, Path output, String... arguments) throws IOException {
    final List<String> command = new ArrayList<>(List.of(script.toString()));
    command.addAll(List.of(arguments));
    final ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().put("JAVA_HOME", jdk.toString());
    builder.environment().put("PATH", bin.toString());
    return builder
        .redirectInput(new File("/dev/null"))
        .redirectOutput(output.resolveSibling(output.getFileName() + ".out").toFile())
        .redirectError(output.resolveSibling(output.getFileName() + ".err").toFile())
        .start();
  }

  /** A java that prints what follows the main class, each in brackets, and exits with 7. */
  private static void fakeJdk(Path home, int feature) throws IOException {
    Files.createDirectories(home.resolve("bin"));
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + feature + ".0.1\"\n");
    executable(home.resolve("bin/javac"), "#!/bin/bash\n");
    executable(
        home.resolve("bin/java"),
        """
        #!/bin/bash
        until [ "$1" = io.steelyard.cli.Steelyard ]; do shift; done
        shift
        for word in "$@"; do printf '[%s]\\n' "$word"; done
        exit 7
        """);
  }

  /**
   * A mvn that counts its calls, makes what the launcher looks for, and prints to standard output.
   */
  private void fakeMaven(String last) throws IOException {
    executable(
        bin.resolve("mvn"),
        """
        #!/bin/bash
        echo call >>'%s'
        echo '[INFO] Building Steelyard kernels 0.1.0                [2/6]'
        mkdir -p cli/target
        : >cli/target/steelyard-cli.jar
        printf '%%s' "$PWD/cli/target/steelyard-cli.jar" >cli/target/classpath
        %s
        """
            .formatted(folder.resolve("builds"), last));
  }

  private int builds() throws IOException {
    return Files.readAllLines(folder.resolve("builds")).size();
  }

  private static void executable(Path file, String text) throws IOException {
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
