package io.steelyard.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.steelyard.papers.catalogue.Catalogue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PapersTest {

  @TempDir private Path folder;

  @Test
  void jsonHasEveryPaperWithExactlyTheseKeys() {
    final Cli.Result result = Cli.run("papers", "--json", "--runs", folder.toString());
    assertThat(result.code()).isZero();
    assertThat(result.err()).isEmpty();
    final List<JsonElement> papers = result.json().getAsJsonArray().asList();
    assertThat(papers).hasSameSizeAs(Catalogue.all());
    assertThat(papers)
        .allSatisfy(
            paper -> {
              final JsonObject object = paper.getAsJsonObject();
              assertThat(object.keySet())
                  .containsExactly(
                      "number",
                      "slug",
                      "title",
                      "arxiv",
                      "operators",
                      "layers",
                      "reproduction",
                      "source",
                      "claims");
              assertThat(object.get("source").getAsString()).isIn("runs", "shipped");
              assertThat(object.getAsJsonArray("claims").asList())
                  .allSatisfy(PapersTest::checkClaim);
            });
  }

  private static void checkClaim(JsonElement claim) {
    final JsonObject object = claim.getAsJsonObject();
    assertThat(object.keySet()).containsExactly("id", "published", "here", "interval", "verdict");
    assertThat(object.get("verdict").getAsString()).isIn("holds", "does not hold", "inconclusive");
    if (!object.get("interval").isJsonNull()) {
      assertThat(object.getAsJsonArray("interval").size()).isEqualTo(2);
    }
  }

  @Test
  void aPaperKnowsItsOperatorsAndLayers() {
    final JsonObject twoPass = only("--json", "two-pass-softmax");
    assertThat(twoPass.get("number").getAsInt()).isEqualTo(6);
    assertThat(twoPass.getAsJsonArray("operators").asList())
        .map(JsonElement::getAsString)
        .contains("two-pass-softmax");
    assertThat(only("--json", "cnn-svm").getAsJsonArray("layers").asList())
        .map(JsonElement::getAsString)
        .contains("l2-svm");
  }

  @Test
  void theTableFitsAndSaysWhatIsNotBuilt() {
    final Cli.Result result = Cli.run("papers", "--runs", folder.toString());
    assertThat(result.out().lines()).allSatisfy(line -> assertThat(line.length()).isLessThan(120));
    assertThat(result.out()).contains("two-pass-softmax", "not built yet");
  }

  @Test
  void aQueryThatFindsNothingSaysSoAndIsNoFailure() {
    final Cli.Result result = Cli.run("papers", "zebra", "crossing");
    assertThat(result.code()).isZero();
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).contains("zebra crossing");
    assertThat(Cli.run("papers", "zebra", "--json").json().getAsJsonArray()).isEmpty();
  }

  @Test
  void aTornRunFileIsReportedAndIgnored() throws IOException {
    final Path torn = folder.resolve("two-pass-softmax").resolve("quick").resolve("seed-1.json");
    Files.createDirectories(torn.getParent());
    Files.writeString(torn, "{\"format\": 1, ");
    final Cli.Result result = Cli.run("papers", "--json", "--runs", folder.toString());
    assertThat(result.code()).isZero();
    assertThat(result.err()).contains(torn.toString()).hasLineCount(1);
    assertThat(result.json().getAsJsonArray()).hasSameSizeAs(Catalogue.all());
  }

  private JsonObject only(String... args) {
    final String[] all = new String[args.length + 3];
    all[0] = "papers";
    all[1] = "--runs";
    all[2] = folder.toString();
    System.arraycopy(args, 0, all, 3, args.length);
    return Cli.run(all).json().getAsJsonArray().get(0).getAsJsonObject();
  }
}
