package io.steelyard.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class OperatorsTest {

  @Test
  void jsonHasOneObjectForEachOperatorWithExactlyTheseKeys() {
    final Cli.Result result = Cli.run("operators", "--json");
    assertThat(result.code()).isZero();
    assertThat(result.err()).isEmpty();
    assertThat(result.json().getAsJsonArray().asList())
        .hasSameSizeAs(Operators.all())
        .allSatisfy(
            operator -> {
              final JsonObject object = operator.getAsJsonObject();
              assertThat(object.keySet())
                  .containsExactly(
                      "name", "family", "inputs", "params", "outputs", "paper", "example");
              assertThat(object.get("name").getAsString()).matches("[a-z0-9-]+");
              assertThat(object.getAsJsonArray("inputs").asList())
                  .isNotEmpty()
                  .allSatisfy(
                      port ->
                          assertThat(port.getAsJsonObject().get("symbol").getAsString())
                              .isNotBlank());
            });
  }

  @Test
  void thePaperOfAnOperatorIsASlugOfTheCatalogue() {
    final JsonObject operator =
        Cli.run("operators", "two-pass-softmax", "--json")
            .json()
            .getAsJsonArray()
            .get(0)
            .getAsJsonObject();
    assertThat(operator.get("paper").getAsString()).isEqualTo("two-pass-softmax");
  }

  @ParameterizedTest
  @MethodSource("names")
  void theExampleCanBeApplied(String name) {
    final JsonElement example =
        Cli.run("operators", name, "--json")
            .json()
            .getAsJsonArray()
            .get(0)
            .getAsJsonObject()
            .get("example");
    final Cli.Result result = Cli.runWith(example.toString(), "apply", name, "--in", "-");
    assertThat(result.err()).isEmpty();
    assertThat(result.code()).isZero();
    assertThat(result.json().getAsJsonObject().keySet()).containsExactly("outputs");
  }

  @ParameterizedTest
  @MethodSource("names")
  void oneOperatorIsDescribed(String name) {
    final Cli.Result result = Cli.run("operators", name);
    assertThat(result.code()).isZero();
    assertThat(result.out())
        .startsWith(name + ": " + Operators.named(name).summary())
        .contains("steelyard apply " + name + " --in -");
  }

  @Test
  void theListFitsTheWidth() {
    assertThat(Cli.run("operators").out().lines())
        .hasSizeGreaterThan(Operators.all().size())
        .allSatisfy(line -> assertThat(line.length()).isLessThan(120));
  }

  static Stream<String> names() {
    return Operators.all().stream().map(Operator::name);
  }
}
