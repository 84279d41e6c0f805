package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Block;
import io.steelyard.analysis.robustness.ProjectedGradient;
import io.steelyard.layers.loss.AdversarialCompSumLoss;
import io.steelyard.layers.loss.CompSumLoss;
import io.steelyard.layers.loss.LossOptions;
import io.steelyard.layers.loss.ProjectedAscent;
import io.steelyard.layers.tensor.Scalars;
import io.steelyard.layers.training.Objective;
import io.steelyard.papers.claim.Quantity;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;

/**
 * A way for a classifier to become robust: which inputs beside the clean ones a step looks at, and
 * what it makes smaller. Sources: arXiv 2304.07288, section 5; TRADES, arXiv 1901.08573.
 */
public sealed interface Defence {

  /** As reports name it. */
  String label();

  /** Training on clean inputs. */
  record None() implements Defence {
    @Override
    public String label() {
      return "clean";
    }
  }

  /** Cross-entropy of attacked inputs. */
  record Adversarial() implements Defence {
    @Override
    public String label() {
      return "PGD cross-entropy";
    }
  }

  /** Clean cross-entropy and a divergence from the clean prediction. */
  record Trades(double factor) implements Defence {
    @Override
    public String label() {
      return "TRADES " + Quantity.number(factor);
    }
  }

  /** The smooth adversarial comp-sum loss. */
  record Smooth(double nu) implements Defence {
    @Override
    public String label() {
      return "smooth comp-sum " + Quantity.number(nu);
    }
  }

  /** The metric of its accuracy on clean inputs. */
  default String clean() {
    return label() + ": clean accuracy";
  }

  /** The metric of its accuracy under attack. */
  default String robust() {
    return label() + ": robust accuracy";
  }

  /**
   * How training looks for the worst input in a box, pixels from 0 to 1.
   *
   * @param radius half the side of the box
   * @param step how far one step goes
   * @param steps how many
   */
  record Search(double radius, double step, int steps) {

    private ProjectedGradient gradient() {
      return new ProjectedGradient(radius, step, steps, 0, 1);
    }

    private ProjectedAscent ascent() {
      return new ProjectedAscent(radius, step, steps, 0, 1);
    }
  }

  /**
   * The inputs that a step looks at beside the clean ones; those themselves if it needs no others.
   *
   * @param scores of the network as it is
   * @param random of the starting points
   */
  default NDArray moved(
      Search search,
      UnaryOperator<NDArray> scores,
      NDArray x,
      NDArray labels,
      RandomGenerator random) {
    return switch (this) {
      case None() -> x;
      case Adversarial() ->
          search.gradient().attack(scores, x, labels, ProjectedGradient.crossEntropy(), random);
      case Trades(double _) ->
          search.gradient().attack(scores, x, labels, ProjectedGradient.divergence(), random);
      case Smooth(double _) -> search.ascent().moved(scores, x, labels, random);
    };
  }

  /** What a step makes smaller. */
  default Objective objective(Block net, NDArray x, NDArray moved, NDArray labels) {
    return pass -> {
      final NDArray y = pass.alias(labels);
      return switch (this) {
        case None() -> CompSumLoss.compSum(pass.forward(net, x).head(), y, 1, LossOptions.mean());
        case Adversarial() ->
            CompSumLoss.compSum(pass.forward(net, moved).head(), y, 1, LossOptions.mean());
        case Trades(double factor) -> {
          final NDArray clean = pass.forward(net, x).head();
          final NDArray apart =
              ProjectedGradient.divergence(clean, pass.forward(net, moved).head()).mean();
          yield CompSumLoss.compSum(clean, y, 1, LossOptions.mean())
              .add(Scalars.mul(apart, factor));
        }
        case Smooth(double nu) ->
            AdversarialCompSumLoss.adversarial(
                pass.forward(net, x).head(),
                pass.forward(net, moved).head(),
                y,
                AdversarialCompSumLoss.Terms.DEFAULTS.withNu(nu),
                LossOptions.mean());
      };
    };
  }
}
