package io.steelyard.papers.run;

/**
 * Where a run was made. {@link MachineDetector} fills it in.
 *
 * @param cpu model name as the operating system gives it
 * @param cores processors available to the JVM
 * @param os name, version and architecture
 * @param jdk vendor and version
 * @param vectorBits width of the SIMD kernels, 0 for the scalar path
 * @param memoryGiB physical memory
 */
public record Machine(
    String cpu, int cores, String os, String jdk, int vectorBits, double memoryGiB) {

  /** All of it in one line, as the report prints it. */
  public String summary() {
    return "%s, %d %s, %s GiB, %s, %s, %s"
        .formatted(
            cpu,
            cores,
            cores == 1 ? "core" : "cores",
            Math.round(memoryGiB),
            vectorBits == 0 ? "scalar kernels" : vectorBits + "-bit vectors",
            os,
            jdk);
  }
}
