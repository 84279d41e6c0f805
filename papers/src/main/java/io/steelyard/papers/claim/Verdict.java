package io.steelyard.papers.claim;

/** What a criterion says of a claim, given the runs made here. Computed, never typed. */
public sealed interface Verdict {

  /** One sentence that gives the numbers the verdict rests on. */
  String reason();

  /** {@code holds}, {@code does not hold} or {@code inconclusive}. */
  default String label() {
    return switch (this) {
      case Holds _ -> "holds";
      case DoesNotHold _ -> "does not hold";
      case Inconclusive _ -> "inconclusive";
    };
  }

  /** The criterion is met. */
  record Holds(String reason) implements Verdict {}

  /** The criterion for falsification is met. */
  record DoesNotHold(String reason) implements Verdict {}

  /** Neither, or not testable here, or fewer than three seeds. */
  record Inconclusive(String reason) implements Verdict {}
}
