package io.steelyard.cli.doctor;

import io.steelyard.kernels.simd.Simd;
import io.steelyard.papers.data.DataLocations;
import io.steelyard.papers.run.MachineDetector;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** All checks. */
public final class Doctor {

  private Doctor() {}

  /** Looks at everything; {@code data} is looked at first for data sets. */
  public static List<Check> checks(Optional<Path> data) {
    final List<Check> checks =
        new ArrayList<>(MachineChecks.all(MachineDetector.detect(Simd.vectorBits())));
    checks.addAll(EngineChecks.all());
    checks.addAll(DataChecks.all(DataLocations.standard(data)));
    return checks;
  }
}
