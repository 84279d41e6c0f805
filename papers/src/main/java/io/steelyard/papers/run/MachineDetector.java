package io.steelyard.papers.run;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Finds out what machine this is: from {@code /proc/cpuinfo} on Linux, {@code sysctl} on macOS, the
 * registry on Windows, else what the JVM knows.
 */
public final class MachineDetector {

  private static final Path CPUINFO = Path.of("/proc/cpuinfo");
  private static final double GIB = 1L << 30;

  private MachineDetector() {}

  /**
   * This machine.
   *
   * @param vectorBits width of the SIMD kernels as the kernels module reports it, 0 for the scalar
   *     path
   */
  public static Machine detect(int vectorBits) {
    return new Machine(
        cpu(),
        Runtime.getRuntime().availableProcessors(),
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + " "
            + System.getProperty("os.arch"),
        System.getProperty("java.vendor") + " " + System.getProperty("java.vm.version"),
        vectorBits,
        memoryGiB());
  }

  private static String cpu() {
    final String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    final Optional<String> name;
    if (Files.isReadable(CPUINFO)) {
      name = fromCpuinfo(lines(CPUINFO)).or(() -> fromLscpu(output("lscpu")));
    } else if (os.contains("mac")) {
      name = output("sysctl", "-n", "machdep.cpu.brand_string").stream().findFirst();
    } else if (os.contains("windows")) {
      name =
          fromRegistry(
              output(
                  "reg",
                  "query",
                  "HKLM\\HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0",
                  "/v",
                  "ProcessorNameString"));
    } else {
      name = Optional.empty();
    }
    return name.map(MachineDetector::tidy)
        .filter(text -> !text.isEmpty())
        .or(() -> Optional.ofNullable(System.getenv("PROCESSOR_IDENTIFIER")))
        .orElseGet(() -> System.getProperty("os.arch") + " processor");
  }

  /** The model in the lines of {@code /proc/cpuinfo}; ARM kernels do not give one. */
  static Optional<String> fromCpuinfo(List<String> lines) {
    return valueOf(lines, "model name");
  }

  /** The model in the output of {@code lscpu}, which knows ARM parts by their numbers. */
  static Optional<String> fromLscpu(List<String> lines) {
    return valueOf(lines, "Model name");
  }

  /** The model in the output of {@code reg query ... /v ProcessorNameString}. */
  static Optional<String> fromRegistry(List<String> lines) {
    return lines.stream()
        .filter(line -> line.contains("REG_SZ"))
        .map(line -> line.substring(line.indexOf("REG_SZ") + "REG_SZ".length()))
        .findFirst();
  }

  private static Optional<String> valueOf(List<String> lines, String key) {
    return lines.stream()
        .map(String::strip)
        .filter(line -> line.startsWith(key) && line.indexOf(':') > 0)
        .map(line -> line.substring(line.indexOf(':') + 1))
        .findFirst();
  }

  private static String tidy(String name) {
    return name.replace("(R)", "").replace("(TM)", "").replaceAll("\\s+", " ").strip();
  }

  private static double memoryGiB() {
    final double bytes =
        ManagementFactory.getOperatingSystemMXBean()
                instanceof com.sun.management.OperatingSystemMXBean system
            ? system.getTotalMemorySize()
            : Runtime.getRuntime().maxMemory();
    return Math.round(10 * bytes / GIB) / 10.0;
  }

  private static List<String> lines(Path file) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines.limit(200).toList();
    } catch (IOException e) {
      // Who made the processor is a courtesy of the record; it never stops a run.
      return List.of();
    }
  }

  private static List<String> output(String... command) {
    try {
      final ProcessBuilder builder = new ProcessBuilder(command);
      builder.environment().putAll(Map.of("LC_ALL", "C"));
      final Process process =
          builder.redirectErrorStream(true).redirectInput(ProcessBuilder.Redirect.PIPE).start();
      process.getOutputStream().close();
      final String text =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return process.waitFor(5, TimeUnit.SECONDS) && process.exitValue() == 0
          ? text.lines().toList()
          : List.of();
    } catch (IOException e) {
      // The tool is not there; the caller has a fallback.
      return List.of();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }
}
