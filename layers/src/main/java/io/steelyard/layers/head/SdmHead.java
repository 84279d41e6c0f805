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
import io.steelyard.layers.tensor.Scalars;
import java.util.random.RandomGenerator;

/**
 * The exemplar adaptor of the similarity-distance-magnitude method: frozen features {@code [N, D]}
 * of a network, standardised by one mean and one deviation of all training entries, go through a
 * linear layer without activation to exemplars {@code h' [N, M]} and a second one to scores {@code
 * z [N, C]}.
 *
 * <p>Training: the first epoch with {@code CrossEntropyLoss}; after each epoch {@link
 * SdmSupport#withinTraining} gives similarity and distance of the training points for {@code
 * SdmLoss}. After it, {@link SdmCalibration} turns scores into outputs that can be trusted or
 * rejected.
 *
 * <p>Weights and biases start uniform in {@code +-1/sqrt(fan-in)}. Cost O(M (D + C)) a row. Source:
 * arXiv 2502.20167, section 3.
 *
 * <pre>{@code
 * SdmHead head = new SdmHead(SdmHead.Form.of(64, 2), random);
 * head.initialize(manager, x.getDataType(), x.getShape());
 * ParameterStore parameters = new ParameterStore(manager, false);
 * NDArray exemplars = head.exemplars(parameters, x, false);
 * NDArray z = head.scores(parameters, exemplars, false);
 * }</pre>
 */
public final class SdmHead extends AbstractBlock {

  private static final byte VERSION = 1;

  /**
   * The shape of the head.
   *
   * @param width M, 1 or more; the paper's is 1000
   * @param classes C, 2 or more
   * @param mean of all entries of the training features
   * @param deviation of them, above 0
   */
  public record Form(int width, int classes, double mean, double deviation) {

    /** Checks the ranges. */
    public Form {
      if (width < 1) {
        throw new IllegalArgumentException("width is " + width + "; expected 1 or more");
      }
      if (classes < 2) {
        throw new IllegalArgumentException("classes is " + classes + "; expected 2 or more");
      }
      if (!Double.isFinite(mean)) {
        throw new IllegalArgumentException("mean is " + mean + "; expected a finite number");
      }
      if (!(deviation > 0) || Double.isInfinite(deviation)) {
        throw new IllegalArgumentException(
            "deviation is " + deviation + "; expected a finite number above 0");
      }
    }

    /** For features that are standardised already. */
    public static Form of(int width, int classes) {
      return new Form(width, classes, 0, 1);
    }

    /** The same for features with the mean and deviation of all entries of these. */
    public Form standardising(NDArray features) {
      final double[] values = features.toType(DataType.FLOAT64, false).toDoubleArray();
      double sum = 0;
      for (final double value : values) {
        sum += value;
      }
      final double middle = sum / values.length;
      double squares = 0;
      for (final double value : values) {
        squares += (value - middle) * (value - middle);
      }
      return new Form(width, classes, middle, Math.sqrt(squares / values.length));
    }
  }

  private final Form form;
  private final RandomGenerator random;
  private final Linear adaptor;
  private final Linear readout;

  /**
   * An uninitialized head.
   *
   * @param random draws the weights when the head is initialized
   */
  public SdmHead(Form form, RandomGenerator random) {
    super(VERSION);
    this.form = form;
    this.random = random;
    this.adaptor = addChildBlock("adaptor", Linear.builder().setUnits(form.width()).build());
    this.readout = addChildBlock("readout", Linear.builder().setUnits(form.classes()).build());
  }

  /** Exemplars {@code h' [N, M]} of features {@code [N, D]}. */
  public NDArray exemplars(ParameterStore parameters, NDArray features, boolean training) {
    final NDArray weight = adaptor.getParameters().get("weight").getArray();
    HeadArrays.check("features", features, weight.getShape().get(1), weight);
    final NDArray standard = Scalars.div(features.sub(form.mean()), form.deviation());
    return adaptor.forward(parameters, new NDList(standard), training).singletonOrThrow();
  }

  /** Scores {@code z [N, C]} of exemplars {@code [N, M]}. */
  public NDArray scores(ParameterStore parameters, NDArray exemplars, boolean training) {
    return readout.forward(parameters, new NDList(exemplars), training).singletonOrThrow();
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray exemplars = exemplars(parameters, inputs.singletonOrThrow(), training);
    return new NDList(scores(parameters, exemplars, training));
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final long width = HeadArrays.width("features", inputShapes);
    initialize(adaptor, manager, dataType, width);
    initialize(readout, manager, dataType, form.width());
  }

  private void initialize(Linear layer, NDManager manager, DataType dataType, long fanIn) {
    final double bound = 1 / Math.sqrt((double) fanIn);
    layer.setInitializer(HeadArrays.uniform(random, bound), Parameter.Type.WEIGHT);
    layer.setInitializer(HeadArrays.uniform(random, bound), Parameter.Type.BIAS);
    layer.initialize(manager, dataType, new Shape(1, fanIn));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {HeadArrays.withLast(inputShapes[0], form.classes())};
  }
}
