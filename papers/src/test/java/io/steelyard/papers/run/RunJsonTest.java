package io.steelyard.papers.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RunJsonTest {

  private static final Run FULL = full();

  private static Run full() {
    final Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("z", 0.1);
    metrics.put("a", -0.0);
    metrics.put("nan", Double.NaN);
    metrics.put("up", Double.POSITIVE_INFINITY);
    metrics.put("down", Double.NEGATIVE_INFINITY);
    metrics.put("whole", 4.0);
    metrics.put("tiny", Double.MIN_VALUE);
    metrics.put("huge", Double.MAX_VALUE);
    return new Run(
        Run.FORMAT,
        "some-paper",
        Scale.FULL,
        Long.MIN_VALUE,
        "1.0+abc-dirty",
        TestRuns.MACHINE,
        Map.of("rate \"\\ <b>", "1e-3"),
        Map.of("π", "line\nbreak"),
        Instant.parse("2026-03-01T12:00:00.123456789Z"),
        12.345,
        metrics,
        List.of(
            new Series("s", "x", "y", List.of(1.0, 2.5), List.of(Double.NaN, 1e-300)),
            new Series("empty", "x", "y", List.of(), List.of())),
        Map.of("right", List.of(0.0, 1.0, 0.5)),
        List.of("careful"));
  }

  @Test
  void whatIsWrittenIsReadBack() {
    final Run read = RunJson.read(RunJson.write(FULL));
    assertThat(read).isEqualTo(FULL);
    assertThat(read.metrics().keySet()).containsExactlyElementsOf(FULL.metrics().keySet());
    assertThat(1 / read.metric("a")).isEqualTo(Double.NEGATIVE_INFINITY);
  }

  @Test
  void numbersOfAListShareALineAndNonFiniteOnesAreStrings() {
    assertThat(RunJson.write(FULL))
        .contains("[0,1,0.5]")
        .contains("\"nan\": \"NaN\"")
        .contains("\"up\": \"Infinity\"")
        .contains("\"down\": \"-Infinity\"")
        .contains("\"started\": \"2026-03-01T12:00:00.123456789Z\"")
        .endsWith("}\n");
  }

  @Test
  void everyCutIsRejected() {
    final String text = RunJson.write(FULL);
    // The last two characters are the closing brace and a line feed that is not needed.
    for (int length = 0; length < text.length() - 1; length++) {
      final String torn = text.substring(0, length);
      assertThatThrownBy(() -> RunJson.read(torn))
          .as("the first %d characters", length)
          .isInstanceOf(InvalidRunException.class);
    }
  }

  @Test
  void everyMissingFieldIsNamed() {
    final JsonObject whole = JsonParser.parseString(RunJson.write(FULL)).getAsJsonObject();
    for (final String field : whole.keySet()) {
      final JsonObject part = whole.deepCopy();
      part.remove(field);
      assertThatThrownBy(() -> RunJson.read(part.toString()))
          .isInstanceOf(InvalidRunException.class)
          .hasMessageContaining("'" + field + "'");
    }
  }

  static Stream<Arguments> wrong() {
    return Stream.of(
        Arguments.of("format", "2", "format 2; this version of Steelyard reads format 1"),
        Arguments.of("scale", "\"slow\"", "scale is 'slow'"),
        Arguments.of("seed", "1.5", "'seed' is not a whole number"),
        Arguments.of("seed", "\"1\"", "'seed' is not a whole number"),
        Arguments.of("seconds", "\"nan\"", "'seconds' is not a number"),
        Arguments.of("seconds", "true", "'seconds' is not a number"),
        Arguments.of("paper", "null", "'paper' is not a string"),
        Arguments.of("started", "\"yesterday\"", "not an instant"),
        Arguments.of("metrics", "[]", "'metrics' is not an object"),
        Arguments.of("metrics", "{\"v\": []}", "'metrics.v' is not a number"),
        Arguments.of("machine", "{}", "lacks the field 'machine.cpu'"),
        Arguments.of("series", "{}", "'series' is not a list"),
        Arguments.of("items", "{\"i\": [\"x\"]}", "'items.i' is not a number"),
        Arguments.of(
            "series",
            "[{\"name\":\"s\",\"x\":\"\",\"y\":\"\",\"xs\":[1],\"ys\":[]}]",
            "series 's' has 1 xs and 0 ys"),
        Arguments.of("surprise", "1", "unknown fields [surprise]"));
  }

  @ParameterizedTest(name = "{0} = {1}")
  @MethodSource("wrong")
  void everyWrongFieldIsNamed(String field, String value, String message) {
    final JsonObject changed = JsonParser.parseString(RunJson.write(FULL)).getAsJsonObject();
    final JsonElement wrong = JsonParser.parseString(value);
    changed.add(field, wrong);
    assertThatThrownBy(() -> RunJson.read(changed.toString()))
        .isInstanceOf(InvalidRunException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @MethodSource("notOneObject")
  void whatIsNotOneStrictObjectIsRejected(String text) {
    assertThatThrownBy(() -> RunJson.read(text)).isInstanceOf(InvalidRunException.class);
  }

  static Stream<String> notOneObject() {
    return Stream.of(
        "",
        "  \n",
        "[]",
        "null",
        "\0\0\0\0",
        RunJson.write(FULL) + "{}",
        RunJson.write(FULL).replace("\"format\": 1", "'format': 1"),
        RunJson.write(FULL).replace("\"format\": 1", "/* one */ \"format\": 1"),
        RunJson.write(FULL).replace("\"NaN\"", "NaN"));
  }

  @Test
  void aMissingMetricIsNamedWithThoseThatAreThere() {
    assertThatThrownBy(() -> TestRuns.of("p", 3, Map.of("have", 1.0)).metric("want"))
        .isInstanceOf(MissingRecordException.class)
        .hasMessageContaining("'want'")
        .hasMessageContaining("[have]")
        .hasMessageContaining("seed 3");
    assertThatThrownBy(() -> FULL.curve("want")).hasMessageContaining("[s, empty]");
    assertThatThrownBy(() -> FULL.outcomes("want")).hasMessageContaining("[right]");
  }
}
