package io.steelyard.papers.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.steelyard.papers.reproduction.Figure;
import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.Curve;
import java.util.List;
import java.util.Locale;

/** A figure as JSON, for the plots and for the JSON report; what is not finite is null. */
final class FigureJson {

  private FigureJson() {}

  static JsonObject of(Figure figure) {
    final JsonObject json = new JsonObject();
    json.addProperty("title", figure.title());
    json.addProperty("caption", figure.caption());
    json.add("x", axis(figure.x()));
    json.add("y", axis(figure.y()));
    final JsonArray curves = new JsonArray();
    figure.curves().forEach(curve -> curves.add(curve(curve)));
    json.add("curves", curves);
    return json;
  }

  private static JsonObject axis(Axis axis) {
    final JsonObject json = new JsonObject();
    json.addProperty("label", axis.label());
    json.addProperty("scale", axis.scale().name().toLowerCase(Locale.ROOT));
    final JsonArray categories = new JsonArray();
    axis.categories().forEach(categories::add);
    json.add("categories", categories);
    return json;
  }

  private static JsonObject curve(Curve curve) {
    final JsonObject json = new JsonObject();
    json.addProperty("name", curve.name());
    json.addProperty("mark", curve.mark().name().toLowerCase(Locale.ROOT));
    json.add("xs", numbers(curve.xs()));
    json.add("ys", numbers(curve.ys()));
    json.add("low", numbers(curve.low()));
    json.add("high", numbers(curve.high()));
    return json;
  }

  private static JsonArray numbers(List<Double> values) {
    final JsonArray array = new JsonArray();
    for (final double value : values) {
      if (Double.isFinite(value)) {
        array.add(value);
      } else {
        array.add(JsonNull.INSTANCE);
      }
    }
    return array;
  }
}
