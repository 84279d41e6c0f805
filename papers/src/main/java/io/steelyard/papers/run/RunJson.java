package io.steelyard.papers.run;

import com.google.gson.FormattingStyle;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The JSON form of a run: one object, lists of numbers on one line, whole numbers without a point,
 * non-finite ones as {@code "NaN"}, {@code "Infinity"}, {@code "-Infinity"}.
 */
public final class RunJson {

  private static final FormattingStyle LINES = FormattingStyle.PRETTY;
  private static final FormattingStyle ONE_LINE =
      FormattingStyle.COMPACT.withSpaceAfterSeparators(false);

  private RunJson() {}

  /** The JSON text of a run, with a final line feed. */
  public static String write(Run run) {
    final StringWriter text = new StringWriter();
    try (JsonWriter out = new JsonWriter(text)) {
      out.setFormattingStyle(LINES);
      out.setHtmlSafe(false);
      out.beginObject();
      out.name("format").value(run.format());
      out.name("paper").value(run.paper());
      out.name("scale").value(run.scale().label());
      out.name("seed").value(run.seed());
      out.name("code").value(run.code());
      out.name("machine");
      writeMachine(out, run.machine());
      out.name("settings");
      writeTexts(out, run.settings());
      out.name("data");
      writeTexts(out, run.data());
      out.name("started").value(run.started().toString());
      out.name("seconds");
      writeNumber(out, run.seconds());
      out.name("metrics").beginObject();
      for (final Map.Entry<String, Double> metric : run.metrics().entrySet()) {
        out.name(metric.getKey());
        writeNumber(out, metric.getValue());
      }
      out.endObject();
      out.name("series").beginArray();
      for (final Series series : run.series()) {
        writeSeries(out, series);
      }
      out.endArray();
      out.name("items").beginObject();
      for (final Map.Entry<String, List<Double>> item : run.items().entrySet()) {
        out.name(item.getKey());
        writeNumbers(out, item.getValue());
      }
      out.endObject();
      out.name("warnings").beginArray();
      for (final String warning : run.warnings()) {
        out.value(warning);
      }
      out.endArray();
      out.endObject();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write a run into memory", e);
    }
    return text.append('\n').toString();
  }

  /**
   * Reads the JSON text of a run.
   *
   * @throws InvalidRunException if it is not strict JSON, is of another format, lacks a field, has
   *     one too many, or has one of another type; the message says which
   */
  public static Run read(String json) {
    final JsonFields fields = JsonFields.parse(json);
    final int format = Math.toIntExact(fields.whole("format"));
    if (format != Run.FORMAT) {
      throw new InvalidRunException(
          "has format " + format + "; this version of Steelyard reads format " + Run.FORMAT);
    }
    final JsonFields machine = fields.object("machine");
    final Run run =
        new Run(
            format,
            fields.text("paper"),
            fields.parsed("scale", Scale::of),
            fields.whole("seed"),
            fields.text("code"),
            new Machine(
                machine.text("cpu"),
                Math.toIntExact(machine.whole("cores")),
                machine.text("os"),
                machine.text("jdk"),
                Math.toIntExact(machine.whole("vectorBits")),
                machine.number("memoryGiB")),
            fields.object("settings").texts(),
            fields.object("data").texts(),
            fields.instant("started"),
            fields.number("seconds"),
            fields.object("metrics").numbers(),
            fields.objects("series").stream().map(RunJson::readSeries).toList(),
            readItems(fields.object("items")),
            fields.strings("warnings"));
    machine.end();
    fields.end();
    return run;
  }

  /** Writes a number, a non-finite one as a string. */
  static void writeNumber(JsonWriter out, double value) throws IOException {
    if (!Double.isFinite(value)) {
      out.value(Double.toString(value));
    } else if (value == Math.rint(value) && Math.abs(value) < 1e15 && !isNegativeZero(value)) {
      out.value((long) value);
    } else {
      out.value(value);
    }
  }

  private static boolean isNegativeZero(double value) {
    return value == 0 && 1 / value < 0;
  }

  private static void writeMachine(JsonWriter out, Machine machine) throws IOException {
    out.beginObject();
    out.name("cpu").value(machine.cpu());
    out.name("cores").value(machine.cores());
    out.name("os").value(machine.os());
    out.name("jdk").value(machine.jdk());
    out.name("vectorBits").value(machine.vectorBits());
    out.name("memoryGiB");
    writeNumber(out, machine.memoryGiB());
    out.endObject();
  }

  private static void writeTexts(JsonWriter out, Map<String, String> texts) throws IOException {
    out.beginObject();
    for (final Map.Entry<String, String> entry : texts.entrySet()) {
      out.name(entry.getKey()).value(entry.getValue());
    }
    out.endObject();
  }

  private static void writeSeries(JsonWriter out, Series series) throws IOException {
    out.beginObject();
    out.name("name").value(series.name());
    out.name("x").value(series.x());
    out.name("y").value(series.y());
    out.name("xs");
    writeNumbers(out, series.xs());
    out.name("ys");
    writeNumbers(out, series.ys());
    out.endObject();
  }

  private static void writeNumbers(JsonWriter out, List<Double> values) throws IOException {
    out.beginArray();
    out.setFormattingStyle(ONE_LINE);
    for (final double value : values) {
      writeNumber(out, value);
    }
    out.endArray();
    out.setFormattingStyle(LINES);
  }

  private static Series readSeries(JsonFields fields) {
    try {
      final Series series =
          new Series(
              fields.text("name"),
              fields.text("x"),
              fields.text("y"),
              fields.numberList("xs"),
              fields.numberList("ys"));
      fields.end();
      return series;
    } catch (InvalidRunException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new InvalidRunException(e.getMessage(), e);
    }
  }

  private static Map<String, List<Double>> readItems(JsonFields fields) {
    final Map<String, List<Double>> items = new LinkedHashMap<>();
    fields.names().forEach(name -> items.put(name, fields.numberList(name)));
    return items;
  }
}
