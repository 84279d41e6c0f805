package io.steelyard.layers;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.layers.attention.Attention;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's example of a layer is {@link Gratings}, and that works. */
class ReadmeTest {

  private static final Path EXAMPLE =
      Path.of("src", "test", "java", "io", "steelyard", "layers", "Gratings.java");

  @Test
  void theReadmeShowsTheExample() throws IOException {
    final String code = Files.readString(EXAMPLE).replaceFirst("package .*\n\n", "");
    assertThat(Files.readString(Path.of("..", "README.md"))).contains("```java\n" + code + "```\n");
  }

  /** Chance is a tenth. What was learned has to have come through the file. */
  @Test
  void theExampleLearnsWithOneAttentionAsWithAnother(@TempDir Path folder) {
    final Path file = folder.resolve("gratings.safetensors");
    assertThat(Gratings.accuracy(Attention.mala(), 50, file)).isGreaterThan(0.4);
    assertThat(file).isNotEmptyFile();
    assertThat(Gratings.accuracy(Attention.softmax(), 50, file)).isGreaterThan(0.4);
  }
}
