package io.steelyard.layers.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNoException;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LibtorchTest {

  @Test
  void describesWhatIsLoaded() {
    final Libtorch.Description description = Libtorch.describe();
    assertThat(description.version()).startsWith("2.7.1");
    assertThat(description.folder()).isDirectory();
    assertThat(description.gpus()).isNotNegative();
  }

  @Test
  void cpuAndAutoAreAlwaysThere() {
    assertThat(Libtorch.device("cpu")).isEqualTo(Device.cpu());
    assertThat(Libtorch.device("auto"))
        .isEqualTo(Libtorch.describe().gpus() > 0 ? Device.gpu(0) : Device.cpu());
    try (NDManager manager = Libtorch.newManager()) {
      assertThat(manager.getDevice()).isEqualTo(Device.cpu());
    }
    assertThat(Libtorch.name(Device.cpu())).isEqualTo("cpu");
    assertThat(Libtorch.name(Device.gpu(3))).isEqualTo("gpu:3");
  }

  @Test
  void anAbsentGpuIsNamedWithWhatToDo() {
    final int gpus = Libtorch.describe().gpus();
    Assumptions.assumeTrue(gpus == 0, "this machine has a GPU");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Libtorch.device("gpu:0"))
        .withMessageContaining("device is 'gpu:0'; libtorch sees no GPU")
        .withMessageContaining("PYTORCH_LIBRARY_PATH");
  }

  @Test
  void gpusAreCounted() {
    assertThat(Libtorch.gpu(1, 2)).isEqualTo(Device.gpu(1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Libtorch.gpu(2, 2))
        .withMessageContaining("only gpu:0, gpu:1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "gpu", "gpu:x", "gpu:-1", "cuda:0", "CPU", "gpu:99999"})
  void otherNamesAreRefused(String name) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Libtorch.device(name))
        .withMessageContaining("device is '" + name + "'; expected cpu, gpu:0");
  }

  @Test
  void theFlavorFollowsWhatTheFolderHolds(@TempDir Path folder) throws IOException {
    final Path cpu = Files.createDirectory(folder.resolve("cpu"));
    final Path cuda = Files.createDirectory(folder.resolve("cuda"));
    final String library = System.mapLibraryName("torch");
    Files.createFile(cpu.resolve(library));
    Files.createFile(cuda.resolve(library));
    Files.createFile(cuda.resolve(System.mapLibraryName("torch_cuda")));
    assertThat(Libtorch.flavor(cpu.toString())).isEqualTo("cpu");
    assertThat(Libtorch.flavor(cuda.toString())).isEqualTo("cu128");
    assertThat(Libtorch.flavor(cuda.resolve(library).toString())).isEqualTo("cu128");
    assertThat(Libtorch.flavor(cpu + File.pathSeparator + cuda)).isEqualTo("cu128");
    assertThatNoException().isThrownBy(() -> Libtorch.checkLibraryPath(cpu.toString()));
    assertThatIllegalStateException()
        .isThrownBy(() -> Libtorch.checkLibraryPath(folder.toString()))
        .withMessageContaining("PYTORCH_LIBRARY_PATH is '" + folder)
        .withMessageContaining(library);
  }

  @Test
  void theSeedDecidesTheNumbers() {
    try (NDManager manager = Libtorch.newManager()) {
      Libtorch.seed(1L << 40);
      final float[] first = draw(manager);
      Libtorch.seed(1L << 40);
      assertThat(draw(manager)).containsExactly(first);
      Libtorch.seed(1L << 41);
      assertThat(draw(manager)).isNotEqualTo(first);
    }
  }

  private static float[] draw(NDManager manager) {
    return manager.randomUniform(0, 1, new Shape(8), DataType.FLOAT32).toFloatArray();
  }
}
