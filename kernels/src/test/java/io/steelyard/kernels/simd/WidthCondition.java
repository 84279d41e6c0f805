package io.steelyard.kernels.simd;

import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Skips what would be run twice: where tests are asked to use vectors of the width that this
 * machine likes anyway, the run that did not ask has used them.
 */
public final class WidthCondition implements ExecutionCondition {

  private static final ConditionEvaluationResult RESULT = result();

  /** For the service loader of JUnit. */
  public WidthCondition() {}

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    return RESULT;
  }

  private static ConditionEvaluationResult result() {
    final String bits = System.getProperty("steelyard.vector.bits", "preferred");
    return Simd.available() && bits.equals(Preferred.BITS)
        ? ConditionEvaluationResult.disabled("vectors have " + bits + " bits here without asking")
        : ConditionEvaluationResult.enabled("a width of its own");
  }

  /** Loads only where the vector module is. */
  private static final class Preferred {

    static final String BITS = Integer.toString(FloatVector.SPECIES_PREFERRED.vectorBitSize());
  }
}
