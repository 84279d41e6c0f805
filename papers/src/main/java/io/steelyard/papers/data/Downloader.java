package io.steelyard.papers.data;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Downloads files whose size and checksum are known beforehand.
 *
 * <p>Bytes go to {@code <file>.part} beside the target. A download that breaks off goes on from
 * there, in this call or in a later one. The target appears by an atomic move, after its checksum
 * has been verified; whatever is wrong, no damaged file is left under its name.
 *
 * <p>An address that cannot be reached or does not answer is given up at once, so that a machine
 * without network waits for one time-out per address and no longer; errors of a server that
 * answers, and connections that break off, are retried.
 */
final class Downloader {

  /**
   * When to wait and when to give up.
   *
   * @param connect longest wait for a connection
   * @param answer longest wait for the header of an answer, name look-up and connection included
   * @param stall longest wait between two pieces of a body
   * @param attempts tries per address that bring no new byte before it is given up
   * @param backOff wait after the first failed try; doubled after each further one
   */
  record Patience(
      Duration connect, Duration answer, Duration stall, int attempts, Duration backOff) {

    static final Patience USUAL =
        new Patience(
            Duration.ofSeconds(4),
            Duration.ofSeconds(10),
            Duration.ofSeconds(15),
            4,
            Duration.ofMillis(500));
  }

  /** Tries per address altogether, so that a server handing out crumbs cannot hold us for ever. */
  private static final int MOST_TRIES = 50;

  private static final int BUFFER = 1 << 16;
  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-\\d+/(\\d+|\\*)");

  private final Patience patience;

  Downloader(Patience patience) {
    this.patience = patience;
  }

  /** An address has said something that trying again will not change. */
  private static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1;

    RefusedException(String message) {
      super(message);
    }
  }

  /**
   * Downloads a file from the first address that delivers it.
   *
   * @param addresses folders, each ending in a slash
   * @param file what is expected
   * @param target where it goes; its folder must exist
   * @throws DataException if no address delivers; the message says why for each
   */
  void download(List<URI> addresses, DataFile file, Path target, DownloadProgress progress) {
    final Path part = target.resolveSibling(file.name() + ".part");
    final List<String> failures = new ArrayList<>();
    final HttpClient client =
        HttpClient.newBuilder()
            .connectTimeout(patience.connect())
            .followRedirects(HttpClient.Redirect.NORMAL)
            .version(HttpClient.Version.HTTP_1_1)
            .build();
    try {
      for (final URI address : addresses) {
        final Optional<String> failure =
            fetch(client, address.resolve(file.name()), file, part, progress);
        if (failure.isEmpty()) {
          Files.move(
              part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
          return;
        }
        failures.add(address.getHost() + ": " + failure.get());
      }
    } catch (final IOException failure) {
      throw new DataException("cannot write " + target + ": " + failure, failure);
    } catch (final InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new DataException("download of " + file.name() + " was interrupted", interrupted);
    } finally {
      client.shutdownNow();
    }
    throw new DataException(
        "cannot download " + file.name() + " (" + String.join("; ", failures) + ")");
  }

  /** Fills the part file from one address, or says why that failed. */
  private Optional<String> fetch(
      HttpClient client, URI address, DataFile file, Path part, DownloadProgress progress)
      throws InterruptedException {
    int fruitless = 0;
    String reason = "";
    for (int tries = 0; tries < MOST_TRIES && fruitless < patience.attempts(); tries++) {
      if (fruitless > 0) {
        Thread.sleep(patience.backOff().multipliedBy(1L << (fruitless - 1)));
      }
      final long before = length(part);
      try {
        attempt(client, address, file, part, progress);
        return Optional.empty();
      } catch (final RefusedException refusal) {
        return Optional.of(refusal.getMessage());
      } catch (final IOException failure) {
        if (isUnreachable(failure)) {
          return Optional.of("no connection");
        }
        reason = failure.getMessage() == null ? failure.toString() : failure.getMessage();
        fruitless = length(part) > before ? 1 : fruitless + 1;
      }
    }
    return Optional.of(reason);
  }

  private void attempt(
      HttpClient client, URI address, DataFile file, Path part, DownloadProgress progress)
      throws IOException, InterruptedException, RefusedException {
    final long present = length(part);
    if (present > file.size()) {
      Files.delete(part);
      throw new IOException("the partial file was longer than the whole one");
    }
    if (present < file.size()) {
      final HttpResponse<InputStream> response = request(client, address, present);
      try (InputStream body = response.body()) {
        final long start = start(response, file, part, present);
        append(body, part, start, file, progress);
      }
    }
    verify(file, part, present > 0);
    progress.at(file.name(), file.size(), file.size());
  }

  private HttpResponse<InputStream> request(HttpClient client, URI address, long from)
      throws IOException, InterruptedException, RefusedException {
    final HttpRequest.Builder request = HttpRequest.newBuilder(address).GET();
    request.header("User-Agent", "steelyard");
    if (from > 0) {
      request.header("Range", "bytes=" + from + "-");
    }
    final CompletableFuture<HttpResponse<InputStream>> answer =
        client.sendAsync(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    try {
      // A wait of our own, since the client's time-outs do not cover the look-up of the name.
      return answer.get(patience.answer().toMillis(), TimeUnit.MILLISECONDS);
    } catch (final TimeoutException _) {
      answer.cancel(true);
      throw new RefusedException("no answer within " + seconds(patience.answer()));
    } catch (final ExecutionException failure) {
      if (failure.getCause() instanceof final IOException cause) {
        throw cause;
      }
      throw new IOException(failure.getCause().toString(), failure);
    }
  }

  /** Where in the file the body starts; anything but a usable answer is thrown. */
  private static long start(
      HttpResponse<InputStream> response, DataFile file, Path part, long asked)
      throws IOException, RefusedException {
    final int status = response.statusCode();
    return switch (status) {
      case 200 -> {
        final OptionalLong length = response.headers().firstValueAsLong("Content-Length");
        if (length.isPresent() && length.getAsLong() != file.size()) {
          throw refusedSize(length.getAsLong(), file);
        }
        yield 0;
      }
      case 206 -> {
        final String range = response.headers().firstValue("Content-Range").orElse("");
        final Matcher matcher = CONTENT_RANGE.matcher(range);
        if (!matcher.matches() || Long.parseLong(matcher.group(1)) != asked) {
          Files.deleteIfExists(part);
          throw new IOException("asked for bytes from " + asked + ", got '" + range + "'");
        }
        if (!matcher.group(2).equals("*") && Long.parseLong(matcher.group(2)) != file.size()) {
          throw refusedSize(Long.parseLong(matcher.group(2)), file);
        }
        yield asked;
      }
      case 416 -> {
        Files.deleteIfExists(part);
        throw new IOException("HTTP status 416 for a range from byte " + asked);
      }
      default -> {
        if (status == 408 || status == 429 || status >= 500) {
          throw new IOException("HTTP status " + status);
        }
        throw new RefusedException("HTTP status " + status);
      }
    };
  }

  private static RefusedException refusedSize(long found, DataFile file) {
    return new RefusedException("offers " + found + " bytes, expected " + file.size());
  }

  private void append(
      InputStream body, Path part, long start, DataFile file, DownloadProgress progress)
      throws IOException, RefusedException {
    final StallGuard guard = new StallGuard(body, patience.stall());
    try (guard;
        FileChannel channel =
            FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.truncate(start);
      channel.position(start);
      long done = start;
      progress.at(file.name(), done, file.size());
      final byte[] buffer = new byte[BUFFER];
      for (int read = body.read(buffer); read >= 0; read = body.read(buffer)) {
        guard.alive();
        done += read;
        if (done > file.size()) {
          channel.truncate(0);
          throw new RefusedException("sends more than the expected " + file.size() + " bytes");
        }
        final ByteBuffer piece = ByteBuffer.wrap(buffer, 0, read);
        while (piece.hasRemaining()) {
          channel.write(piece);
        }
        progress.at(file.name(), done, file.size());
      }
      if (done < file.size()) {
        throw new IOException("connection ended after " + done + " of " + file.size() + " bytes");
      }
      channel.force(true);
    } catch (final IOException failure) {
      if (guard.stalled()) {
        throw new IOException("no data for " + seconds(patience.stall()), failure);
      }
      throw failure;
    }
  }

  private static void verify(DataFile file, Path part, boolean resumed)
      throws IOException, RefusedException {
    final Optional<String> problem = DataFolder.mismatch(part, file);
    if (problem.isPresent()) {
      Files.delete(part);
      if (resumed) {
        // The fault may lie in what was there before: once more from the start.
        throw new IOException("the resumed " + problem.get());
      }
      throw new RefusedException(problem.get());
    }
  }

  private static boolean isUnreachable(IOException failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ConnectException
          || cause instanceof HttpConnectTimeoutException
          || cause instanceof UnknownHostException
          || cause instanceof UnresolvedAddressException) {
        return true;
      }
    }
    return false;
  }

  private static String seconds(Duration duration) {
    return duration.toMillis() / 1000.0 + " s";
  }

  private static long length(Path part) {
    try {
      return Files.exists(part) ? Files.size(part) : 0;
    } catch (final IOException unreadable) {
      return 0;
    }
  }
}
