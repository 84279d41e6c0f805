package io.steelyard.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorTest {

  @TempDir private Path folder;

  @Test
  void everyCheckHasAStateAndAdviceWhereItIsNotOk() {
    final Cli.Result result = Cli.run("doctor", "--json", "--data", folder.toString());
    assertThat(result.code()).isZero();
    final JsonObject report = result.json().getAsJsonObject();
    assertThat(report.get("works").getAsBoolean()).isTrue();
    assertThat(report.getAsJsonArray("checks").asList())
        .map(check -> check.getAsJsonObject())
        .allSatisfy(
            check -> {
              assertThat(check.keySet()).containsExactly("name", "state", "found", "advice");
              assertThat(check.get("found").getAsString()).isNotBlank();
              assertThat(check.get("advice").getAsString().isEmpty())
                  .isEqualTo(check.get("state").getAsString().equals("ok"));
            })
        .map(check -> check.get("name").getAsString())
        .contains("JDK", "vectors", "FMA", "processor", "memory", "libtorch", "data mnist");
  }

  @Test
  void theTableSaysWhatToDoAboutDataThatAreNotThere() {
    final Cli.Result result = Cli.run("doctor", "--data", folder.toString());
    assertThat(result.code()).isZero();
    assertThat(result.out()).contains("libtorch", "2.7.1", "bits");
  }
}
