package io.steelyard.feed.harvest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.database.Engine;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Imports from answers that we wrote after the documented formats, served on this machine. */
class HarvestTest {

  private HttpServer source;
  private URI base;
  private Web web;
  private final List<String> asked = new ArrayList<>();
  private Answering answering = exchange -> exchange.sendResponseHeaders(404, -1);

  private interface Answering {

    void answer(HttpExchange exchange) throws IOException;
  }

  @BeforeEach
  void start() throws IOException {
    source = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    source.createContext(
        "/",
        exchange -> {
          asked.add(exchange.getRequestURI().toString());
          try (exchange) {
            answering.answer(exchange);
          }
        });
    source.start();
    base = URI.create("http://127.0.0.1:" + source.getAddress().getPort() + "/");
    web = new Web("test@example.org", Duration.ofMillis(1), Optional.of(base));
  }

  @AfterEach
  void stop() {
    web.close();
    source.stop(0);
  }

  private static byte[] recorded(String name) throws IOException {
    try (InputStream in = HarvestTest.class.getResourceAsStream(name)) {
      assertThat(in).as(name).isNotNull();
      return in.readAllBytes();
    }
  }

  private static void send(HttpExchange exchange, String name) throws IOException {
    final byte[] body = recorded(name);
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
  }

  private static Harvest harvest(Database database) {
    return new Harvest(database, _ -> {});
  }

  private static Publication paper(Database database, String id) {
    final Optional<Publication> paper =
        database.read(handle -> new Publications(handle).find(new ArxivId(id)));
    return paper.orElseThrow();
  }

  @ParameterizedTest
  @EnumSource
  void papersOfTheQueryApi(Engine engine) {
    answering = exchange -> send(exchange, "query.xml");
    try (Database database = engine.open()) {
      final Harvest.Count count =
          harvest(database)
              .ids(List.of(new ArxivId("2101.00001"), new ArxivId("hep-ex/0307015")), base, web);
      assertThat(count).isEqualTo(new Harvest.Count(2, 2, 0));
      assertThat(asked)
          .containsExactly("/api/query?max_results=2&id_list=2101.00001,hep-ex/0307015");
      final Publication paper = paper(database, "2101.00001");
      assertThat(paper.version()).isEqualTo(3);
      assertThat(paper.title()).isEqualTo("A made-up paper on $\\ell_1$ balls and softmax");
      assertThat(paper.abstractText()).doesNotContain("\n").startsWith("Nothing here is real.");
      assertThat(paper.authors())
          .containsExactly(
              new Author("Ada Example", "Institute of Examples"), new Author("Bob Sample"));
      assertThat(paper.categories()).containsExactly("cs.LG", "cs.CL", "stat.ML");
      assertThat(paper.published()).hasToString("2021-01-01T05:00:00Z");
      assertThat(paper.code().orElseThrow().url()).isEqualTo("https://github.com/example/made-up");
      assertThat(paper.doi()).isEqualTo("10.1000/example");
      assertThat(harvest(database).ids(List.of(paper.id()), base, web).updated()).isZero();
    }
  }

  @Test
  void anErrorOfArxivIsToldAndAnUnknownIdIsNothing() {
    try (Database database = Engine.H2.open()) {
      answering = exchange -> send(exchange, "query-error.xml");
      assertThatThrownBy(() -> harvest(database).ids(List.of(new ArxivId("2101.00001")), base, web))
          .isInstanceOf(SourceException.class)
          .hasMessageContaining("incorrect id format");
      answering = exchange -> send(exchange, "query-empty.xml");
      assertThat(harvest(database).ids(List.of(new ArxivId("9999.00001")), base, web))
          .isEqualTo(Harvest.Count.NONE);
    }
  }

  @Test
  void aSetGoesOnWhereItStopped() {
    answering =
        exchange -> {
          final String query = exchange.getRequestURI().getQuery();
          if (query.contains("resumptionToken=more|1001")) {
            send(exchange, "oai-2.xml");
          } else if (query.contains("from=2025-12-01")) {
            send(exchange, "oai-1.xml");
          } else if (query.contains("from=2025-12-11")) {
            send(exchange, "oai-none.xml");
          } else {
            exchange.sendResponseHeaders(400, -1);
          }
        };
    try (Database database = Engine.H2.open()) {
      // The connection is lost after the first of two answers.
      final Answering good = answering;
      answering =
          exchange -> {
            if (exchange.getRequestURI().getQuery().contains("resumptionToken")) {
              exchange.sendResponseHeaders(404, -1);
            } else {
              good.answer(exchange);
            }
          };
      final LocalDate since = LocalDate.of(2025, 12, 1);
      assertThatThrownBy(() -> harvest(database).set("cs:cs:LG", since, base, web))
          .isInstanceOf(SourceException.class);
      answering = good;
      asked.clear();
      assertThat(harvest(database).set("cs:cs:LG", since, base, web))
          .isEqualTo(new Harvest.Count(1, 1, 0));
      assertThat(asked).containsExactly("/oai?verb=ListRecords&resumptionToken=more%7C1001");
      assertThat(paper(database, "2512.00001").authors())
          .containsExactly(new Author("Ada Example Jr."), new Author("Bob Sample", "Somewhere"));
      assertThat(paper(database, "2512.00002").licence()).contains("creativecommons.org");
      // The next time begins at the date of the last answer.
      assertThat(harvest(database).set("cs:cs:LG", since, base, web)).isEqualTo(Harvest.Count.NONE);
    }
  }

  @Test
  void dailyPapersArePagedAndConditional() {
    answering =
        exchange -> {
          if ("\"v1\"".equals(exchange.getRequestHeaders().getFirst("If-None-Match"))) {
            exchange.sendResponseHeaders(304, -1);
          } else if (exchange.getRequestURI().getQuery().contains("p=1")) {
            send(exchange, "daily-2.json");
          } else {
            exchange.getResponseHeaders().add("ETag", "\"v1\"");
            exchange
                .getResponseHeaders()
                .add(
                    "Link",
                    "<" + base + "api/daily_papers?limit=100&date=2025-12-10&p=1>; rel=\"next\"");
            send(exchange, "daily-1.json");
          }
        };
    try (Database database = Engine.H2.open()) {
      final LocalDate day = LocalDate.of(2025, 12, 10);
      assertThat(harvest(database).daily(day, base, web)).isEqualTo(new Harvest.Count(3, 3, 0));
      final Publication paper = paper(database, "2512.00003");
      assertThat(paper.featured()).isEqualTo(day);
      assertThat(paper.stars()).contains(42);
      assertThat(paper.code().orElseThrow().url()).isEqualTo("https://github.com/example/three");
      assertThat(paper(database, "2512.00005").authors()).isEmpty();
      asked.clear();
      assertThat(harvest(database).daily(day, base, web)).isEqualTo(Harvest.Count.NONE);
      assertThat(asked).hasSize(1);
    }
  }

  @Test
  void aFolderOfAnswersWorksAsTheNetworkDoes(@TempDir Path folder) throws IOException {
    for (final String name :
        List.of("query.xml", "oai-1.xml", "oai-2.xml", "daily-1.json", "daily-2.json")) {
      Files.write(folder.resolve(name), recorded(name));
    }
    try (Database database = Engine.H2.open()) {
      final Harvest.Count count = harvest(database).files(List.of(folder));
      assertThat(count.added()).isEqualTo(7);
      final var before = database.read(handle -> new Publications(handle).changes());
      assertThat(harvest(database).files(List.of(folder)).added()).isZero();
      final var after = database.read(handle -> new Publications(handle).changes());
      assertThat(after).isEqualTo(before);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "<feed>                          | is not well-formed XML",
        "<html/>                         | has the root element html",
        "[{\"id\":\"x\"}]                | has a paper whose id is 'x'",
        "[{\"id\":\"2101.00001\"}]       | without a title",
        "[{\"id\":\"2101.00001\",\"title\":\"t\"}] | without a date",
        "{\"id\":                        | line 1 is not valid JSON",
        "hello                           | is neither Atom",
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><feed><entry>&x;</entry></feed> | DOCTYPE"
      })
  void whatCannotBeReadIsNamedAndNothingIsTaken(String text, String sentence, @TempDir Path folder)
      throws IOException {
    final Path file = Files.writeString(folder.resolve("answer"), text);
    try (Database database = Engine.H2.open()) {
      assertThatThrownBy(() -> harvest(database).files(List.of(file)))
          .isInstanceOf(SourceException.class)
          .hasMessageContaining(sentence);
      assertThat(database.<Long>read(handle -> new Publications(handle).count())).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "http://169.254.169.254/latest/meta-data",
    "http://localhost:5432/",
    "https://arxiv.org.evil.example/",
    "file:///etc/passwd",
    "http://arxiv.org/",
    "https://arxiv.org:8443/"
  })
  void anAnswerCannotSendItElsewhere(String elsewhere) {
    answering =
        exchange -> {
          exchange.getResponseHeaders().add("Location", elsewhere);
          exchange.sendResponseHeaders(302, -1);
        };
    assertThatThrownBy(() -> web.get(base, "", ""))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("is no source of papers");
    assertThat(asked).hasSize(1);
  }

  @Test
  void aSourceThatIsBusyIsAskedAgainAndOneThatIsTiredIsLeftAlone() {
    answering =
        exchange -> {
          if (asked.size() < 3) {
            exchange.sendResponseHeaders(503, -1);
          } else {
            send(exchange, "query-empty.xml");
          }
        };
    assertThat(web.get(base, "", "").body()).isNotEmpty();
    assertThat(asked).hasSize(3);
    asked.clear();
    answering = exchange -> exchange.sendResponseHeaders(429, -1);
    assertThatThrownBy(() -> web.get(base, "", "")).hasMessageContaining("wait ten minutes");
    assertThat(asked).hasSize(1);
    asked.clear();
    source.stop(0);
    assertThatThrownBy(() -> web.get(base, "", "")).hasMessageContaining("cannot reach");
  }

  @Test
  void requestsKeepTheirDistance() {
    answering = exchange -> send(exchange, "query-empty.xml");
    try (Web slow = new Web("", Duration.ofMillis(200), Optional.of(base))) {
      final long start = System.nanoTime();
      for (int i = 0; i < 3; i++) {
        slow.get(base, "", "");
      }
      assertThat((System.nanoTime() - start) / 1_000_000).isGreaterThanOrEqualTo(400);
    }
  }
}
