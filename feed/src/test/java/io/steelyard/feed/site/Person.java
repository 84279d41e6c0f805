package io.steelyard.feed.site;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.CookieManager;
import java.net.HttpCookie;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Somebody with a browser's memory: cookies are kept, forms carry the token of their page. */
final class Person implements AutoCloseable {

  static final String PASSWORD = "correct horse battery";

  private static final Pattern CSRF = Pattern.compile("name=\"csrf\" value=\"([^\"]*)\"");

  private final String address;
  private final CookieManager cookies = new CookieManager();
  private final HttpClient client = HttpClient.newBuilder().cookieHandler(cookies).build();

  Person(TestSite site) {
    this(site.address());
  }

  Person(String address) {
    this.address = address;
  }

  /** Somebody new who signs up and so in. */
  static Person named(String name, TestSite site) {
    final Person person = new Person(site);
    final HttpResponse<String> answer = person.signUp(name, name + "@example.org");
    if (answer.statusCode() != 303) {
      throw new IllegalStateException("cannot sign up: " + answer.body());
    }
    return person;
  }

  HttpResponse<String> signUp(String name, String email) {
    return post("/sign-up", "name", name, "email", email, "password", PASSWORD);
  }

  HttpResponse<String> signIn(String who, String password) {
    return post("/sign-in", "who", who, "password", password);
  }

  HttpResponse<String> get(String path) {
    return send(HttpRequest.newBuilder(URI.create(address + path)).build());
  }

  /** Sends a form with the token of the person's session. */
  HttpResponse<String> post(String path, String... fields) {
    return postWith(csrf(), path, fields);
  }

  /** Sends a form with this token. */
  HttpResponse<String> postWith(String csrf, String path, String... fields) {
    final StringBuilder body = new StringBuilder("csrf=" + encoded(csrf));
    for (int i = 0; i < fields.length; i += 2) {
      body.append('&').append(fields[i]).append('=').append(encoded(fields[i + 1]));
    }
    return send(
        HttpRequest.newBuilder(URI.create(address + path))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
            .build());
  }

  /** The token in the forms of a page, empty for nobody. */
  String csrf() {
    final Matcher token = CSRF.matcher(get("/sign-in").body());
    return token.find() ? token.group(1) : "";
  }

  Optional<String> session() {
    return cookies.getCookieStore().getCookies().stream()
        .filter(cookie -> cookie.getName().equals("session"))
        .map(HttpCookie::getValue)
        .findFirst();
  }

  List<HttpCookie> cookies() {
    return cookies.getCookieStore().getCookies();
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

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    client.close();
  }
}
