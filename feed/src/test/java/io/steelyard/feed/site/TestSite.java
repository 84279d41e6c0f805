package io.steelyard.feed.site;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.EnumMap;
import java.util.Map;
import java.util.UUID;

/** A site of its own for a test, with a database in memory, and a client that follows nothing. */
final class TestSite implements AutoCloseable {

  private final Site site;
  private final HttpClient client = HttpClient.newHttpClient();

  private TestSite(Site site) {
    this.site = site;
  }

  static TestSite start() {
    return start(Map.of());
  }

  static TestSite start(Map<Setting, String> settings) {
    final Map<Setting, String> all = new EnumMap<>(Setting.class);
    all.put(Setting.PORT, "0");
    all.put(Setting.DB, "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
    all.put(Setting.RUNS, "no-such-folder");
    all.put(Setting.RATE_PAGES, "0");
    all.put(Setting.RATE_API, "0");
    all.put(Setting.RATE_SEARCH, "0");
    all.putAll(settings);
    return new TestSite(Site.start(Settings.with(all)));
  }

  Site site() {
    return site;
  }

  String address() {
    return site.address();
  }

  HttpResponse<String> get(String path, String... headers) {
    final HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(address() + path));
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return send(request.build());
  }

  HttpResponse<String> post(String path, String type, String body, String... headers) {
    final HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(address() + path))
            .header("Content-Type", type)
            .POST(HttpRequest.BodyPublishers.ofString(body));
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return send(request.build());
  }

  JsonElement json(String path) {
    return JsonParser.parseString(get(path).body());
  }

  HttpResponse<String> send(HttpRequest request) {
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException("no answer to " + request, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  @Override
  public void close() {
    client.close();
    site.close();
  }
}
