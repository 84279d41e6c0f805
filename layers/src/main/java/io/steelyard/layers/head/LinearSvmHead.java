package io.steelyard.layers.head;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.initializer.Constant;
import io.steelyard.layers.initializer.TruncatedNormal;
import java.util.random.RandomGenerator;

/**
 * K one-vs-rest linear SVMs over features {@code [..., D]}: scores {@code [..., K]}, {@code s = h W
 * + b}, to be trained with {@code SvmLoss} on {@link #weights} (the bias is not regularized) and
 * read by one of two rules.
 *
 * <p>Weights are truncated normal with deviation 0.1 and biases 0.1. D is that of the shape the
 * head is initialized with. Cost O(D K) a row. Source: arXiv 1712.03541, section 2; the rules are
 * {@link OneVsRest}'s.
 *
 * <pre>{@code
 * LinearSvmHead head = new LinearSvmHead(10, random);
 * Loss loss = new SvmLoss(SvmOptions.L2, head.weights());
 * NDArray classes = LinearSvmHead.Rule.ARGMAX.predict(scores);
 * }</pre>
 */
public final class LinearSvmHead extends AbstractBlock {

  private static final byte VERSION = 1;
  private static final double DEVIATION = 0.1;

  /** How a class is read from scores. */
  public enum Rule {
    /** The class with the largest score. */
    ARGMAX,
    /** The first class with a positive score, as in the paper. */
    ARGMAX_OF_SIGN;

    /** Class ids {@code [N]} of scores {@code [N, K]}. */
    public NDArray predict(NDArray scores) {
      return switch (this) {
        case ARGMAX -> OneVsRest.argmax(scores);
        case ARGMAX_OF_SIGN -> OneVsRest.argmaxOfSign(scores);
      };
    }
  }

  private final int classes;
  private final Linear readout;

  /**
   * An uninitialized head.
   *
   * @param classes K, 1 or more
   * @param random draws the weights when the head is initialized
   */
  public LinearSvmHead(int classes, RandomGenerator random) {
    super(VERSION);
    if (classes < 1) {
      throw new IllegalArgumentException("classes is " + classes + "; expected 1 or more");
    }
    this.classes = classes;
    this.readout = addChildBlock("readout", Linear.builder().setUnits(classes).build());
    setInitializer(new TruncatedNormal(random, DEVIATION), Parameter.Type.WEIGHT);
    setInitializer(new Constant(0.1f), Parameter.Type.BIAS);
  }

  /** The weights {@code [K, D]} that an SVM loss regularizes. */
  public Parameter weights() {
    return readout.getParameters().get("weight");
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray x = inputs.singletonOrThrow();
    HeadArrays.check("features", x, weights().getShape().get(1), weights().getArray());
    return readout.forward(parameters, inputs, training);
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    HeadArrays.width("features", inputShapes);
    readout.initialize(manager, dataType, inputShapes);
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {HeadArrays.withLast(inputShapes[0], classes)};
  }
}
