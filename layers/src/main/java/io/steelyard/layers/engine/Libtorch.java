package io.steelyard.layers.engine;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.pytorch.jni.LibUtils;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Starts DJL's PyTorch engine, and is the only place that does.
 *
 * <p>Everything comes from Maven artifacts: the libtorch of {@code pytorch-native-cpu} is unpacked
 * once into DJL's cache ({@code ~/.djl.ai}, or where {@code DJL_CACHE_DIR} points; about 450 MB)
 * and loaded from there. Before DJL is touched, {@link #configure()} switches its downloads off
 * ({@code ai.djl.offline=true}) and opts out of its usage tracking ({@code OPT_OUT_TRACKING=true});
 * a value the user has set, as property or environment variable, stays.
 *
 * <p><b>A CUDA libtorch</b> of the user is taken when {@code PYTORCH_LIBRARY_PATH} (environment
 * variable or system property) names the folder that holds {@code libtorch.so}. It has to be the
 * version this build is linked with (2.7.1), because the glue library comes from {@code
 * pytorch-jni}, which carries the flavors {@code cpu} (all systems) and {@code cu128} (Linux and
 * Windows, x86-64). DJL by itself would look for {@code cpu-precxx11} or for the exact CUDA version
 * of the driver, which that jar does not have; so unless {@code PYTORCH_FLAVOR} is set, {@link
 * #configure()} sets it to {@code cu128} where the folder holds the CUDA part of libtorch and to
 * {@code cpu} elsewhere:
 *
 * <pre>{@code
 * PYTORCH_LIBRARY_PATH=/opt/libtorch/lib steelyard reproduce --device gpu:0
 * }</pre>
 */
public final class Libtorch {

  private static final String ENGINE = "PyTorch";
  private static final String OFFLINE = "ai.djl.offline";
  private static final String NO_TRACKING = "OPT_OUT_TRACKING";
  private static final String LIBRARY_PATH = "PYTORCH_LIBRARY_PATH";
  private static final String FLAVOR = "PYTORCH_FLAVOR";
  private static final Pattern GPU = Pattern.compile("gpu:(\\d{1,4})");

  /**
   * What was loaded, for reports.
   *
   * @param version of libtorch, for example {@code 2.7.1}
   * @param folder where the libraries were loaded from
   * @param gpus how many CUDA devices it sees
   */
  public record Description(String version, Path folder, int gpus) {}

  private Libtorch() {}

  /**
   * Sets the properties described above where the user has not; needed only before using DJL
   * without this class. Starts nothing.
   */
  public static void configure() {
    if (System.getenv("DJL_OFFLINE") == null
        && System.getProperty(OFFLINE) == null
        && System.getProperty("offline") == null) {
      System.setProperty(OFFLINE, "true");
    }
    if (setting(NO_TRACKING).isEmpty()) {
      System.setProperty(NO_TRACKING, "true");
    }
    if (setting(FLAVOR).isEmpty()) {
      setting(LIBRARY_PATH).ifPresent(path -> System.setProperty(FLAVOR, flavor(path)));
    }
  }

  /**
   * The engine, loading libtorch at the first call (about half a second).
   *
   * @throws IllegalStateException if libtorch cannot be loaded; the message says what was looked
   *     for
   */
  public static Engine engine() {
    configure();
    setting(LIBRARY_PATH).ifPresent(Libtorch::checkLibraryPath);
    try {
      return Engine.getEngine(ENGINE);
    } catch (EngineException | LinkageError | AssertionError e) {
      throw new IllegalStateException(
          setting(LIBRARY_PATH)
                  .map(
                      path ->
                          "libtorch did not load from "
                              + LIBRARY_PATH
                              + "="
                              + path
                              + "; expected the lib folder of a libtorch 2.7.1, cpu or CUDA 12.8 ("
                              + FLAVOR
                              + " is "
                              + setting(FLAVOR).orElse("not set"))
                  .orElse(
                      "libtorch did not load; expected the pytorch-native-cpu jar for "
                          + System.getProperty("os.name")
                          + " "
                          + System.getProperty("os.arch")
                          + " on the class path, or "
                          + LIBRARY_PATH
                          + " naming the lib folder of a libtorch 2.7.1 (found neither")
              + "; the cause was "
              + rootMessage(e)
              + ")",
          e);
    }
  }

  /**
   * A new root manager for arrays on the CPU; the caller closes it and with it all arrays it made.
   */
  public static NDManager newManager() {
    return newManager(Device.cpu());
  }

  /** A new root manager for arrays on {@code device}; the caller closes it. */
  public static NDManager newManager(Device device) {
    return engine().newBaseManager(device);
  }

  /**
   * The device of this name.
   *
   * @param name {@code cpu}; {@code gpu:0}, {@code gpu:1}, ...; or {@code auto}, the first GPU if
   *     there is one and else the CPU
   * @throws IllegalArgumentException if the name is none of these, or the GPU is not there; the
   *     message says what to do
   */
  public static Device device(String name) {
    final Matcher gpu = GPU.matcher(name);
    if (name.equals("cpu")) {
      return Device.cpu();
    }
    if (name.equals("auto")) {
      return engine().getGpuCount() > 0 ? Device.gpu(0) : Device.cpu();
    }
    if (!gpu.matches()) {
      throw new IllegalArgumentException(
          "device is '" + name + "'; expected cpu, gpu:0 (or another number) or auto");
    }
    return gpu(Integer.parseInt(gpu.group(1)), engine().getGpuCount());
  }

  /** The name of a device as {@link #device} reads it. */
  public static String name(Device device) {
    return device.isGpu() ? "gpu:" + device.getDeviceId() : "cpu";
  }

  /** What was loaded; loads it if nothing was. */
  public static Description describe() {
    final Engine engine = engine();
    return new Description(
        engine.getVersion(), Path.of(LibUtils.getLibtorchPath()), engine.getGpuCount());
  }

  /**
   * Seeds libtorch's generator, which draws dropout masks. There is one per process and device
   * type, so concurrent users of one process disturb each other.
   *
   * @param seed any value; DJL passes 32 bits on, so the two halves are mixed
   */
  public static void seed(long seed) {
    engine().setRandomSeed(Long.hashCode(seed * 0x9E3779B97F4A7C15L));
  }

  /** Whether a gradient collector is open on this thread, so that operations join its graph. */
  public static boolean isRecording() {
    return JniUtils.isGradMode();
  }

  /**
   * Sets the gradient that back-propagation has left at an array to 0, NaN too. (DJL subtracts a
   * gradient from itself, and NaN stays.) Does nothing where there is none.
   *
   * @param array one that requires a gradient
   */
  public static void zeroGradient(NDArray array) {
    final PtNDArray leaf = (PtNDArray) array;
    final NDArray gradient = JniUtils.getGradient(leaf);
    if (gradient != null) {
      gradient.close();
      JniUtils.zeroGrad(leaf);
    }
  }

  static Device gpu(int index, int count) {
    if (index < count) {
      return Device.gpu(index);
    }
    final String seen =
        count == 0
            ? "no GPU"
            : "only "
                + IntStream.range(0, count)
                    .mapToObj(i -> "gpu:" + i)
                    .collect(Collectors.joining(", "));
    throw new IllegalArgumentException(
        "device is 'gpu:"
            + index
            + "'; libtorch sees "
            + seen
            + ": use cpu or auto, or set "
            + LIBRARY_PATH
            + " to the lib folder of a CUDA 12.8 build of libtorch 2.7.1");
  }

  static String flavor(String libraryPath) {
    return holds(libraryPath, System.mapLibraryName("torch_cuda")) ? "cu128" : "cpu";
  }

  /** DJL would fall back to the packaged CPU library without a word. */
  static void checkLibraryPath(String libraryPath) {
    final String library = System.mapLibraryName("torch");
    if (!holds(libraryPath, library)) {
      throw new IllegalStateException(
          LIBRARY_PATH
              + " is '"
              + libraryPath
              + "'; expected a folder that holds "
              + library
              + ", the lib folder of a libtorch 2.7.1");
    }
  }

  private static boolean holds(String libraryPath, String library) {
    return Arrays.stream(libraryPath.split(Pattern.quote(File.pathSeparator), -1))
        .map(Path::of)
        .map(
            path ->
                Files.isRegularFile(path) ? path.resolveSibling(library) : path.resolve(library))
        .anyMatch(Files::isRegularFile);
  }

  private static Optional<String> setting(String name) {
    return Optional.ofNullable(System.getenv(name))
        .or(() -> Optional.ofNullable(System.getProperty(name)))
        .filter(value -> !value.isEmpty());
  }

  private static String rootMessage(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.toString();
  }
}
