package io.steelyard.layers.gating;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;
import java.util.List;

/**
 * Losses that keep the experts of a mixture evenly busy, or the gate's logits small. Each is a
 * scalar in the manager and of the type of its array, 0 for no tokens, and NaN if a number is.
 *
 * <p>Tokens are {@code [T, N]}, one row each.
 */
public final class BalanceLosses {

  private BalanceLosses() {}

  /**
   * {@code N sum_i f_i P_i}, f_i the share of all choices that ask for expert i, P_i its mean
   * probability: 1 when either is even, up to N when all tokens go to one expert. The shares are
   * constants; the gradient goes through the probabilities. With every expert asked by every token
   * it is 1 whatever the gate does: then take {@link #importance}.
   *
   * <p>Source: arXiv 2101.03961, equations 4 to 6 (there for one choice a token).
   *
   * @param probabilities softmax over all experts {@code [T, N]}; not modified
   * @param demand how many choices ask for each expert, before any is dropped
   */
  public static NDArray load(NDArray probabilities, List<Integer> demand) {
    check("probabilities", probabilities);
    final int experts = Math.toIntExact(probabilities.getShape().get(1));
    if (demand.size() != experts) {
      throw new IllegalArgumentException(
          "demand is " + demand + "; expected " + experts + " numbers, one for each expert");
    }
    final double choices = demand.stream().mapToLong(Integer::longValue).sum();
    if (probabilities.size() == 0 || choices == 0) {
      return Like.scalar(0, probabilities);
    }
    final double[] shares =
        demand.stream().mapToDouble(asked -> experts * asked / choices).toArray();
    final NDArray means = probabilities.mean(new int[] {0});
    return means.mul(Like.values(shares, new Shape(experts), probabilities)).sum();
  }

  /**
   * Squared coefficient of variation of the experts' importance, the sum of their weights over
   * tokens: 0 when even.
   *
   * <p>Source: arXiv 1701.06538, section 4, equations 6 and 7.
   *
   * @param weights of the experts {@code [T, N]}; not modified
   */
  public static NDArray importance(NDArray weights) {
    check("weights", weights);
    if (weights.size() == 0) {
      return Like.scalar(0, weights);
    }
    final NDArray importance = weights.sum(new int[] {0});
    final NDArray mean = importance.mean();
    final NDArray away = importance.sub(mean);
    return away.mul(away).mean().div(mean.mul(mean));
  }

  /**
   * Mean over tokens of the squared log-sum-exp of the logits, which keeps them small.
   *
   * <p>Source: arXiv 2202.08906, equation 5.
   *
   * @param logits {@code [T, N]}; not modified
   */
  public static NDArray routerZ(NDArray logits) {
    check("logits", logits);
    if (logits.size() == 0) {
      return Like.scalar(0, logits);
    }
    final NDArray top = logits.max(new int[] {1}, true).stopGradient();
    final NDArray lse = logits.sub(top).exp().sum(new int[] {1}, true).log().add(top);
    return lse.mul(lse).mean();
  }

  private static void check(String name, NDArray array) {
    if (array.getShape().dimension() != 2 || array.getShape().get(1) == 0) {
      throw new IllegalArgumentException(
          name + " are " + array.getShape() + "; expected [T, N], one row for each token");
    }
  }
}
