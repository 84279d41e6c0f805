package io.steelyard.feed.site;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.steelyard.feed.page.TryPage;
import io.steelyard.feed.playground.Bench;
import io.steelyard.feed.playground.Preset;
import io.steelyard.feed.web.Json;
import io.steelyard.feed.web.Refusal;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Visit;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.kernels.operator.Port;
import io.steelyard.papers.catalogue.Catalogue;
import java.util.List;

/** Pages on which operators can be tried, made from the registry. */
final class Trying {

  private final House house;
  private final Bench bench;

  Trying(House house, Bench bench) {
    this.house = house;
    this.bench = bench;
  }

  List<Route> routes() {
    return List.of(
        Route.page("/operators/{name}", this::page),
        Route.document("/operators/{name}/presets", this::presets),
        new Route(Route.Method.POST, "/api/apply/{name}", Route.Kind.CALL, this::apply));
  }

  private Reply page(Visit visit) {
    final Operator operator = Api.operatorIn(visit);
    return house.page(
        "try",
        new TryPage(
            house.shell(visit),
            operator,
            Operators.all().stream()
                .filter(
                    other -> !other.name().equals(operator.name()) && takesTheSame(operator, other))
                .toList(),
            Catalogue.find(operator.source().work()).map(paper -> "/papers/" + paper.arxivId()),
            Preset.of(operator).stream().map(Preset::name).toList()));
  }

  /** Operators can share a desk if what one needs is what the other has. */
  private static boolean takesTheSame(Operator one, Operator other) {
    return required(one).equals(required(other));
  }

  private static List<String> required(Operator operator) {
    return operator.inputs().stream()
        .filter(port -> !port.optional())
        .map(Port::name)
        .sorted()
        .toList();
  }

  private Reply presets(Visit visit) {
    return Reply.json(
        Json.write(
            Preset.of(Api.operatorIn(visit)).stream().map(Preset::json).collect(Json.array())));
  }

  private Reply apply(Visit visit) {
    final Operator operator = Api.operatorIn(visit);
    try {
      final Bench.Outcome outcome = bench.run(operator, visit.body());
      final JsonObject json = JsonParser.parseString(outcome.outputs()).getAsJsonObject();
      json.addProperty("nanos", outcome.nanos());
      return Reply.json(Json.write(json)).keep(Reply.Keep.NEVER);
    } catch (final IllegalArgumentException wrong) {
      throw new Refusal(422, wrong.getMessage(), wrong);
    } catch (final Bench.BusyException busy) {
      throw new Refusal(503, busy.getMessage(), busy);
    }
  }
}
