package io.steelyard.feed.configuration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SettingsTest {

  @Test
  void anOptionBeatsTheEnvironmentWhichBeatsTheFile(@TempDir Path folder) throws IOException {
    final Path file =
        Files.writeString(folder.resolve("site.properties"), "title=File\nport=1\nhost=one\n");
    final Settings settings =
        Settings.of(
            Optional.of(file),
            Map.of("STEELYARD_FEED_TITLE", "Environment", "STEELYARD_FEED_PORT", "2"),
            Map.of("title", "Option"));
    assertThat(settings.text(Setting.TITLE)).isEqualTo("Option");
    assertThat(settings.whole(Setting.PORT)).isEqualTo(2);
    assertThat(settings.text(Setting.HOST)).isEqualTo("one");
    assertThat(settings.text(Setting.CONTACT)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "prot      | 1         | there is no setting 'prot' (the command line)",
        "port      | 70000     | port is '70000'; expected a port from 0 to 65535",
        "port      | x         | port is 'x'; expected a whole number from 0",
        "proxy     | yes       | proxy is 'yes'; expected true or false",
        "base-path | a b       | base-path is 'a b'; expected a path",
        "url       | ftp://a   | url is 'ftp://a'; expected an address",
        "db        | jdbc:x:y  | db is 'jdbc:x:y'; expected jdbc:h2:file",
        "sign-up   | perhaps   | sign-up is 'perhaps'; expected one of open, closed",
        "digest.at | 25:00     | digest.at is '25:00'; expected a time such as 07:30",
      })
  void aWrongValueIsNamedWithWhatWasExpected(String key, String value, String sentence) {
    assertThatThrownBy(() -> Settings.of(Optional.empty(), Map.of(), Map.of(key, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(sentence);
  }

  @Test
  void secretsAreNotShown() {
    final Settings settings = Settings.with(Map.of(Setting.DB_PASSWORD, "opensesame"));
    assertThat(settings.shown().toString()).contains("(secret)").doesNotContain("opensesame");
  }

  @ParameterizedTest
  @EnumSource
  void theDocumentationHasEverySetting(Setting setting) throws IOException {
    final String page = Files.readString(Path.of("..", "docs", "site.md"));
    final String standard = setting.standard().isEmpty() ? "" : "`" + setting.standard() + "`";
    assertThat(page)
        .contains("| `" + setting.key() + "` | " + standard + " | " + setting.meaning() + " |");
  }
}
