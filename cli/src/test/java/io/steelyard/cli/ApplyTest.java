package io.steelyard.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.TensorFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ApplyTest {

  /** Logarithms of 1, 2, 1: the weights are 1/4, 2/4, 1/4. */
  private static final String CALL =
      "{\"inputs\": {\"x\": {\"shape\": [1, 3], \"data\": [0, 0.6931471805599453, 0]}}}";

  @TempDir private Path folder;

  @Test
  void standardInputToStandardOutputIsTheDefault() {
    final Cli.Result result = Cli.runWith(CALL, "apply", "softmax", "--in", "-");
    assertThat(result.err()).isEmpty();
    assertThat(result.code()).isZero();
    final JsonObject y = output(result, "y");
    assertThat(y.keySet()).containsExactly("shape", "data", "dtype");
    assertThat(y.get("shape").toString()).isEqualTo("[1,3]");
    assertThat(y.get("dtype").getAsString()).isEqualTo("f32");
    assertThat(doubles(y)).containsExactly(new double[] {0.25, 0.5, 0.25}, within(1e-6));
  }

  @Test
  void outMinusIsStandardOutput() {
    assertThat(Cli.runWith(CALL, "apply", "softmax", "--in", "-", "--out", "-").out())
        .isEqualTo(Cli.runWith(CALL, "apply", "softmax", "--in", "-").out());
  }

  @Test
  void doubleIsComputedInDoubleFromTheInputOn() {
    final JsonObject y =
        output(Cli.runWith(CALL, "apply", "softmax", "--in", "-", "--dtype", "f64"), "y");
    assertThat(y.get("dtype").getAsString()).isEqualTo("f64");
    assertThat(doubles(y)).containsExactly(new double[] {0.25, 0.5, 0.25}, within(1e-15));
  }

  @Test
  void aSettingBeatsTheOneInTheFile() {
    final String square =
        "{\"inputs\": {\"x\": {\"shape\": [2, 2], \"data\": [0, 0, 0, 0]}}, \"params\": {\"causal\":"
            + " true}}";
    assertThat(doubles(output(Cli.runWith(square, "apply", "softmax", "--in", "-"), "y")))
        .containsExactly(1, 0, 0.5, 0.5);
    assertThat(
            doubles(
                output(
                    Cli.runWith(square, "apply", "softmax", "--in", "-", "--set", "causal=false"),
                    "y")))
        .containsExactly(0.5, 0.5, 0.5, 0.5);
  }

  @Test
  void anIllegalSettingIsAWrongCommandLine() {
    final Cli.Result result =
        Cli.runWith(CALL, "apply", "softmax", "--in", "-", "--set", "causal=perhaps");
    assertThat(result.code()).isEqualTo(Steelyard.USAGE);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).contains("causal", "perhaps", "true or false");
  }

  @Test
  void theVectorJacobianProductTakesTheGradientsOfTheOutputs() {
    final String call =
        "{\"inputs\": {\"x\": {\"shape\": [1, 2], \"data\": [0, 0]}, \"dy\": {\"shape\": [1, 2],"
            + " \"data\": [1, 0]}}}";
    final Cli.Result result = Cli.runWith(call, "apply", "softmax", "--in", "-", "--vjp");
    assertThat(result.err()).isEmpty();
    // y = (1/2, 1/2), so dx = y * (dy - <dy, y>) = (1/4, -1/4).
    assertThat(doubles(output(result, "dx")))
        .containsExactly(new double[] {0.25, -0.25}, within(1e-6));
  }

  @Test
  void nonFiniteNumbersAreText() {
    final String masked =
        "{\"inputs\": {\"x\": {\"shape\": [2], \"data\": [\"-Infinity\", \"-Infinity\"]}}}";
    assertThat(Cli.runWith(masked, "apply", "log-sum-exp", "--in", "-").out())
        .contains("\"-Infinity\"");
    final String broken = "{\"inputs\": {\"x\": {\"shape\": [2], \"data\": [\"NaN\", 1]}}}";
    assertThat(Cli.runWith(broken, "apply", "softmax", "--in", "-").out())
        .contains("[\"NaN\",\"NaN\"]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"json", "npy", "npz", "safetensors"})
  void everyFormatGoesInAndOut(String format) {
    final Path in = folder.resolve("in." + format);
    final Path out = folder.resolve("out." + format);
    final Map<String, Tensor> inputs =
        Map.of("x", Tensor.of(new float[] {0, (float) Math.log(3), 0, 0}, 2, 2));
    if (format.equals("json")) {
      write(in, "{\"inputs\": {\"x\": {\"data\": [[0, 1.0986123], [0, 0]]}}}");
    } else {
      TensorFiles.write(in, inputs);
    }
    final Cli.Result result =
        Cli.run("apply", "softmax", "--in", in.toString(), "--out", out.toString());
    assertThat(result.err()).isEmpty();
    assertThat(result.code()).isZero();
    assertThat(result.out()).isEmpty();
    assertThat(weights(out, format))
        .containsExactly(new double[] {0.25, 0.75, 0.5, 0.5}, within(1e-6));
  }

  @Test
  void jsonGoesToStandardOutputBesideTheFileWhenAskedFor() {
    final Path out = folder.resolve("y.npy");
    final Cli.Result result =
        Cli.runWith(CALL, "apply", "softmax", "--in", "-", "--out", out.toString(), "--json");
    assertThat(out).exists();
    assertThat(doubles(output(result, "y")))
        .containsExactly(new double[] {0.25, 0.5, 0.25}, within(1e-6));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "{\"inputs\": {\"x\": {\"shape\": [2], \"data\": [1]}}}",
        "{\"inputs\": {\"q\": {\"shape\": [1], \"data\": [1]}}}",
        "{\"inputs\": {}}",
        "{\"inputs\": {\"x\": {\"shape\": [1], \"data\": [1], \"dtype\": \"i32\"}}}",
        "{\"inputs\": {\"x\": {\"shape\": [1], \"data\": [1]}}, \"params\": {\"q\": 1}}"
      })
  void aWrongDocumentIsOneLineAndNoOutput(String document) throws IOException {
    final Path out = folder.resolve("y.json");
    final Cli.Result result =
        Cli.runWith(document, "apply", "softmax", "--in", "-", "--out", out.toString());
    assertThat(result.code()).isEqualTo(Steelyard.FAILURE);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).startsWith("steelyard: ").hasLineCount(1).doesNotContain("unexpected");
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  private static double[] weights(Path file, String format) {
    if (!format.equals("json")) {
      return TensorFiles.read(file, TensorFiles.Reading.of("y"))
          .inputs()
          .values()
          .iterator()
          .next()
          .toDoubleArray();
    }
    try {
      return doubles(output(new Cli.Result(0, Files.readString(file), ""), "y"));
    } catch (IOException e) {
      throw new AssertionError("cannot read " + file, e);
    }
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new AssertionError("cannot write " + file, e);
    }
  }

  private static JsonObject output(Cli.Result result, String name) {
    return result.json().getAsJsonObject().getAsJsonObject("outputs").getAsJsonObject(name);
  }

  private static double[] doubles(JsonObject tensor) {
    final JsonArray data = tensor.getAsJsonArray("data");
    return data.asList().stream().mapToDouble(value -> value.getAsDouble()).toArray();
  }
}
