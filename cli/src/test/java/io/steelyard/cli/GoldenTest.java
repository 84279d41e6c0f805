package io.steelyard.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every case of every golden file, from the document through the command to the document. */
class GoldenTest {

  private static final double TOLERANCE_IN_DOUBLE = 1e-12;

  record Case(String operator, String name, JsonObject document) {

    @Override
    public String toString() {
      return operator + ": " + name;
    }
  }

  static Stream<Case> cases() {
    return Operators.all().stream().map(Operator::name).flatMap(GoldenTest::casesOf);
  }

  private static Stream<Case> casesOf(String operator) {
    final String resource = "/io/steelyard/kernels/golden/" + operator + ".json";
    try (InputStream stream = Operator.class.getResourceAsStream(resource)) {
      assertThat(stream).as("golden file of " + operator).isNotNull();
      final Reader reader = new InputStreamReader(stream, StandardCharsets.UTF_8);
      final JsonObject file = JsonParser.parseReader(reader).getAsJsonObject();
      assertThat(file.get("operator").getAsString()).isEqualTo(operator);
      return file.getAsJsonArray("cases").asList().stream()
          .map(JsonElement::getAsJsonObject)
          .map(document -> new Case(operator, document.get("name").getAsString(), document));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + resource, e);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void inTheTypeOfTheFile(Case golden) {
    final JsonElement absolute = golden.document().get("atol");
    check(
        golden,
        golden.document().get("tol").getAsDouble(),
        absolute == null ? 0 : absolute.getAsDouble());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void inDouble(Case golden) {
    check(golden, TOLERANCE_IN_DOUBLE, 0, "--dtype", "f64");
  }

  private static void check(Case golden, double tolerance, double absolute, String... more) {
    final JsonObject call = new JsonObject();
    call.add("inputs", golden.document().get("inputs"));
    call.add("params", golden.document().get("params"));
    final String[] args =
        Stream.concat(Stream.of("apply", golden.operator(), "--in", "-"), Stream.of(more))
            .toArray(String[]::new);
    final Cli.Result result = Cli.runWith(call.toString(), args);
    assertThat(result.err()).isEmpty();
    final JsonObject outputs = result.json().getAsJsonObject().getAsJsonObject("outputs");
    final JsonObject expected = golden.document().getAsJsonObject("expected");
    assertThat(outputs.keySet()).isEqualTo(expected.keySet());
    for (final String name : expected.keySet()) {
      final JsonObject wanted = expected.getAsJsonObject(name);
      final JsonObject got = outputs.getAsJsonObject(name);
      assertThat(got.get("shape")).as("shape of " + name).isEqualTo(wanted.get("shape"));
      final List<JsonElement> values = got.getAsJsonArray("data").asList();
      final List<JsonElement> wantedValues = wanted.getAsJsonArray("data").asList();
      assertThat(values).hasSameSizeAs(wantedValues);
      for (int i = 0; i < values.size(); i++) {
        final double want = wantedValues.get(i).getAsDouble();
        assertThat(values.get(i).getAsDouble())
            .as(golden + ", " + name + "[" + i + "]")
            .satisfies(value -> assertThat(close(value, want, tolerance, absolute)).isTrue());
      }
    }
  }

  private static boolean close(double value, double want, double tolerance, double absolute) {
    return Double.isFinite(want)
        ? Math.abs(value - want) <= tolerance * Math.max(1, Math.abs(want)) + absolute
        : Double.compare(value, want) == 0;
  }
}
