package io.steelyard.bench.report;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.steelyard.bench.suite.Limit;
import io.steelyard.bench.suite.Metric;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/** The JSON form of a report; what was not measured is null. */
final class ReportJson {

  private static final Gson GSON =
      new GsonBuilder()
          .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
          .create();

  private ReportJson() {}

  static JsonObject of(BenchReport report) {
    final JsonObject json = new JsonObject();
    json.add("machine", GSON.toJsonTree(report.machine()));
    json.add("setup", setup(report.setup()));
    final JsonArray results = new JsonArray();
    report.results().forEach(result -> results.add(result(result)));
    json.add("results", results);
    json.add("growth", GSON.toJsonTree(report.growths()));
    json.add("notes", GSON.toJsonTree(report.notes()));
    return json;
  }

  private static JsonObject setup(Setup setup) {
    final JsonObject json = new JsonObject();
    json.addProperty("quick", setup.quick());
    json.addProperty("started", setup.started().toString());
    json.addProperty("cores", setup.cores());
    json.addProperty("forks", setup.effort().forks());
    json.addProperty("warmup_iterations", setup.effort().warmupIterations());
    json.addProperty("iterations", setup.effort().iterations());
    json.addProperty("iteration_ms", setup.effort().iterationMillis());
    json.add("flags", GSON.toJsonTree(setup.flags()));
    json.add("libraries", GSON.toJsonTree(new TreeMap<>(setup.libraries())));
    return json;
  }

  private static JsonObject result(CaseResult result) {
    final JsonObject json = new JsonObject();
    json.addProperty("suite", result.suite());
    json.addProperty("case", result.benchmarkCase().name());
    json.addProperty("threads", result.benchmarkCase().threads());
    json.addProperty("ours_ns", result.oursNanos());
    json.add("ours_fork_ns", GSON.toJsonTree(result.ours().forkNanos()));
    json.addProperty("spread", result.ours().spread());
    json.addProperty("work", result.benchmarkCase().work().amount());
    json.addProperty("work_unit", result.benchmarkCase().work().unit().label());
    json.add("peer", text(result.peer().map(CaseResult.Timed::name)));
    json.add("peer_ns", number(result.peer().map(CaseResult.Timed::nanos)));
    json.add("ratio", number(result.value(Metric.RATIO)));
    json.add("limit", text(result.benchmarkCase().limit().map(Limit::name)));
    json.add("limit_ns", number(result.limitNanos()));
    json.add("limit_share", number(result.value(Metric.LIMIT_SHARE)));
    json.add("best_variant", text(result.rival().map(CaseResult.Timed::name)));
    json.add("best_variant_ns", number(result.rival().map(CaseResult.Timed::nanos)));
    json.add("best_share", number(result.value(Metric.BEST_SHARE)));
    json.add("alloc_bytes", number(result.value(Metric.ALLOCATION)));
    final JsonArray targets = new JsonArray();
    result.verdicts().forEach(verdict -> targets.add(target(verdict)));
    json.add("targets", targets);
    return json;
  }

  private static JsonObject target(CaseResult.Verdict verdict) {
    final JsonObject json = new JsonObject();
    json.addProperty("metric", verdict.target().metric().key());
    json.addProperty("target", verdict.target().toString());
    json.add("value", number(verdict.value()));
    json.addProperty("met", verdict.met());
    return json;
  }

  private static JsonElement text(Optional<String> text) {
    return text.<JsonElement>map(JsonPrimitive::new).orElse(JsonNull.INSTANCE);
  }

  private static JsonElement number(Optional<Double> number) {
    return number.<JsonElement>map(JsonPrimitive::new).orElse(JsonNull.INSTANCE);
  }

  private static JsonElement number(OptionalDouble number) {
    return number.isPresent() ? new JsonPrimitive(number.getAsDouble()) : JsonNull.INSTANCE;
  }
}
