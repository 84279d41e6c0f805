package io.steelyard.feed.api;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.steelyard.feed.evidence.ImportedNumber;
import io.steelyard.feed.evidence.LeaderboardRow;
import io.steelyard.feed.web.Json;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.run.Run;
import java.util.List;
import java.util.Locale;

/** Runs, claims, numbers and operators as JSON. */
public final class EvidenceJson {

  private EvidenceJson() {}

  /** A run in a list: without its curves and items. */
  public static JsonObject run(Run run) {
    final JsonObject json = new JsonObject();
    json.addProperty("paper", run.paper());
    json.addProperty("scale", run.scale().label());
    json.addProperty("seed", run.seed());
    json.addProperty("code", run.code());
    json.addProperty("started", run.started().toString());
    json.addProperty("seconds", run.seconds());
    json.addProperty("machine", run.machine().summary());
    json.addProperty(
        "file", "/api/runs/" + run.paper() + "/" + run.scale().label() + "/" + run.seed());
    return json;
  }

  /** A tested claim. */
  public static JsonObject claim(String paper, Finding finding) {
    final JsonObject json = claim(paper, finding.claim());
    json.addProperty("verdict", finding.verdict().label());
    json.addProperty("reason", finding.verdict().reason());
    json.add(
        "here",
        finding.value().isPresent()
            ? Json.number(finding.value().getAsDouble())
            : JsonNull.INSTANCE);
    json.add(
        "interval",
        finding
            .interval()
            .<JsonElement>map(
                ends -> {
                  final JsonArray array = new JsonArray();
                  array.add(Json.number(ends.low()));
                  array.add(Json.number(ends.high()));
                  return array;
                })
            .orElse(JsonNull.INSTANCE));
    json.addProperty("scale", finding.scale().label());
    json.add("seeds", finding.seeds().stream().map(JsonPrimitive::new).collect(Json.array()));
    return json;
  }

  /** A claim that no run has tested. */
  public static JsonObject claim(String paper, Claim claim) {
    final JsonObject json = new JsonObject();
    json.addProperty("paper", paper);
    json.addProperty("id", claim.id());
    json.addProperty("statement", claim.statement());
    json.addProperty("published", claim.published());
    json.addProperty("measure", claim.measure());
    json.addProperty("unit", claim.quantity().unit());
    json.addProperty("rule", claim.rule());
    json.addProperty("verdict", "not run");
    return json;
  }

  /** A number of the leaderboard. */
  public static JsonObject row(LeaderboardRow row) {
    final JsonObject json = new JsonObject();
    json.addProperty("origin", "measured");
    json.addProperty("task", row.task());
    json.addProperty("dataset", row.data());
    json.addProperty("method", row.method());
    json.addProperty("metric", row.metric());
    json.add("value", Json.number(row.value()));
    json.add("low", Json.number(row.low()));
    json.add("high", Json.number(row.high()));
    json.addProperty("seeds", row.seeds());
    json.addProperty("paper", row.address());
    json.add("runs", row.runs().stream().collect(Json.texts()));
    return json;
  }

  /** A number that others measured. */
  public static JsonObject imported(ImportedNumber number) {
    final JsonObject json = new JsonObject();
    json.addProperty("origin", "imported");
    json.addProperty("task", number.task());
    json.addProperty("dataset", number.data());
    json.addProperty("method", number.method());
    json.addProperty("metric", number.metric());
    json.add("value", Json.number(number.value()));
    json.addProperty("paper", "/papers/" + number.paper());
    json.addProperty("source", number.source());
    return json;
  }

  /** An operator with its inputs, parameters and outputs. */
  public static JsonObject operator(Operator operator) {
    final JsonObject json = new JsonObject();
    json.addProperty("name", operator.name());
    json.addProperty("family", operator.family());
    json.addProperty("summary", operator.summary());
    json.addProperty("source", operator.source().toString());
    json.addProperty(
        "paper",
        Catalogue.find(operator.source().work()).map(Paper::slug).orElse(operator.source().work()));
    json.add("inputs", ports(operator.inputs()));
    json.add(
        "parameters",
        operator.parameters().stream().map(EvidenceJson::parameter).collect(Json.array()));
    json.add("outputs", ports(operator.outputs()));
    return json;
  }

  private static JsonArray ports(List<Port> ports) {
    return ports.stream()
        .map(
            port -> {
              final JsonObject json = new JsonObject();
              json.addProperty("name", port.name());
              json.addProperty("symbol", port.symbol());
              json.addProperty("kind", port.kind().name().toLowerCase(Locale.ROOT));
              json.addProperty("shape", port.shape());
              json.addProperty("optional", port.optional());
              json.addProperty("description", port.description());
              return json;
            })
        .collect(Json.array());
  }

  private static JsonObject parameter(Parameter parameter) {
    final JsonObject json = new JsonObject();
    json.addProperty("name", parameter.name());
    json.addProperty("symbol", parameter.symbol());
    json.addProperty("description", parameter.description());
    json.addProperty("range", parameter.range());
    switch (parameter) {
      case Parameter.Real real -> {
        json.addProperty("type", "real");
        json.add("default", Json.number(real.defaultValue()));
        json.add("min", Json.number(real.min()));
        json.add("max", Json.number(real.max()));
      }
      case Parameter.Whole whole -> {
        json.addProperty("type", "whole");
        json.addProperty("default", whole.defaultValue());
        json.addProperty("min", whole.min());
        json.addProperty("max", whole.max());
      }
      case Parameter.Choice choice -> {
        json.addProperty("type", "choice");
        json.addProperty("default", choice.defaultValue());
        json.add("choices", choice.choices().stream().collect(Json.texts()));
      }
      case Parameter.Flag flag -> {
        json.addProperty("type", "flag");
        json.addProperty("default", flag.defaultValue());
      }
    }
    return json;
  }
}
