package io.steelyard.cli.evidence;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.steelyard.cli.json.Json;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.layers.Layer;
import io.steelyard.layers.Layers;
import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.reproduction.Reproduction;
import io.steelyard.papers.reproduction.Reproductions;
import io.steelyard.papers.run.Evidence;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunStore;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * A paper, what is built of it and what the runs say of its claims.
 *
 * @param paper the paper
 * @param operators operators it defines
 * @param layers layers it defines
 * @param reproduction its reproduction, if there is one
 * @param evidence the runs that speak for it
 */
public record PaperStatus(
    Paper paper,
    List<String> operators,
    List<String> layers,
    Optional<Reproduction> reproduction,
    Evidence evidence) {

  /** Copies the lists. */
  public PaperStatus {
    operators = List.copyOf(operators);
    layers = List.copyOf(layers);
  }

  /** The status of a paper, given the runs made here and those that come with Steelyard. */
  public static PaperStatus of(Paper paper, RunStore.Listing here, RunStore.Listing shipped) {
    return of(paper, Evidence.of(paper.slug(), here, shipped));
  }

  /** The status of a paper by exactly these runs, those of other papers left out. */
  public static PaperStatus of(Paper paper, List<Run> runs) {
    return of(
        paper,
        new Evidence(
            Evidence.Origin.RUNS,
            runs.stream()
                .filter(run -> run.paper().equals(paper.slug()))
                .sorted(Comparator.comparingLong(Run::seed))
                .toList()));
  }

  private static PaperStatus of(Paper paper, Evidence evidence) {
    return new PaperStatus(
        paper,
        Operators.all().stream()
            .filter(operator -> operator.source().work().equals(paper.arxivId()))
            .map(Operator::name)
            .toList(),
        Layers.of(paper.arxivId()).stream().map(Layer::name).toList(),
        Reproductions.find(paper.slug()),
        evidence);
  }

  /** What the runs say of each claim; empty without runs. */
  public List<Finding> findings() {
    return evidence.runs().isEmpty()
        ? List.of()
        : claims().stream().map(claim -> Finding.of(claim, evidence.runs())).toList();
  }

  /** The claims of its reproduction. */
  public List<Claim> claims() {
    return reproduction.map(Reproduction::claims).orElse(List.of());
  }

  /** Whether nothing of it is built yet. */
  public boolean isOnlyListed() {
    return operators.isEmpty() && layers.isEmpty() && reproduction.isEmpty();
  }

  /** The object of {@code papers --json}. */
  public JsonObject json() {
    final JsonObject json = new JsonObject();
    json.addProperty("number", paper.number());
    json.addProperty("slug", paper.slug());
    json.addProperty("title", paper.title());
    json.addProperty("arxiv", paper.arxivId());
    json.add("operators", names(operators));
    json.add("layers", names(layers));
    json.addProperty("reproduction", reproduction.isPresent());
    json.addProperty("source", evidence.origin().label());
    final List<Finding> findings = findings();
    json.add(
        "claims",
        findings.isEmpty()
            ? claims().stream().map(PaperStatus::untested).collect(Json.array())
            : findings.stream().map(PaperStatus::tested).collect(Json.array()));
    return json;
  }

  private static JsonElement tested(Finding finding) {
    final JsonObject json = new JsonObject();
    json.addProperty("id", finding.claim().id());
    json.addProperty("published", finding.claim().published());
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
                interval -> {
                  final JsonArray ends = new JsonArray();
                  ends.add(Json.number(interval.low()));
                  ends.add(Json.number(interval.high()));
                  return ends;
                })
            .orElse(JsonNull.INSTANCE));
    json.addProperty("verdict", finding.verdict().label());
    return json;
  }

  private static JsonElement untested(Claim claim) {
    final JsonObject json = new JsonObject();
    json.addProperty("id", claim.id());
    json.addProperty("published", claim.published());
    json.add("here", JsonNull.INSTANCE);
    json.add("interval", JsonNull.INSTANCE);
    json.addProperty("verdict", "inconclusive");
    return json;
  }

  private static JsonArray names(List<String> names) {
    return names.stream().<JsonElement>map(JsonPrimitive::new).collect(Json.array());
  }
}
