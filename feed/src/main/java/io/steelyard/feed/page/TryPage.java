package io.steelyard.feed.page;

import io.steelyard.feed.playground.JavaCall;
import io.steelyard.kernels.operator.Operator;
import java.util.List;
import java.util.Optional;

/**
 * An operator to try.
 *
 * @param shell around it
 * @param operator the operator
 * @param others operators of the same inputs, to set beside it
 * @param paper path of the paper that defines it, if it is on the site
 * @param presets names of ready calls
 */
public record TryPage(
    Shell shell,
    Operator operator,
    List<Operator> others,
    Optional<String> paper,
    List<String> presets) {

  /** How the call looks in Java. */
  public String sketch() {
    return JavaCall.sketch(operator);
  }
}
