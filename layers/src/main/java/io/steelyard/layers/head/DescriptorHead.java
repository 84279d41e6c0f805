package io.steelyard.layers.head;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.tensor.Scalars;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * The descriptor head of compact image retrieval: feature maps {@code [B, C, H, W]} to one global
 * descriptor {@code [B, D]} for each image, by generalised-mean pooling, {@code (mean(max(F,
 * 1e-6)^p))^(1/p)} of each channel, a linear layer with bias and batch normalisation.
 *
 * <p>For training, feed it to a {@link NormalizedSoftmaxHead} of scale 1, normalised in the graph,
 * and {@code AdaptiveMarginLoss}; in the second stage add {@code DescriptorTripletLoss} on {@link
 * #locals} and {@link #attention} of the same maps. For retrieval {@link #combine} averages the
 * directions of descriptors at several scales ({@link #SCALES}); rank by dot product.
 *
 * <p>Weights and biases of the linear layer start uniform in {@code +-1/sqrt(C)}. Cost O(B C (H W +
 * D)). Source: arXiv 2308.04008, section 3; core/model.
 *
 * <pre>{@code
 * DescriptorHead head = new DescriptorHead(DescriptorHead.Form.of(512), random);
 * head.initialize(manager, images.getDataType(), images.getShape());
 * NDList g = head.forward(new ParameterStore(manager, false), new NDList(images), false);
 * NDArray index = DescriptorHead.combine(g);
 * }</pre>
 */
public final class DescriptorHead extends AbstractBlock {

  /** Image scales of the paper's inference. */
  public static final List<Double> SCALES = List.of(0.3535, 0.5, 0.7071, 1.0, 1.4142);

  private static final byte VERSION = 1;
  private static final double LEAST = 1e-6;
  private static final double ZERO_NORM = 1e-12;

  /**
   * The shape of the head.
   *
   * @param width D, 1 or more
   * @param power p of the pooling, above 0
   */
  public record Form(int width, double power) {

    /** Checks the ranges. */
    public Form {
      if (width < 1) {
        throw new IllegalArgumentException("width is " + width + "; expected 1 or more");
      }
      if (!(power > 0) || Double.isInfinite(power)) {
        throw new IllegalArgumentException(
            "power is " + power + "; expected a finite number above 0");
      }
    }

    /** Power 3; the paper's width is 512. */
    public static Form of(int width) {
      return new Form(width, 3);
    }
  }

  private final Form form;
  private final RandomGenerator random;
  private final Linear projection;
  private final BatchNorm norm;

  /**
   * An uninitialized head.
   *
   * @param random draws the weights when the head is initialized
   */
  public DescriptorHead(Form form, RandomGenerator random) {
    super(VERSION);
    this.form = form;
    this.random = random;
    this.projection = addChildBlock("projection", Linear.builder().setUnits(form.width()).build());
    this.norm = addChildBlock("norm", BatchNorm.builder().build());
  }

  /**
   * How much each place of a map is attended: the sum of absolute values over channels.
   *
   * @param maps {@code [B, C, H, W]}
   * @return {@code [B, H W]}
   */
  public static NDArray attention(NDArray maps) {
    final Shape shape = checkMaps(maps.getShape());
    return maps.abs().sum(new int[] {1}).reshape(shape.get(0), -1);
  }

  /**
   * Local descriptors: the columns of a map, divided by their norm.
   *
   * @param maps {@code [B, C, H, W]}
   * @return {@code [B, H W, C]}
   */
  public static NDArray locals(NDArray maps) {
    final Shape shape = checkMaps(maps.getShape());
    final NDArray columns =
        maps.reshape(shape.get(0), shape.get(1), -1).transpose(0, 2, 1).reshape(-1, shape.get(1));
    return columns
        .div(HeadArrays.norms(columns).add(ZERO_NORM))
        .reshape(shape.get(0), shape.get(2) * shape.get(3), shape.get(1));
  }

  /**
   * One descriptor of several, as of several scales: the direction of the mean of their directions.
   *
   * @param descriptors {@code [B, D]} each, at least one
   * @return {@code [B, D]}, rows of length 1
   */
  public static NDArray combine(NDList descriptors) {
    if (descriptors.isEmpty()) {
      throw new IllegalArgumentException("descriptors are empty; expected one or more");
    }
    NDArray sum = direction(descriptors.get(0));
    for (final NDArray other : descriptors.subNDList(1)) {
      sum = sum.add(direction(other));
    }
    return direction(sum);
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray maps = inputs.singletonOrThrow();
    final Shape shape = checkMaps(maps.getShape());
    final NDArray weights = projection.getParameters().get("weight").getArray();
    if (shape.get(1) != weights.getShape().get(1)) {
      throw new IllegalArgumentException(
          "maps are " + shape + "; expected " + weights.getShape().get(1) + " channels");
    }
    final NDArray flat = maps.reshape(shape.get(0), shape.get(1), -1);
    final NDArray pooled =
        Scalars.pow(
            Scalars.pow(Scalars.maximum(flat, LEAST), form.power()).mean(new int[] {2}),
            1 / form.power());
    return norm.forward(
        parameters, projection.forward(parameters, new NDList(pooled), training), training);
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final long channels = checkMaps(inputShapes[0]).get(1);
    final double bound = 1 / Math.sqrt((double) channels);
    projection.setInitializer(HeadArrays.uniform(random, bound), Parameter.Type.WEIGHT);
    projection.setInitializer(HeadArrays.uniform(random, bound), Parameter.Type.BIAS);
    projection.initialize(manager, dataType, new Shape(1, channels));
    norm.initialize(manager, dataType, new Shape(1, form.width()));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), form.width())};
  }

  private static NDArray direction(NDArray x) {
    return x.div(HeadArrays.norms(x).add(ZERO_NORM));
  }

  private static Shape checkMaps(Shape shape) {
    if (shape.dimension() != 4 || shape.size() == 0) {
      throw new IllegalArgumentException(
          "maps are " + shape + "; expected [B, C, H, W] with at least one image");
    }
    return shape;
  }
}
