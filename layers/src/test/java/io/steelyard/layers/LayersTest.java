package io.steelyard.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.TensorFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LayersTest {

  @Test
  void namesAreUniqueAndFindable() {
    assertThat(Layers.all()).extracting(Layer::name).doesNotHaveDuplicates();
    for (final Layer layer : Layers.all()) {
      assertThat(Layers.named(layer.name())).isEqualTo(layer);
      assertThat(layer.summary()).endsWith(".");
      assertThat(layer.arxiv()).matches("\\d{4}\\.\\d{5}");
    }
    assertThat(Layers.of("1712.03541"))
        .extracting(Layer::name)
        .contains("l2-svm", "l1-svm", "argmax", "argmax-of-sign", "cnn-svm", "cnn-svm-small");
    assertThat(Layers.of("0000.00000")).isEmpty();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Layers.named("l3-svm"))
        .withMessageContainingAll("layer is 'l3-svm'; expected one of ", "l2-svm, l1-svm");
  }

  /** Run in a JVM of its own by the test below. */
  public static final class WithoutEngine {

    private WithoutEngine() {}

    /** Lists the registry and goes through every file format. */
    public static void main(String[] arguments) {
      if (Layers.all().isEmpty()) {
        throw new IllegalStateException("the registry is empty");
      }
      for (final String ending : new String[] {".json", ".npy", ".npz", ".safetensors"}) {
        final Path file = Path.of(arguments[0], "y" + ending);
        TensorFiles.write(file, Map.of("y", Tensor.of(new float[] {1, 2}, 2)));
        if (!ending.equals(".json")) {
          TensorFiles.read(file, TensorFiles.Reading.of("y"));
        }
      }
    }
  }

  @Test
  void registryAndFilesStartNoEngine(@TempDir Path folder)
      throws IOException, InterruptedException {
    final Path log = folder.resolve("classes.log");
    final Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-Xlog:class+load:file=" + log,
                "-cp",
                System.getProperty("java.class.path"),
                WithoutEngine.class.getName(),
                folder.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("out.txt").toFile())
            .start();
    assertThat(process.waitFor()).describedAs(Files.readString(folder.resolve("out.txt"))).isZero();
    assertThat(Files.readString(log))
        .contains("io.steelyard.layers.Layers ")
        .contains("ai.djl.ndarray.NDList ")
        .doesNotContain("ai.djl.pytorch.engine.PtEngine ")
        .doesNotContain("ai.djl.pytorch.jni.PyTorchLibrary ");
  }
}
