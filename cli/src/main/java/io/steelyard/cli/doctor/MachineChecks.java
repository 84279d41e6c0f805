package io.steelyard.cli.doctor;

import com.sun.management.HotSpotDiagnosticMXBean;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.papers.run.Machine;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The JDK and the processor. */
final class MachineChecks {

  private static final int TESTED_JDK = 25;
  private static final double ENOUGH_GIB = 4;
  private static final double GIB = 1L << 30;

  private MachineChecks() {}

  static List<Check> all(Machine machine) {
    return List.of(jdk(machine), vectors(), fma(), processor(machine), memory(machine));
  }

  private static Check jdk(Machine machine) {
    final int feature = Runtime.version().feature();
    return feature == TESTED_JDK
        ? Check.ok("JDK", machine.jdk())
        : Check.warning(
            "JDK",
            machine.jdk(),
            "Steelyard is tested on JDK " + TESTED_JDK + "; if something fails, install that one");
  }

  private static Check vectors() {
    return Simd.available()
        ? Check.ok("vectors", Simd.vectorBits() + " bits")
        : Check.warning(
            "vectors",
            "module jdk.incubator.vector is not in this JVM; kernels run their slow scalar form",
            "start with ./steelyard, or java --add-modules jdk.incubator.vector");
  }

  private static Check fma() {
    final Optional<String> used =
        Optional.ofNullable(ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class))
            .map(vm -> vm.getVMOption("UseFMA").getValue());
    return used.map("true"::equals).orElse(false)
        ? Check.ok("FMA", "fused multiply-add in hardware")
        : Check.warning(
            "FMA",
            used.isEmpty() ? "this JVM does not say" : "none in hardware",
            "the two-pass softmax needs it to be fast and exact; expect it to be very slow here");
  }

  private static Check processor(Machine machine) {
    return Check.ok("processor", machine.cpu() + ", " + machine.cores() + " cores");
  }

  private static Check memory(Machine machine) {
    final String found =
        String.format(
            Locale.ROOT,
            "%.1f GiB, Java heap up to %.1f GiB",
            machine.memoryGiB(),
            Runtime.getRuntime().maxMemory() / GIB);
    return machine.memoryGiB() >= ENOUGH_GIB
        ? Check.ok("memory", found)
        : Check.warning(
            "memory", found, "reproductions want " + (int) ENOUGH_GIB + " GiB; run one at a time");
  }
}
