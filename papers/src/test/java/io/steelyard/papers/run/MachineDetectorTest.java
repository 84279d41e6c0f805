package io.steelyard.papers.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class MachineDetectorTest {

  @Test
  void thisMachineHasANameCoresAndMemory() {
    final Machine machine = MachineDetector.detect(256);
    assertThat(machine.cpu()).isNotBlank();
    assertThat(machine.cores()).isEqualTo(Runtime.getRuntime().availableProcessors());
    assertThat(machine.memoryGiB()).isGreaterThan(0.1);
    assertThat(machine.vectorBits()).isEqualTo(256);
    assertThat(machine.jdk()).contains(System.getProperty("java.vm.version"));
  }

  @Test
  void theModelIsReadFromEachSystemsWords() {
    assertThat(
            MachineDetector.fromCpuinfo(
                List.of("processor\t: 0", "model\t\t: 2", "model name\t: Example: 9000")))
        .hasValueSatisfying(name -> assertThat(name.strip()).isEqualTo("Example: 9000"));
    assertThat(MachineDetector.fromCpuinfo(List.of("CPU implementer\t: 0x41"))).isEmpty();
    assertThat(MachineDetector.fromLscpu(List.of("Vendor ID: ARM", "  Model name:  Neoverse-N1")))
        .hasValueSatisfying(name -> assertThat(name.strip()).isEqualTo("Neoverse-N1"));
    assertThat(
            MachineDetector.fromRegistry(
                List.of(
                    "", "HKEY_LOCAL_MACHINE", "    ProcessorNameString    REG_SZ    Example 9000")))
        .hasValueSatisfying(name -> assertThat(name.strip()).isEqualTo("Example 9000"));
  }

  @Test
  void theSummaryIsOneLine() {
    assertThat(TestRuns.MACHINE.summary())
        .isEqualTo(
            "Example CPU 9000, 8 cores, 31 GiB, 512-bit vectors, Linux 6.1 amd64, Example 25.0.1+8");
  }
}
