package io.steelyard.papers.run;

import java.util.Arrays;
import java.util.Locale;

/** How much of a paper's experiment is run. */
public enum Scale {
  /** Seconds; shows that the experiment runs, never enough for a verdict. */
  SMOKE,
  /** Minutes on two cores, on embedded or small real data. */
  QUICK,
  /** The paper's own setting, for who has the data and the hardware. */
  FULL;

  /** The name used in files and on the command line. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The scale with this {@link #label()}.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Scale of(String label) {
    return Arrays.stream(values())
        .filter(scale -> scale.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "scale is '" + label + "'; expected one of smoke, quick, full"));
  }
}
