package io.steelyard.papers.run;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CodeVersionTest {

  @Test
  void theBuildFilledItIn() {
    assertThat(CodeVersion.current())
        .matches("\\d+\\.\\d+\\.\\d+(-SNAPSHOT)?(\\+[0-9a-f]{7,40}(-dirty)?)?");
  }

  @ParameterizedTest
  @CsvSource({
    "1.2, abc, false, 1.2+abc",
    "1.2, abc, true, 1.2+abc-dirty",
    "1.2, '', '', 1.2",
    "1.2, '', true, 1.2",
    "1.2, ${git.commit.id.abbrev}, ${git.dirty}, 1.2",
    "'', '', '', unknown"
  })
  void whatIsKnownIsSaid(String version, String commit, String dirty, String expected) {
    assertThat(CodeVersion.of(version, commit, dirty)).isEqualTo(expected);
  }
}
