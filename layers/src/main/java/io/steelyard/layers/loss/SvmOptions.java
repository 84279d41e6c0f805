package io.steelyard.layers.loss;

/**
 * Which SVM objective {@link SvmLoss} computes.
 *
 * @param hinge the slack's power
 * @param form how the two terms are averaged
 * @param penalty C, the weight of the slack against the ridge; 0 or more. In {@link Form#CODE} it
 *     is divided by N times K, so a C from another SVM library is not comparable
 */
public record SvmOptions(Hinge hinge, Form form, double penalty) {

  /** The published setting: squared hinge, code form, C = 1. */
  public static final SvmOptions L2 = new SvmOptions(Hinge.L2, Form.CODE, 1);

  /** The plain hinge under the same setting. */
  public static final SvmOptions L1 = new SvmOptions(Hinge.L1, Form.CODE, 1);

  /** The slack's power. */
  public enum Hinge {
    /** {@code m}, with subgradient 0 where {@code t s = 1}. */
    L1,
    /** {@code m²}, differentiable everywhere. */
    L2
  }

  /** How the two terms are averaged. */
  public enum Form {
    /** {@code mean(W²) + C mean(hinge)}: what the official code computes. */
    CODE,
    /** {@code (1/N) sum(W²) + C sum(hinge)}: the printed formula, with p read as the batch size. */
    PAPER
  }

  /** Checks the penalty. */
  public SvmOptions {
    if (!(penalty >= 0) || Double.isInfinite(penalty)) {
      throw new IllegalArgumentException(
          "penalty is " + penalty + "; expected a finite number of 0 or more");
    }
  }

  /** The same with another form. */
  public SvmOptions in(Form other) {
    return new SvmOptions(hinge, other, penalty);
  }

  /** The same with another penalty C. */
  public SvmOptions withPenalty(double c) {
    return new SvmOptions(hinge, form, c);
  }
}
