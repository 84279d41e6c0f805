package io.steelyard.papers.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checks against published facts, where {@code STEELYARD_DATA} holds the real files. */
class RealDataTest {

  @TempDir Path cache;

  @Test
  void fashionMnistHasItsPublishedStatistics() {
    final ResolvedData data = real(DataSet.FASHION_MNIST);
    assertThat(data.origin()).isEqualTo("STEELYARD_DATA (sha256 3aede38d…, 346e55b9…)");
    assertStatistics(data.train(), 60_000, .2860405970, .3530242445);
    assertStatistics(data.test(), 10_000, .2868492807, .3524441532);
    assertThat(labels(data.train())).containsExactly(9, 0, 0, 3, 0, 2, 7, 2, 5, 5);
    assertThat(labels(data.test())).containsExactly(9, 2, 1, 1, 6, 1, 4, 6, 5, 7);
    assertThat(data.train().classCounts()).containsOnly(6_000);
    assertThat(data.test().classCounts()).containsOnly(1_000);
  }

  @Test
  void mnistHasItsPublishedStatistics() {
    final ResolvedData data = real(DataSet.MNIST);
    assertStatistics(data.train(), 60_000, .1306604763, .3081078039);
    assertStatistics(data.test(), 10_000, .1325146058, .3104802479);
    assertThat(labels(data.train())).containsExactly(5, 0, 4, 1, 9, 2, 1, 3, 1, 4);
    assertThat(labels(data.test())).containsExactly(7, 2, 1, 0, 4, 1, 4, 9, 5, 9);
  }

  /** Both sets use the same file names, so a folder of one must not look like a damaged other. */
  @Test
  void aFolderOfOneSetIsNotADamagedFolderOfTheOther() {
    final Path mnist = folder(DataSet.MNIST).resolve(DataSet.MNIST.name());
    final DataLocations locations =
        new DataLocations(Optional.of(mnist), Optional.empty(), cache, true);
    final DataResolver resolver = new DataResolver(locations, _ -> {}, DownloadProgress.NONE);
    assertThat(resolver.locate(DataSet.MNIST).source()).isEqualTo(DataSource.GIVEN);
    assertThat(resolver.resolve(DataSet.FASHION_MNIST).source()).isEqualTo(DataSource.EMBEDDED);
  }

  private ResolvedData real(DataSet set) {
    final DataLocations locations =
        new DataLocations(Optional.empty(), Optional.of(folder(set)), cache, true);
    final ResolvedData data =
        new DataResolver(locations, _ -> {}, DownloadProgress.NONE).resolve(set);
    assertThat(data.source()).isEqualTo(DataSource.ENVIRONMENT);
    assertThat(data.name()).isEqualTo(set.name());
    assertThat(data.synthetic()).isFalse();
    return data;
  }

  private Path folder(DataSet set) {
    final Optional<Path> folder = DataLocations.standard(Optional.empty()).environment();
    assumeTrue(folder.isPresent(), "STEELYARD_DATA is not set: checks on real data are skipped");
    final DataLocations locations = new DataLocations(Optional.empty(), folder, cache, true);
    assumeTrue(
        new DataResolver(locations, _ -> {}, DownloadProgress.NONE).locate(set).source()
            == DataSource.ENVIRONMENT,
        "STEELYARD_DATA has no " + set.title() + ": checks on it are skipped");
    return folder.orElseThrow();
  }

  private static int[] labels(LabelledImages images) {
    return IntStream.range(0, 10).map(images::label).toArray();
  }

  private static void assertStatistics(
      LabelledImages images, int count, double mean, double deviation) {
    assertThat(images.count()).isEqualTo(count);
    final long[] levels = new long[256];
    for (int image = 0; image < count; image++) {
      for (int row = 0; row < images.rows(); row++) {
        for (int column = 0; column < images.columns(); column++) {
          levels[images.pixel(image, row, column)]++;
        }
      }
    }
    final double total = Arrays.stream(levels).sum();
    final double first =
        IntStream.range(0, 256).mapToDouble(level -> levels[level] * (level / 255.0)).sum();
    final double second =
        IntStream.range(0, 256)
            .mapToDouble(level -> levels[level] * (level / 255.0) * (level / 255.0))
            .sum();
    assertThat(total).isEqualTo(784.0 * count);
    assertThat(first / total).isCloseTo(mean, within(1e-10));
    assertThat(Math.sqrt(second / total - first / total * (first / total)))
        .isCloseTo(deviation, within(1e-10));
  }
}
