package io.steelyard.papers.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class DownloaderTest {

  private static final String NAME = "file.gz";
  private static final int SIZE = 300_000;
  private static final int HALF = SIZE / 2;
  private static final byte[] CONTENT = noise(1);
  private static final DataFile FILE = TinySet.file(NAME, CONTENT);

  /** Long enough for a busy machine; tests that wait for a time-out use {@link #HASTY}. */
  private static final Duration LONG = Duration.ofSeconds(10);

  private static final Duration SHORT = Duration.ofMillis(500);

  private static final Downloader DOWNLOADER = downloader(LONG, LONG);
  private static final Downloader HASTY = downloader(LONG, SHORT);

  @TempDir Path folder;
  private Path target;
  private Path part;
  private FileServer server;
  private final List<Long> progress = Collections.synchronizedList(new ArrayList<>());

  @BeforeEach
  void start() {
    server = new FileServer(Map.of(NAME, CONTENT));
    target = folder.resolve(NAME);
    part = folder.resolve(NAME + ".part");
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void downloadsAndReportsProgressUpToTheEnd() {
    download(server.address());
    assertDelivered();
    assertThat(progress).isSorted().first().isEqualTo(0L);
    assertThat(progress).last().isEqualTo((long) SIZE);
  }

  @Test
  void replacesADamagedTarget() throws IOException {
    Files.write(target, new byte[] {1, 2, 3});
    download(server.address());
    assertDelivered();
  }

  @Test
  void resumesWhereAConnectionBrokeOff() throws IOException {
    final CountDownLatch halfArrived = new CountDownLatch(1);
    server.answer(breakingOffOnce(halfArrived));
    DOWNLOADER.download(
        List.of(server.address()),
        FILE,
        target,
        (_, done, _) -> {
          if (done == HALF) {
            halfArrived.countDown();
          }
        });
    assertDelivered();
    assertThat(server.requests())
        .extracting(FileServer.Request::range)
        .containsExactly(Optional.empty(), Optional.of("bytes=" + HALF + "-"));
  }

  @Test
  void resumesAfterAStall() throws IOException {
    final AtomicInteger count = new AtomicInteger();
    final CountDownLatch over = new CountDownLatch(1);
    server.answer(
        exchange -> {
          if (count.getAndIncrement() > 0) {
            server.serve(exchange);
            return;
          }
          exchange.sendResponseHeaders(200, SIZE);
          exchange.getResponseBody().write(CONTENT, 0, HALF);
          exchange.getResponseBody().flush();
          await(over);
        });
    HASTY.download(List.of(server.address()), FILE, target, DownloadProgress.NONE);
    over.countDown();
    assertDelivered();
    assertThat(server.requests())
        .extracting(FileServer.Request::range)
        .startsWith(Optional.empty(), Optional.of("bytes=" + HALF + "-"));
  }

  @Test
  void aLaterCallResumesWhatAnEarlierOneLeft() throws IOException {
    Files.write(part, Arrays.copyOf(CONTENT, 1_000));
    download(server.address());
    assertDelivered();
    assertThat(server.requests())
        .containsExactly(new FileServer.Request(NAME, Optional.of("bytes=1000-")));
    assertThat(progress).first().isEqualTo(1_000L);
  }

  @Test
  void aCompletePartNeedsNoRequest() throws IOException {
    Files.write(part, CONTENT);
    download(server.address());
    assertDelivered();
    assertThat(server.requests()).isEmpty();
  }

  @Test
  void startsAnewWhenTheServerIgnoresRanges() throws IOException {
    Files.write(part, Arrays.copyOf(CONTENT, 1_000));
    server.answer(
        exchange -> {
          exchange.sendResponseHeaders(200, SIZE);
          exchange.getResponseBody().write(CONTENT);
        });
    download(server.address());
    assertDelivered();
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void startsAnewWhenTheServerAnswersAnotherRange() throws IOException {
    Files.write(part, Arrays.copyOf(CONTENT, 1_000));
    server.answer(
        exchange -> {
          if (FileServer.from(exchange) == 0) {
            server.serve(exchange);
            return;
          }
          exchange
              .getResponseHeaders()
              .add("Content-Range", "bytes 500-" + (SIZE - 1) + "/" + SIZE);
          exchange.sendResponseHeaders(206, SIZE - 500);
          exchange.getResponseBody().write(CONTENT, 500, SIZE - 500);
        });
    download(server.address());
    assertDelivered();
  }

  @Test
  void startsAnewWhenTheRangeIsRefused() throws IOException {
    Files.write(part, Arrays.copyOf(CONTENT, 1_000));
    server.answer(
        exchange -> {
          if (FileServer.from(exchange) == 0) {
            server.serve(exchange);
          } else {
            exchange.sendResponseHeaders(416, -1);
          }
        });
    download(server.address());
    assertDelivered();
  }

  @Test
  void startsAnewWhenThePartWasDamaged() throws IOException {
    Files.write(part, new byte[1_000]);
    download(server.address());
    assertDelivered();
    assertThat(server.requests())
        .extracting(FileServer.Request::range)
        .containsExactly(Optional.of("bytes=1000-"), Optional.empty());
  }

  @Test
  void startsAnewWhenThePartWasTooLong() throws IOException {
    Files.write(part, new byte[SIZE + 1]);
    download(server.address());
    assertDelivered();
  }

  @Test
  void refusesAnotherContent() {
    final byte[] other = noise(2);
    server.answer(
        exchange -> {
          exchange.sendResponseHeaders(200, SIZE);
          exchange.getResponseBody().write(other);
        });
    assertThatThrownBy(() -> download(server.address()))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("127.0.0.1")
        .hasMessageContaining("found sha256 " + TinySet.sha256(other))
        .hasMessageContaining("expected " + FILE.sha256());
    assertNothingLeft();
    assertThat(server.requests()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {SIZE - 1, SIZE + 1, 1_000_000})
  void refusesAnAnnouncedOtherSizeUnread(int size) {
    server.answer(
        exchange -> {
          exchange.sendResponseHeaders(200, size);
          exchange.getResponseBody().write(new byte[10]);
          exchange.getResponseBody().flush();
        });
    assertThatThrownBy(() -> download(server.address()))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("offers " + size + " bytes, expected " + SIZE);
    assertThat(target).doesNotExist();
    assertThat(progress).isEmpty();
  }

  @Test
  void stopsReadingAnEndlessAnswer() {
    final AtomicInteger sent = new AtomicInteger();
    server.answer(
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          while (sent.addAndGet(10_000) < 1_000_000_000) {
            exchange.getResponseBody().write(new byte[10_000]);
          }
        });
    assertThatThrownBy(() -> download(server.address()))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("sends more than the expected " + SIZE + " bytes");
    assertThat(target).doesNotExist();
    assertThat(progress).allMatch(done -> done <= SIZE);
    assertThat(sent.get()).isLessThan(1_000_000_000);
  }

  @Test
  void goesToTheNextAddressAfterARefusal() {
    try (FileServer empty = new FileServer(Map.of())) {
      download(empty.address(), server.address());
      assertThat(empty.requests()).hasSize(1);
    }
    assertDelivered();
  }

  @Test
  void saysWhyEachAddressFailed() {
    try (FileServer empty = new FileServer(Map.of())) {
      assertThatThrownBy(() -> download(empty.address(), empty.address()))
          .isInstanceOf(DataException.class)
          .hasMessageContaining(
              "cannot download file.gz (127.0.0.1: HTTP status 404; 127.0.0.1: HTTP status 404)");
      assertThat(empty.requests()).hasSize(2);
    }
    assertNothingLeft();
  }

  @ParameterizedTest
  @ValueSource(ints = {500, 503, 429, 408})
  void triesAgainAfterAPassingFault(int status) {
    final AtomicInteger count = new AtomicInteger();
    server.answer(
        exchange -> {
          if (count.getAndIncrement() < 2) {
            exchange.sendResponseHeaders(status, -1);
          } else {
            server.serve(exchange);
          }
        });
    download(server.address());
    assertDelivered();
    assertThat(server.requests()).hasSize(3);
  }

  @Test
  void givesUpWhenTheFaultStays() {
    server.answer(exchange -> exchange.sendResponseHeaders(503, -1));
    assertThatThrownBy(() -> download(server.address()))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("HTTP status 503");
    assertThat(server.requests()).hasSize(3);
    assertNothingLeft();
  }

  @Test
  void givesUpAtOnceWhenNobodyListens() throws IOException {
    final URI nobody;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = URI.create("http://127.0.0.1:" + socket.getLocalPort() + "/");
    }
    assertThatThrownBy(() -> download(nobody))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("no connection");
    assertNothingLeft();
  }

  @Test
  void givesUpAtOnceWhenNoAnswerComes() {
    final CountDownLatch over = new CountDownLatch(1);
    server.answer(_ -> await(over));
    final Downloader impatient = downloader(SHORT, LONG);
    assertThatThrownBy(
            () ->
                impatient.download(List.of(server.address()), FILE, target, DownloadProgress.NONE))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("no answer within 0.5 s");
    over.countDown();
    assertThat(server.requests()).hasSize(1);
    assertNothingLeft();
  }

  @Test
  void anInterruptEndsItAndIsKept() {
    server.answer(exchange -> await(new CountDownLatch(1)));
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> download(server.address()))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("interrupted");
    assertThat(Thread.interrupted()).isTrue();
    assertThat(target).doesNotExist();
  }

  private HttpHandler breakingOffOnce(CountDownLatch halfArrived) {
    final AtomicInteger count = new AtomicInteger();
    return exchange -> {
      if (count.getAndIncrement() > 0) {
        server.serve(exchange);
        return;
      }
      exchange.sendResponseHeaders(200, SIZE);
      exchange.getResponseBody().write(CONTENT, 0, HALF);
      exchange.getResponseBody().flush();
      // Closing at once could take away bytes the client has received but not yet read.
      await(halfArrived);
    };
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      latch.await(5, TimeUnit.SECONDS);
    } catch (final InterruptedException stopped) {
      throw new IOException(stopped);
    }
  }

  private void download(URI... addresses) {
    DOWNLOADER.download(List.of(addresses), FILE, target, (_, done, _) -> progress.add(done));
  }

  private void assertDelivered() {
    assertThat(target).hasBinaryContent(CONTENT);
    assertThat(part).doesNotExist();
  }

  private void assertNothingLeft() {
    assertThat(folder).isEmptyDirectory();
  }

  private static Downloader downloader(Duration answer, Duration stall) {
    return new Downloader(new Downloader.Patience(LONG, answer, stall, 3, Duration.ofMillis(5)));
  }

  private static byte[] noise(long seed) {
    final byte[] bytes = new byte[SIZE];
    new SplittableRandom(seed).nextBytes(bytes);
    return bytes;
  }
}
