package io.steelyard.feed.site;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.kernels.operator.Operators;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TryingTest {

  private static TestSite site;

  @BeforeAll
  static void start() {
    site = TestSite.start(Map.of(Setting.TRY_ELEMENTS, "2000"));
  }

  @AfterAll
  static void stop() {
    site.close();
  }

  private static HttpResponse<String> apply(String operator, String call) {
    return site.post("/api/apply/" + operator, "application/json", call);
  }

  @TestFactory
  Stream<DynamicTest> everyPresetOfEveryOperatorRunsOrSaysWhyNot() {
    return Operators.all().stream()
        .map(
            operator ->
                DynamicTest.dynamicTest(
                    operator.name(),
                    () -> {
                      final var presets =
                          site.json("/operators/" + operator.name() + "/presets").getAsJsonArray();
                      assertThat(presets).isNotEmpty();
                      for (final JsonElement preset : presets) {
                        final JsonObject json = preset.getAsJsonObject();
                        final HttpResponse<String> answer =
                            apply(operator.name(), json.get("call").toString());
                        final String name = json.get("name").getAsString();
                        if (name.startsWith("edge:")) {
                          assertThat(answer.statusCode()).as(name).isIn(200, 422);
                        } else {
                          assertThat(answer.statusCode()).as(name + answer.body()).isEqualTo(200);
                        }
                      }
                    }));
  }

  @Test
  void theAnswerIsThatOfTheOperator() {
    final JsonObject answer =
        JsonParser.parseString(
                apply("softmax", "{\"inputs\":{\"x\":{\"shape\":[2],\"data\":[0,0]}}}").body())
            .getAsJsonObject();
    assertThat(answer.getAsJsonObject("outputs").getAsJsonObject("y").get("data").toString())
        .isEqualTo("[0.5,0.5]");
    assertThat(answer.get("nanos").getAsLong()).isPositive();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "softmax | {}                                           | input 'x' of softmax is missing",
        "softmax | nonsense                                     | not valid JSON",
        "softmax | {\"inputs\":{\"y\":{\"data\":[1]}}}          | input 'y' is unknown to softmax",
        "softmax | {\"inputs\":{\"x\":{\"data\":[1]}},\"params\":{\"q\":1}} | parameter 'q' is unknown",
        "softmax | {\"inputs\":{\"x\":{\"shape\":[9],\"data\":[1]}}} | expected 9 values",
      })
  void aWrongCallIsExplained(String operator, String call, String sentence) {
    final HttpResponse<String> answer = apply(operator, call);
    assertThat(answer.statusCode()).isEqualTo(422);
    assertThat(JsonParser.parseString(answer.body()).getAsJsonObject().get("error").getAsString())
        .contains(sentence);
  }

  @Test
  void aCallThatIsTooLargeIsRefused() {
    final String data =
        IntStream.range(0, 2001).mapToObj(Integer::toString).collect(Collectors.joining(","));
    final HttpResponse<String> answer =
        apply("softmax", "{\"inputs\":{\"x\":{\"data\":[" + data + "]}}}");
    assertThat(answer.statusCode()).isEqualTo(422);
    assertThat(answer.body()).contains("expected at most 2000");
    assertThat(apply("softmax", "x".repeat(2 << 20)).statusCode()).isEqualTo(413);
  }

  @Test
  void theServerIsNotKeptBusyByAParameter() {
    final HttpResponse<String> answer =
        apply(
            "sinkhorn",
            "{\"inputs\":{\"x\":{\"shape\":[2,2],\"data\":[1,2,3,4]}},\"params\":{\"iterations\":1000000000}}");
    assertThat(answer.statusCode()).isEqualTo(422);
  }

  @Test
  void aCallFromAnotherSiteIsRefused() {
    final HttpResponse<String> answer =
        site.post(
            "/api/apply/softmax",
            "application/json",
            "{\"inputs\":{\"x\":{\"data\":[1]}}}",
            "Origin",
            "https://elsewhere.example");
    assertThat(answer.statusCode()).isEqualTo(403);
  }
}
