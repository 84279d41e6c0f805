package io.steelyard.feed.site;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.feed.account.Patience;
import io.steelyard.feed.configuration.Setting;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each test tries an attack. */
class SecurityTest {

  private static final String FORM = "application/x-www-form-urlencoded";

  private static TestSite site;
  private static Person ada;

  @BeforeAll
  static void start() {
    site = TestSite.start(Map.of(Setting.RATE_FORMS, "0"));
    ada = Person.named("Ada", site);
  }

  @AfterAll
  static void stop() {
    ada.close();
    site.close();
  }

  @Test
  void theSessionIsOutOfReachOfScriptsAndOtherSites() {
    try (Person eve = new Person(site)) {
      final HttpResponse<String> answer = eve.signUp("Eve", "eve@example.org");
      assertThat(answer.headers().firstValue("Set-Cookie"))
          .hasValueSatisfying(
              cookie -> assertThat(cookie).contains("HttpOnly", "SameSite=Lax", "Path=/"));
      assertThat(eve.get("/account").headers().firstValue("Cache-Control"))
          .contains("private, no-store");
    }
    try (TestSite secure = TestSite.start(Map.of(Setting.PROXY, "true"))) {
      assertThat(
              secure
                  .post(
                      "/sign-up",
                      FORM,
                      "name=Bob&email=bob@example.org&password=a+good+password",
                      "X-Forwarded-Proto",
                      "https")
                  .headers()
                  .firstValue("Set-Cookie"))
          .hasValueSatisfying(cookie -> assertThat(cookie).endsWith("; Secure"));
    }
  }

  @Test
  void aSessionThatSomebodySetBeforeSignInIsNotTheOneAfter() {
    try (Person mallory = Person.named("Mallory", site)) {
      final String planted = mallory.session().orElseThrow();
      final HttpResponse<String> answer =
          site.post(
              "/sign-in",
              FORM,
              "who=ada&password=" + Person.PASSWORD.replace(' ', '+'),
              "Cookie",
              "session=" + planted);
      assertThat(answer.statusCode()).isEqualTo(403);
    }
    // Without a session that is good, an invented one is replaced.
    final HttpResponse<String> answer =
        site.post(
            "/sign-in",
            FORM,
            "who=ada&password=" + Person.PASSWORD.replace(' ', '+'),
            "Cookie",
            "session=invented");
    assertThat(answer.statusCode()).isEqualTo(303);
    assertThat(answer.headers().firstValue("Set-Cookie"))
        .hasValueSatisfying(cookie -> assertThat(cookie).doesNotContain("invented"));
  }

  @Test
  void aFormNeedsItsTokenAndItsSite() {
    final String cookie = "session=" + ada.session().orElseThrow();
    final String path = "/papers/2001.04438/vote";
    final String good = "vote=yes&csrf=" + ada.csrf();
    assertThat(site.post(path, FORM, "vote=yes", "Cookie", cookie).statusCode()).isEqualTo(403);
    assertThat(site.post(path, FORM, "vote=yes&csrf=x", "Cookie", cookie).statusCode())
        .isEqualTo(403);
    assertThat(
            site.post(path, FORM, good, "Cookie", cookie, "Origin", "https://evil.example")
                .statusCode())
        .isEqualTo(403);
    assertThat(
            site.post(path, FORM, good, "Cookie", cookie, "Sec-Fetch-Site", "cross-site")
                .statusCode())
        .isEqualTo(403);
    assertThat(site.post(path, FORM, good, "Cookie", cookie, "Origin", site.address()).statusCode())
        .isEqualTo(303);
    assertThat(site.post(path, FORM, good).statusCode()).isEqualTo(401);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<a href=\"java&#115;cript:alert(1)\">x</a>",
        "$\\href{javascript:alert(1)}{x}$",
        "$<script>alert(1)</script>$",
        "$x$ `$<img src=x onerror=alert(1)>$`",
        "![x](https://evil.example/track.png)",
        "<svg/onload=alert(1)>",
        "\"><script>alert(1)</script>"
      })
  void nothingThatAReaderWritesRuns(String text) {
    ada.post("/papers/2207.03341/comments", "text", text);
    final String page = site.get("/papers/2207.03341").body();
    final String said = page.substring(page.indexOf("id=\"comments\""));
    assertThat(said)
        .doesNotContainPattern("(?i)<script(?! src=\"/assets)")
        .doesNotContainPattern("(?i)<(img|iframe|object|embed)")
        .doesNotContainPattern("(?i)<[^>]*\\son[a-z]+\\s*=")
        .doesNotContainPattern("(?i)href=\"\\s*(javascript|data|vbscript):");
  }

  @ParameterizedTest
  @ValueSource(strings = {"' OR '1'='1", "x'; DROP TABLE vote; --", "\\", "%27%20OR%201=1"})
  void sqlInAParameterIsText(String text) {
    try (Person eve = new Person(site)) {
      assertThat(eve.signIn(text, text).statusCode()).isEqualTo(422);
    }
    final String encoded = java.net.URLEncoder.encode(text, StandardCharsets.UTF_8);
    assertThat(site.get("/search?q=" + encoded).statusCode()).isEqualTo(200);
    assertThat(site.get("/search?category=" + encoded).statusCode()).isIn(200, 400);
    assertThat(site.get("/authors/" + encoded.replace("+", "%20")).statusCode()).isIn(400, 404);
    assertThat(site.get("/papers/2001.04438").body()).contains("Two-Pass");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/assets/../../../../etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/runs/..%2f..%2f..%2fetc/passwd/1",
        "/runs/../quick/1",
        "/papers/..%5c..%5cetc%5cpasswd"
      })
  void pathsDoNotLeaveTheSite(String path) throws IOException {
    final String answer = raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assertThat(answer).containsPattern("^HTTP/1.1 (400|404)").doesNotContain("root:");
  }

  @Test
  void afterTenWrongPasswordsNoneIsListenedTo() {
    try (TestSite own = TestSite.start(Map.of(Setting.RATE_FORMS, "0"));
        Person bob = Person.named("Bob", own);
        Person eve = new Person(own)) {
      for (int i = 0; i < Patience.FOR_AN_ACCOUNT; i++) {
        assertThat(eve.signIn("bob", "wrong password " + i).statusCode()).isEqualTo(422);
      }
      assertThat(eve.signIn("bob", Person.PASSWORD).statusCode()).isEqualTo(429);
      assertThat(bob.get("/account").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void formsAreLimitedByAddress() {
    try (TestSite own = TestSite.start(Map.of(Setting.RATE_FORMS, "3"));
        Person eve = new Person(own)) {
      for (int i = 0; i < 3; i++) {
        eve.signIn("bob", "wrong password");
      }
      final HttpResponse<String> refused = eve.signIn("bob", "wrong password");
      assertThat(refused.statusCode()).isEqualTo(429);
      assertThat(refused.headers().firstValue("Retry-After")).isPresent();
    }
  }

  @Test
  void aBodyThatIsTooLongIsRefused() {
    final String cookie = "session=" + ada.session().orElseThrow();
    final String body = "csrf=" + ada.csrf() + "&text=" + "x".repeat(2 << 20);
    assertThat(site.post("/papers/2001.04438/comments", FORM, body, "Cookie", cookie).statusCode())
        .isIn(400, 413);
    assertThat(ada.post("/papers/2001.04438/comments", "text", "x".repeat(10_001)).statusCode())
        .isEqualTo(422);
    assertThat(site.get("/").statusCode()).isEqualTo(200);
  }

  @Test
  void whatIsNoUtf8IsRefusedOrHarmless() throws IOException {
    assertThat(raw("GET /search?q=%ff%fe%c0%80 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
        .containsPattern("^HTTP/1.1 (200|400)");
    final HttpResponse<String> answer =
        site.send(
            HttpRequest.newBuilder(URI.create(site.address() + "/api/apply/softmax"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(new byte[] {'"', (byte) 0xff, '"'}))
                .build());
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(site.get("/").statusCode()).isEqualTo(200);
  }

  @Test
  void slowClientsHoldUpNobody() throws IOException {
    final Socket[] slow = new Socket[60];
    try {
      for (int i = 0; i < slow.length; i++) {
        slow[i] =
            new Socket(InetAddress.getLoopbackAddress(), URI.create(site.address()).getPort());
        slow[i]
            .getOutputStream()
            .write("POST /sign-in HTTP/1.1\r\nHost: x\r\n".getBytes(StandardCharsets.US_ASCII));
        slow[i].getOutputStream().flush();
      }
      final long start = System.nanoTime();
      assertThat(site.get("/about").statusCode()).isEqualTo(200);
      assertThat((System.nanoTime() - start) / 1e9).isLessThan(5);
    } finally {
      for (final Socket socket : slow) {
        if (socket != null) {
          socket.close();
        }
      }
    }
  }

  @Test
  void signingInLeadsNowhereElse() {
    for (final String next : new String[] {"https://evil.example", "//evil.example", "/\\evil"}) {
      try (Person again = new Person(site)) {
        final HttpResponse<String> answer =
            again.post("/sign-in", "who", "ada", "password", Person.PASSWORD, "next", next);
        assertThat(answer.headers().firstValue("Location")).contains("/");
      }
    }
  }

  @Test
  void readersDoNotModerate() {
    ada.post("/papers/2001.04438/comments", "text", "mine");
    final String page = site.get("/papers/2001.04438").body();
    final String id = page.replaceFirst("(?s).*id=\"comment-(\\d+)\".*", "$1");
    try (Person bob = Person.named("Bobby", site)) {
      assertThat(bob.post("/comments/" + id + "/hide").statusCode()).isEqualTo(403);
      assertThat(bob.post("/comments/" + id + "/edit", "text", "yours").statusCode())
          .isEqualTo(403);
      assertThat(bob.get("/moderation").statusCode()).isEqualTo(403);
    }
    assertThat(site.get("/moderation").statusCode()).isEqualTo(401);
  }

  private static String raw(String request) throws IOException {
    try (Socket socket =
        new Socket(InetAddress.getLoopbackAddress(), URI.create(site.address()).getPort())) {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      final InputStream in = socket.getInputStream();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
