package io.steelyard.feed.harvest;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Asks a source, one request at a time and no faster than it allows, again after a failure, and
 * only the hosts it may: an answer cannot send it anywhere else. Safe to use from any thread; who
 * asks waits for those who asked before.
 */
public final class Web implements AutoCloseable {

  private static final int LARGEST = 64 << 20;
  private static final int ATTEMPTS = 4;
  private static final int MOST_REDIRECTS = 5;
  private static final Duration TIMEOUT = Duration.ofSeconds(60);
  private static final Set<String> HOSTS =
      Set.of("export.arxiv.org", "oaipmh.arxiv.org", "arxiv.org", "huggingface.co");

  private final HttpClient client =
      HttpClient.newBuilder()
          .connectTimeout(Duration.ofSeconds(20))
          .followRedirects(HttpClient.Redirect.NEVER)
          .build();

  private final String agent;
  private final Duration pause;
  private final Optional<String> ownHost;
  private final ReentrantLock turn = new ReentrantLock(true);
  private long notBefore = System.nanoTime();

  /**
   * A client.
   *
   * @param contact whom a source may write to, in the User-Agent; empty for nobody
   * @param pause between two requests
   * @param ownBase an address of the operator's choice that may be asked too, for a mirror
   */
  public Web(String contact, Duration pause, Optional<URI> ownBase) {
    this.agent = "Steelyard/0.1" + (contact.isEmpty() ? "" : " (" + contact + ")");
    this.pause = pause;
    this.ownHost = ownBase.map(Web::place);
  }

  /** An answer. */
  public static final class Answer {

    private final boolean unchanged;
    private final byte[] body;
    private final String etag;
    private final String modified;
    private final Optional<String> next;

    private Answer(
        boolean unchanged, byte[] body, String etag, String modified, Optional<String> next) {
      this.unchanged = unchanged;
      this.body = body;
      this.etag = etag;
      this.modified = modified;
      this.next = next;
    }

    /** Whether the source says that nothing has changed; then there is no body. */
    public boolean unchanged() {
      return unchanged;
    }

    /** Its bytes; not to be changed. */
    public byte[] body() {
      return body;
    }

    /** Its entity tag, empty if it has none. */
    public String etag() {
      return etag;
    }

    /** When the source says it last changed, empty if it does not. */
    public String modified() {
      return modified;
    }

    /** The address in its header {@code Link: rel="next"}. */
    public Optional<String> next() {
      return next;
    }
  }

  /** Asks, and asks again after a failure that may pass. */
  public Answer get(URI address, String etag, String modified) {
    turn.lock();
    try {
      return inTurn(address, etag, modified);
    } finally {
      turn.unlock();
    }
  }

  private Answer inTurn(URI address, String etag, String modified) {
    SourceException last = new SourceException("cannot read " + address);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        final HttpResponse<InputStream> response = ask(address, etag, modified);
        try (InputStream in = response.body()) {
          switch (response.statusCode()) {
            case 200 -> {
              return answer(response, in, address);
            }
            case 304 -> {
              return new Answer(true, new byte[0], etag, modified, Optional.empty());
            }
            case 429 ->
                throw new SourceException(
                    address.getHost()
                        + " says that it is asked too often; wait ten minutes at least, then run"
                        + " this again: it goes on where it stopped");
            case 500, 502, 503, 504 -> {
              last =
                  new SourceException(
                      address.getHost()
                          + " answers with "
                          + response.statusCode()
                          + "; run this again later: it goes on where it stopped");
              delay(response, attempt);
            }
            default ->
                throw new SourceException(
                    address + " answers with status " + response.statusCode());
          }
        }
      } catch (IOException e) {
        last = new SourceException("cannot reach " + address.getHost() + ": " + e.getMessage(), e);
        delay(pause.multipliedBy(1L << attempt));
      }
    }
    throw last;
  }

  private HttpResponse<InputStream> ask(URI address, String etag, String modified)
      throws IOException {
    URI next = address;
    for (int hop = 0; hop <= MOST_REDIRECTS; hop++) {
      check(next);
      waitForTurn();
      final HttpRequest.Builder request =
          HttpRequest.newBuilder(next).timeout(TIMEOUT).header("User-Agent", agent);
      if (!etag.isEmpty()) {
        request.header("If-None-Match", etag);
      }
      if (!modified.isEmpty()) {
        request.header("If-Modified-Since", modified);
      }
      final HttpResponse<InputStream> response;
      try {
        response = client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new SourceException("interrupted while asking " + next, e);
      }
      final Optional<String> location = response.headers().firstValue("Location");
      if (!List.of(301, 302, 303, 307, 308).contains(response.statusCode()) || location.isEmpty()) {
        return response;
      }
      response.body().close();
      next = next.resolve(location.get());
    }
    throw new SourceException(address + " leads from one address to the next without end");
  }

  /** Only sources that are known, and only encrypted; the operator's own may be plain. */
  private void check(URI address) {
    final boolean own = ownHost.filter(place(address)::equals).isPresent();
    final boolean known =
        "https".equals(address.getScheme())
            && address.getHost() != null
            && HOSTS.contains(address.getHost().toLowerCase(Locale.ROOT))
            && address.getPort() == -1;
    if (!own && !known) {
      throw new SourceException(address + " is no source of papers; it is not asked");
    }
  }

  private static String place(URI address) {
    return (address.getScheme() + "://" + address.getHost() + ":" + address.getPort())
        .toLowerCase(Locale.ROOT);
  }

  private static Answer answer(HttpResponse<InputStream> response, InputStream in, URI address)
      throws IOException {
    final byte[] body = in.readNBytes(LARGEST + 1);
    if (body.length > LARGEST) {
      throw new SourceException(address + " answers with more than 64 MiB; it is not read");
    }
    return new Answer(
        false,
        body,
        response.headers().firstValue("ETag").orElse(""),
        response.headers().firstValue("Last-Modified").orElse(""),
        response
            .headers()
            .firstValue("Link")
            .filter(link -> link.matches(".*rel=\"?next\"?.*"))
            .map(link -> link.replaceFirst("^.*<([^>]*)>;\\s*rel=\"?next\"?.*$", "$1")));
  }

  private void delay(HttpResponse<?> response, int attempt) {
    final Optional<Long> asked =
        response
            .headers()
            .firstValue("Retry-After")
            .filter(s -> s.matches("\\d{1,4}"))
            .map(Long::valueOf);
    delay(asked.map(Duration::ofSeconds).orElse(pause.multipliedBy(1L << attempt)));
  }

  private void delay(Duration time) {
    notBefore = Math.max(notBefore, System.nanoTime() + time.toNanos());
  }

  private void waitForTurn() {
    final long nanos = notBefore - System.nanoTime();
    try {
      if (nanos > 0) {
        Thread.sleep(Duration.ofNanos(nanos));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SourceException("interrupted while waiting for a source", e);
    }
    notBefore = System.nanoTime() + pause.toNanos();
  }

  @Override
  public void close() {
    client.close();
  }
}
