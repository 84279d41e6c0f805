package io.steelyard.feed.harvest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.feed.database.Database;
import io.steelyard.feed.database.Engine;
import io.steelyard.feed.evidence.ImportedNumber;
import io.steelyard.feed.evidence.ImportedNumbers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ResultLinesTest {

  private static final String LINE =
      "{\"task\":\"classification\",\"dataset\":\"MNIST\",\"method\":\"softmax\","
          + "\"metric\":\"accuracy\",\"value\":0.98,\"source\":\"https://example.org/results\","
          + "\"paper\":\"arXiv:2001.04438v2\"}\n";

  @TempDir private Path folder;

  private static List<ImportedNumber> all(Database database) {
    return database.read(handle -> new ImportedNumbers(handle).all());
  }

  @ParameterizedTest
  @EnumSource
  void aFileIsTakenOnce(Engine engine) throws IOException {
    final Path file = folder.resolve("numbers.jsonl");
    Files.writeString(file, LINE + "\n" + LINE.replace("softmax", "sigmoid"));
    try (Database database = engine.open()) {
      assertThat(ResultLines.take(file, database)).isEqualTo(new Harvest.Count(2, 2, 0));
      assertThat(ResultLines.take(file, database)).isEqualTo(new Harvest.Count(2, 0, 0));
      Files.writeString(file, LINE.replace("0.98", "0.97"));
      assertThat(ResultLines.take(file, database)).isEqualTo(new Harvest.Count(1, 0, 1));
      assertThat(all(database)).hasSize(2);
      assertThat(all(database).getLast().value()).isEqualTo(0.97);
      assertThat(all(database).getLast().paper()).hasToString("2001.04438");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{                             | line 2: is not valid JSON",
        "[1]                           | line 2: expected a JSON object",
        "{\"task\":\"t\"}              | line 2: paper is missing",
        "\"value\":0.98=\"value\":\"x\"  | line 2: value is \"x\"; expected a number",
        "0.98=1e999                    | line 2: value is Infinity",
        "https://example.org=javascript: | line 2: source is 'javascript:/results'",
        "\"MNIST\"=\" \"               | line 2: dataset is ''",
        "2001.04438=nonsense           | line 2: paper is 'arXiv:nonsensev2'"
      })
  void aWrongLineIsNamedAndNothingIsTaken(String change, String sentence) throws IOException {
    final int equals = change.indexOf('=');
    final String wrong =
        equals < 0
            ? change
            : LINE.replace(change.substring(0, equals), change.substring(equals + 1));
    final Path file = Files.writeString(folder.resolve("numbers.jsonl"), LINE + wrong);
    try (Database database = Engine.H2.open()) {
      assertThatThrownBy(() -> ResultLines.take(file, database))
          .isInstanceOf(SourceException.class)
          .hasMessageContaining(sentence);
      assertThat(all(database)).isEmpty();
    }
  }
}
