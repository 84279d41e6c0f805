package io.steelyard.papers.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class DataResolverTest {

  private static final Duration WAIT = Duration.ofSeconds(10);
  private static final TinySet TINY = new TinySet();

  @TempDir Path root;
  private Path given;
  private Path environment;
  private Path cache;
  private FileServer server;
  private DataSet set;
  private final List<String> warnings = Collections.synchronizedList(new ArrayList<>());

  @BeforeEach
  void start() throws IOException {
    given = Files.createDirectory(root.resolve("given"));
    environment = Files.createDirectory(root.resolve("environment"));
    cache = root.resolve("cache");
    server = new FileServer(TINY.contents());
    set = TINY.set(server.address());
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void takesTheFirstPlaceThatHasTheSet() throws IOException {
    assertFrom(DataSource.DOWNLOAD);
    assertFrom(DataSource.CACHE);
    TINY.write(environment.resolve("tiny"));
    assertFrom(DataSource.ENVIRONMENT);
    TINY.write(given);
    assertFrom(DataSource.GIVEN);
    assertThat(server.requests()).hasSize(4);
  }

  @Test
  void looksIntoTheFolderOfTheSetAndThenIntoTheFolderItself() throws IOException {
    TINY.write(environment);
    assertFrom(DataSource.ENVIRONMENT);
    assertThat(online().locate(set).folder()).contains(environment);
    TINY.write(environment.resolve("tiny"));
    assertThat(online().locate(set).folder()).contains(environment.resolve("tiny"));
  }

  @Test
  void loadsWhatTheFilesHold() throws IOException {
    TINY.write(environment);
    final ResolvedData data = online().resolve(set);
    assertThat(data.name()).isEqualTo("tiny");
    assertThat(data.synthetic()).isFalse();
    assertThat(data.train().count()).isEqualTo(TinySet.TRAIN);
    assertThat(data.test().count()).isEqualTo(TinySet.TEST);
    assertThat(data.train().classes()).isEqualTo(4);
    assertThat(data.test().label(6)).isEqualTo(2);
    assertThat(data.origin())
        .isEqualTo(
            "STEELYARD_DATA (sha256 %s…, %s…)",
            set.trainImages().sha256().substring(0, 8), set.testImages().sha256().substring(0, 8))
        .doesNotContain(root.toString());
  }

  @Test
  void refusesDamageInAFolderThatWasGiven() throws IOException {
    TINY.write(given);
    final Path damaged = given.resolve("test-labels.gz");
    final byte[] content = Files.readAllBytes(damaged);
    content[12] ^= 1;
    Files.write(damaged, content);
    assertThatThrownBy(() -> online().resolve(set))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("--data")
        .hasMessageContaining(damaged.toString())
        .hasMessageContaining("found sha256 " + TinySet.sha256(content))
        .hasMessageContaining("expected " + set.testLabels().sha256());
    assertThat(online().locate(set).notes()).anyMatch(note -> note.contains(damaged.toString()));
    assertThat(server.requests()).isEmpty();
  }

  @Test
  void refusesAGivenFolderThatIsNotThere() throws IOException {
    Files.delete(given);
    assertThatThrownBy(() -> online().resolve(set))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--data is " + given);
  }

  @Test
  void passesOverDamageElsewhereWithAWarning() throws IOException {
    TINY.write(environment);
    final Path damaged = environment.resolve("train-images.gz");
    Files.write(damaged, new byte[] {1, 2});
    TINY.write(cache.resolve("tiny"));
    assertThat(online().resolve(set).source()).isEqualTo(DataSource.CACHE);
    assertThat(warnings)
        .anyMatch(
            line ->
                line.contains("STEELYARD_DATA: " + damaged + ": found 2 bytes, expected ")
                    && line.contains("not used"));
    assertThat(damaged).hasBinaryContent(new byte[] {1, 2});
  }

  @Test
  void namesWhatAPartialFolderLacks() throws IOException {
    TINY.write(environment);
    final Path missing = environment.resolve("train-labels.gz");
    Files.delete(missing);
    TINY.write(cache.resolve("tiny"));
    assertThat(online().resolve(set).source()).isEqualTo(DataSource.CACHE);
    assertThat(warnings).anyMatch(line -> line.contains(missing + " is missing"));
  }

  @Test
  void replacesADamagedCache() throws IOException {
    TINY.write(cache.resolve("tiny"));
    Files.write(cache.resolve("tiny/train-images.gz"), new byte[] {1, 2});
    assertThat(online().resolve(set).source()).isEqualTo(DataSource.DOWNLOAD);
    assertThat(server.requests())
        .extracting(FileServer.Request::file)
        .containsExactly("train-images.gz");
    assertThat(online().resolve(set).source()).isEqualTo(DataSource.CACHE);
    assertOnlyTheSetIsIn(cache.resolve("tiny"));
  }

  @Test
  void offlineAsksNobodyAndTakesTheEmbeddedSet() throws IOException {
    TINY.write(cache.resolve("tiny"));
    Files.write(cache.resolve("tiny/train-images.gz"), new byte[] {1, 2});
    final ResolvedData data = resolver(true).resolve(set);
    assertThat(data.source()).isEqualTo(DataSource.EMBEDDED);
    assertThat(data.synthetic()).isTrue();
    assertThat(data.name()).isEqualTo("synthetic-garments");
    assertThat(data.origin()).contains("synthetic").contains("embedded");
    assertThat(data.train().classCounts()).containsOnly(1_000);
    assertThat(data.test().classCounts()).containsOnly(1_000);
    assertThat(warnings)
        .last()
        .asString()
        .contains("synthetic-garments")
        .contains("downloads are off");
    assertThat(server.requests()).isEmpty();
  }

  @Test
  void aFailedDownloadIsOneWarningAndTheEmbeddedSet() {
    server.answer(exchange -> exchange.sendResponseHeaders(404, -1));
    final DataLocations locations =
        new DataLocations(Optional.empty(), Optional.empty(), cache, false);
    final ResolvedData data = resolver(locations).resolve(set);
    assertThat(data.source()).isEqualTo(DataSource.EMBEDDED);
    assertThat(warnings)
        .singleElement()
        .asString()
        .contains("Tiny is not on this machine")
        .contains("404")
        .contains("synthetic-garments")
        .doesNotContain("\n");
    assertThat(server.requests()).hasSize(1);
    assertThat(cache.resolve("tiny/train-images.gz")).doesNotExist();
  }

  @Test
  void anInterruptedDownloadIsNotReplacedByOtherData() {
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> online().resolve(set)).isInstanceOf(DataException.class);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void anUnusableCacheIsAWarningToo() throws IOException {
    Files.writeString(cache, "a file where the folder should be");
    assertThat(online().resolve(set).source()).isEqualTo(DataSource.EMBEDDED);
    assertThat(warnings).last().asString().contains("cannot use the cache");
  }

  @Test
  void locateTellsWithoutLoadingOrAsking() throws IOException {
    assertThat(online().locate(set).source()).isEqualTo(DataSource.DOWNLOAD);
    assertThat(resolver(true).locate(set).source()).isEqualTo(DataSource.EMBEDDED);
    assertThat(online().locate(set).notes())
        .containsExactly(
            "--data: no Tiny in " + given, "STEELYARD_DATA: no Tiny in " + environment);
    TINY.write(cache.resolve("tiny"));
    assertThat(online().locate(set).source()).isEqualTo(DataSource.CACHE);
    assertThat(server.requests()).isEmpty();
    assertThat(warnings).isEmpty();
  }

  @Test
  void threadsThatWantTheSameSetDownloadItOnce() throws Exception {
    server.answer(
        exchange -> {
          pause();
          server.serve(exchange);
        });
    final DataLocations locations =
        new DataLocations(Optional.empty(), Optional.empty(), cache, false);
    final Callable<Integer> task = () -> resolver(locations).resolve(set).train().count();
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (final Future<Integer> count : threads.invokeAll(Collections.nCopies(4, task))) {
        assertThat(count.get()).isEqualTo(TinySet.TRAIN);
      }
    }
    assertThat(server.requests()).hasSize(4);
    assertThat(warnings).isEmpty();
    assertOnlyTheSetIsIn(cache.resolve("tiny"));
  }

  @Test
  void processesThatWantTheSameSetDownloadItOnce() throws Exception {
    server.answer(
        exchange -> {
          pause();
          server.serve(exchange);
        });
    final List<Process> processes = new ArrayList<>();
    for (int child = 0; child < 2; child++) {
      processes.add(
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx256m",
                  "-cp",
                  System.getProperty("java.class.path"),
                  CacheFiller.class.getName(),
                  cache.toString(),
                  server.address().toString())
              .redirectErrorStream(true)
              .start());
    }
    for (final Process process : processes) {
      final String output =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).as(output).isTrue();
      assertThat(process.exitValue()).as(output).isZero();
      assertThat(output.strip()).isIn("DOWNLOAD", "CACHE");
    }
    assertThat(server.requests()).hasSize(4);
    assertOnlyTheSetIsIn(cache.resolve("tiny"));
  }

  private void assertFrom(DataSource source) {
    final ResolvedData data = online().resolve(set);
    assertThat(data.source()).isEqualTo(source);
    assertThat(data.origin()).startsWith(source.label() + " (sha256 ");
    assertThat(data.train().count()).isEqualTo(TinySet.TRAIN);
  }

  private static void assertOnlyTheSetIsIn(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      assertThat(files.map(path -> path.getFileName().toString()))
          .containsExactlyInAnyOrder(
              ".lock", "train-images.gz", "train-labels.gz", "test-images.gz", "test-labels.gz");
    }
  }

  private static void pause() throws IOException {
    try {
      Thread.sleep(200);
    } catch (final InterruptedException stopped) {
      throw new IOException(stopped);
    }
  }

  private DataResolver online() {
    return resolver(false);
  }

  private DataResolver resolver(boolean offline) {
    return resolver(
        new DataLocations(Optional.of(given), Optional.of(environment), cache, offline));
  }

  private DataResolver resolver(DataLocations locations) {
    return new DataResolver(
        locations,
        warnings::add,
        DownloadProgress.NONE,
        new Downloader(new Downloader.Patience(WAIT, WAIT, WAIT, 2, Duration.ofMillis(5))));
  }
}
