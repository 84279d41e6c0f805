package io.steelyard.papers.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DataLocationsTest {

  private static final Path HOME = Path.of("home").toAbsolutePath();

  @Test
  void cachesWhereTheOperatingSystemDoes() {
    assertThat(cache("Linux", Map.of())).isEqualTo(HOME.resolve(".cache/steelyard/data"));
    assertThat(cache("Mac OS X", Map.of()))
        .isEqualTo(HOME.resolve("Library/Caches/steelyard/data"));
    assertThat(cache("Windows 11", Map.of()))
        .isEqualTo(HOME.resolve("AppData/Local/steelyard/data"));
    assertThat(cache("Windows 11", Map.of("LOCALAPPDATA", "local")))
        .isEqualTo(Path.of("local/steelyard/data"));
  }

  @Test
  void xdgCacheHomeCountsWhenItIsAbsolute() {
    final Path xdg = HOME.resolve("xdg");
    assertThat(cache("Linux", Map.of("XDG_CACHE_HOME", xdg.toString())))
        .isEqualTo(xdg.resolve("steelyard/data"));
    assertThat(cache("Linux", Map.of("XDG_CACHE_HOME", "relative")))
        .isEqualTo(HOME.resolve(".cache/steelyard/data"));
    assertThat(cache("Linux", Map.of("XDG_CACHE_HOME", "")))
        .isEqualTo(HOME.resolve(".cache/steelyard/data"));
  }

  @Test
  void environmentFolderIsTakenUnlessBlank() {
    assertThat(of("Linux", Map.of("STEELYARD_DATA", "d")).environment()).contains(Path.of("d"));
    assertThat(of("Linux", Map.of("STEELYARD_DATA", " ")).environment()).isEmpty();
    assertThat(of("Linux", Map.of()).environment()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"1,true", "true,true", "yes,true", "0,false", "false,false", "NO,false", "'',false"})
  void offlineIsAYesOrNo(String value, boolean offline) {
    assertThat(of("Linux", Map.of("STEELYARD_OFFLINE", value)).offline()).isEqualTo(offline);
  }

  @Test
  void downloadsAreOnUnlessSwitchedOff() {
    assertThat(of("Linux", Map.of()).offline()).isFalse();
    assertThat(of("Linux", Map.of()).withoutNetwork().offline()).isTrue();
  }

  private static Path cache(String os, Map<String, String> environment) {
    return of(os, environment).cache();
  }

  private static DataLocations of(String os, Map<String, String> environment) {
    return DataLocations.of(Optional.empty(), environment, os, HOME);
  }
}
