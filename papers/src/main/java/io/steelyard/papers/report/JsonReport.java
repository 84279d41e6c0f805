package io.steelyard.papers.report;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.run.Run;
import java.util.List;
import java.util.Map;

/** The report as JSON; what is not finite is a string, what is not there null. */
final class JsonReport {

  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().serializeNulls().create();

  private JsonReport() {}

  static String render(Report report) {
    final JsonObject json = new JsonObject();
    json.addProperty("made", report.made().toString());
    json.addProperty("summary", report.summary());
    json.add("code", texts(report.codes()));
    json.add("machines", texts(report.machines()));
    final JsonArray papers = new JsonArray();
    report.sections().forEach(section -> papers.add(section(section)));
    json.add("papers", papers);
    final JsonArray ignored = new JsonArray();
    report
        .ignored()
        .forEach(
            rejected -> {
              final JsonObject file = new JsonObject();
              file.addProperty("file", rejected.file());
              file.addProperty("why", rejected.why());
              ignored.add(file);
            });
    json.add("ignored", ignored);
    return GSON.toJson(json) + "\n";
  }

  private static JsonObject section(Section section) {
    final JsonObject json = new JsonObject();
    json.addProperty("number", section.paper().number());
    json.addProperty("slug", section.paper().slug());
    json.addProperty("title", section.paper().title());
    json.addProperty("arxiv", section.paper().arxivId());
    json.addProperty("idea", section.paper().idea());
    json.addProperty("design", section.design());
    json.addProperty("source", section.source().label());
    json.addProperty("scale", section.scale().label());
    json.addProperty("seconds", section.seconds());
    final JsonArray claims = new JsonArray();
    section.findings().forEach(finding -> claims.add(claim(finding)));
    json.add("claims", claims);
    json.add("settings", texts(section.settings()));
    json.add("data", texts(section.data()));
    json.add("notes", texts(section.notes()));
    final JsonArray runs = new JsonArray();
    for (int i = 0; i < section.runs().size(); i++) {
      runs.add(run(section.runs().get(i), section.links().get(i).orElse("")));
    }
    json.add("runs", runs);
    final JsonArray figures = new JsonArray();
    section.figures().forEach(figure -> figures.add(FigureJson.of(figure)));
    json.add("figures", figures);
    return json;
  }

  private static JsonObject claim(Finding finding) {
    final Claim claim = finding.claim();
    final JsonObject json = new JsonObject();
    json.addProperty("id", claim.id());
    json.addProperty("statement", claim.statement());
    json.addProperty("published", claim.published());
    json.addProperty("measure", claim.measure());
    json.addProperty("unit", claim.quantity().unit());
    json.addProperty("summary", claim.summary().label());
    json.add(
        "here",
        finding.value().isPresent() ? number(finding.value().getAsDouble()) : JsonNull.INSTANCE);
    final JsonArray perSeed = new JsonArray();
    finding.perSeed().forEach(value -> perSeed.add(number(value)));
    json.add("perSeed", perSeed);
    final JsonArray seeds = new JsonArray();
    finding.seeds().forEach(seeds::add);
    json.add("seeds", seeds);
    json.add(
        "interval",
        finding
            .interval()
            .<JsonElement>map(
                interval -> {
                  final JsonArray ends = new JsonArray();
                  ends.add(number(interval.low()));
                  ends.add(number(interval.high()));
                  return ends;
                })
            .orElse(JsonNull.INSTANCE));
    json.addProperty("intervalMethod", finding.interval().map(one -> one.method()).orElse(""));
    json.addProperty("rule", claim.rule());
    json.addProperty("verdict", finding.verdict().label());
    json.addProperty("reason", finding.verdict().reason());
    return json;
  }

  private static JsonObject run(Run run, String link) {
    final JsonObject json = new JsonObject();
    json.addProperty("seed", run.seed());
    json.addProperty("code", run.code());
    json.addProperty("started", run.started().toString());
    json.addProperty("seconds", run.seconds());
    json.addProperty("machine", run.machine().summary());
    json.addProperty("file", link);
    return json;
  }

  private static JsonElement number(double value) {
    return Double.isFinite(value)
        ? new JsonPrimitive(value)
        : new JsonPrimitive(Double.toString(value));
  }

  private static JsonArray texts(List<String> texts) {
    final JsonArray array = new JsonArray();
    texts.forEach(array::add);
    return array;
  }

  private static JsonObject texts(Map<String, String> texts) {
    final JsonObject json = new JsonObject();
    texts.forEach(json::addProperty);
    return json;
  }
}
