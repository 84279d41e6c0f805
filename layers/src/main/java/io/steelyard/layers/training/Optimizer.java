package io.steelyard.layers.training;

/**
 * How a gradient becomes an update. A value: what it remembers between steps belongs to the {@link
 * Training}.
 *
 * <p>The formulas are those of PyTorch's {@code torch.optim}, also where papers leave room: Adam's
 * epsilon is added to the root of the <em>corrected</em> second moment. DJL's own Adam and AdamW
 * add it to the uncorrected one, which makes the first steps larger where gradients are small, and
 * keep their constants as 32-bit floats; hence these.
 *
 * <pre>{@code
 * Optimizer plain = Optimizer.adam();
 * Optimizer usual = Optimizer.adamW(0.05).with(Decay.decoupled(0.05).ofMatrices());
 * Optimizer nesterov = new Optimizer.Sgd(0.9, true, Decay.ridge(1e-4));
 * }</pre>
 */
public sealed interface Optimizer {

  /**
   * Adam (arXiv 1412.6980) and, with decoupled decay, AdamW (arXiv 1711.05101). With gradient g and
   * step size eta at the t-th step (from 1):
   *
   * <pre>
   *   m &lt;- beta1 m + (1 - beta1) g,   v &lt;- beta2 v + (1 - beta2) g²
   *   w &lt;- w - eta (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
   * </pre>
   *
   * Memory: two numbers for each parameter.
   *
   * @param beta1 in [0, 1), usually 0.9
   * @param beta2 in [0, 1), usually 0.999
   * @param epsilon at least 0, usually 1e-8. With 0, a parameter whose gradient is 0 becomes NaN
   */
  record Adam(double beta1, double beta2, double epsilon, Decay decay) implements Optimizer {

    /** Checks the ranges. */
    public Adam {
      Ranges.belowOne("beta1", beta1);
      Ranges.belowOne("beta2", beta2);
      Ranges.atLeastZero("epsilon", epsilon);
    }

    /** The same with other moments' weights. */
    public Adam withBetas(double first, double second) {
      return new Adam(first, second, epsilon, decay);
    }

    @Override
    public Adam with(Decay other) {
      return new Adam(beta1, beta2, epsilon, other);
    }
  }

  /**
   * Gradient descent, with momentum mu if that is not 0:
   *
   * <pre>
   *   b &lt;- mu b + g,   w &lt;- w - eta b,   or with Nesterov's form  w &lt;- w - eta (g + mu b)
   * </pre>
   *
   * Memory: one number for each parameter with momentum, none without.
   *
   * @param momentum in [0, 1)
   * @param nesterov only with momentum
   */
  record Sgd(double momentum, boolean nesterov, Decay decay) implements Optimizer {

    /** Checks the ranges. */
    public Sgd {
      Ranges.belowOne("momentum", momentum);
      if (nesterov && momentum == 0) {
        throw new IllegalArgumentException(
            "momentum is 0 with nesterov; expected a number in (0, 1)");
      }
    }

    @Override
    public Sgd with(Decay other) {
      return new Sgd(momentum, nesterov, other);
    }
  }

  /** Weight decay. */
  Decay decay();

  /** The same with another decay. */
  Optimizer with(Decay other);

  /** Adam with 0.9, 0.999, 1e-8 and no decay. */
  static Adam adam() {
    return new Adam(0.9, 0.999, 1e-8, Decay.NONE);
  }

  /** Adam with the usual constants and decoupled decay of everything, PyTorch's AdamW. */
  static Adam adamW(double decay) {
    return adam().with(Decay.decoupled(decay));
  }

  /** Gradient descent with momentum, 0 for none; no decay. */
  static Sgd sgd(double momentum) {
    return new Sgd(momentum, false, Decay.NONE);
  }
}
