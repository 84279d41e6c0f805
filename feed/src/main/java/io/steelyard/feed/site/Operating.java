package io.steelyard.feed.site;

import com.google.gson.JsonObject;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.tex.Tex;
import io.steelyard.feed.web.Json;
import io.steelyard.feed.web.Metrics;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Visit;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.papers.run.CodeVersion;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What is for machines that look after the site: health, metrics, robots, the map. */
final class Operating {

  private static final int MOST_ON_A_MAP = 50_000;

  private final House house;
  private final Metrics metrics;

  Operating(House house, Metrics metrics) {
    this.house = house;
    this.metrics = metrics;
  }

  List<Route> routes() {
    return List.of(
        new Route(Route.Method.GET, "/health", Route.Kind.OPERATION, this::health),
        new Route(
            Route.Method.GET,
            "/metrics",
            Route.Kind.OPERATION,
            _ ->
                Reply.text("text/plain; version=0.0.4; charset=utf-8", metrics.text())
                    .keep(Reply.Keep.NEVER)),
        Route.document("/robots.txt", this::robots),
        Route.document("/sitemap.xml", this::map),
        Route.document("/opensearch.xml", this::openSearch));
  }

  private Reply health(Visit visit) {
    final boolean good = house.database().answers();
    final JsonObject json = new JsonObject();
    json.addProperty("status", good ? "ok" : "the database does not answer");
    json.addProperty("version", CodeVersion.current());
    return Reply.json(Json.write(json)).keep(Reply.Keep.NEVER).status(good ? 200 : 503);
  }

  private Reply robots(Visit visit) {
    return Reply.text(
        "text/plain; charset=utf-8",
        """
        User-agent: *
        Disallow: %1$s/search
        Disallow: %1$s/api/apply
        Sitemap: %2$s/sitemap.xml
        """
            .formatted(house.settings().basePath(), house.address()));
  }

  private Reply map(Visit visit) {
    final StringBuilder xml =
        new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
            .append("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
    final Map<String, Instant> papers =
        house.database().read(handle -> new Publications(handle).changes());
    Stream.concat(
            Stream.of("/", "/papers/trending", "/operators", "/leaderboard", "/runs", "/about"),
            Operators.all().stream().map(operator -> "/operators/" + operator.name()))
        .forEach(path -> place(xml, path, ""));
    papers.entrySet().stream()
        .limit(MOST_ON_A_MAP - 200L)
        .forEach(paper -> place(xml, "/papers/" + paper.getKey(), paper.getValue().toString()));
    return Reply.text("application/xml; charset=utf-8", xml.append("</urlset>\n").toString());
  }

  private void place(StringBuilder xml, String path, String changed) {
    xml.append("<url><loc>").append(Tex.escape(house.address() + path)).append("</loc>");
    if (!changed.isEmpty()) {
      xml.append("<lastmod>").append(changed).append("</lastmod>");
    }
    xml.append("</url>\n");
  }

  private Reply openSearch(Visit visit) {
    return Reply.text(
        "application/opensearchdescription+xml; charset=utf-8",
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">
        <ShortName>%1$s</ShortName><Description>Papers on %1$s</Description>
        <Url type="text/html" template="%2$s/search?q={searchTerms}"/>
        </OpenSearchDescription>
        """
            .formatted(
                Tex.escape(house.settings().text(io.steelyard.feed.configuration.Setting.TITLE)),
                Tex.escape(house.address())));
  }
}
