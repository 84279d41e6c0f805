package io.steelyard.papers.runner;

import java.lang.module.ModuleFinder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * How a child process is started.
 *
 * @param java the {@code java} binary
 * @param classPath class path
 * @param flags JVM flags
 * @param mainClass the class that obeys, {@link Worker} outside of tests
 */
public record ChildJvm(Path java, String classPath, List<String> flags, String mainClass) {

  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  /** Settings of the libraries below, which a child needs as its parent does. */
  private static final List<String> INHERITED =
      List.of(
          "ai.djl.", "steelyard.", "OPT_OUT_TRACKING", "java.io.tmpdir", "org.slf4j.", "PYTORCH_");

  /** Copies the list. */
  public ChildJvm {
    Objects.requireNonNull(java, "java");
    flags = List.copyOf(flags);
  }

  /**
   * A child like this JVM: same binary, same class path, the flags Steelyard needs and this JVM's
   * library settings.
   *
   * @param heap maximum heap as {@code -Xmx} takes it, for example {@code 3g}
   */
  public static ChildJvm likeThisOne(String heap) {
    final List<String> flags = new ArrayList<>();
    if (ModuleFinder.ofSystem().find(VECTOR_MODULE).isPresent()) {
      flags.add("--add-modules=" + VECTOR_MODULE);
    }
    flags.add("--enable-native-access=ALL-UNNAMED");
    flags.add("-Xmx" + heap);
    System.getProperties().stringPropertyNames().stream()
        .filter(name -> INHERITED.stream().anyMatch(name::startsWith))
        .sorted()
        .forEach(name -> flags.add("-D" + name + "=" + System.getProperty(name)));
    final String binary = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    return new ChildJvm(
        Path.of(binary), System.getProperty("java.class.path"), flags, Worker.class.getName());
  }

  /** The same with another main class. */
  public ChildJvm running(String otherMainClass) {
    return new ChildJvm(java, classPath, flags, otherMainClass);
  }

  /**
   * Starts nothing yet: the builder of a child that may use {@code threads} processors, 0 for all.
   *
   * <p>The limit goes to the JVM and to libtorch's OpenMP alike, so that seeds that run side by
   * side do not fight over the cores and give the same numbers on every machine.
   */
  ProcessBuilder builder(int threads) {
    final List<String> limits =
        threads == 0
            ? List.of()
            : List.of(
                "-XX:ActiveProcessorCount=" + threads,
                "-Dai.djl.pytorch.num_threads=" + threads,
                "-Dai.djl.pytorch.num_interop_threads=1");
    final List<String> command =
        Stream.of(
                Stream.of(java.toString()),
                flags.stream(),
                limits.stream(),
                Stream.of("-cp", classPath, mainClass))
            .flatMap(part -> part)
            .toList();
    final ProcessBuilder builder = new ProcessBuilder(command);
    if (threads > 0) {
      builder.environment().put("OMP_NUM_THREADS", Integer.toString(threads));
      builder.environment().put("MKL_NUM_THREADS", Integer.toString(threads));
    }
    return builder;
  }
}
