package io.steelyard.layers.head;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.kernels.head.NormalizedSoftmax;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.initializer.Constant;
import io.steelyard.layers.initializer.Uniform;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * The head of hyperspherical embedding: embeddings {@code [..., D]} to logits {@code [..., C]},
 * {@code l_c = s <h / |h|, w_c>}, with a weight vector on the unit sphere for each class and no
 * bias. Train it with cross-entropy; for {@code AdaptiveMarginLoss} take scale 1.
 *
 * <p>Weights are on the sphere in one of two ways. {@link Sphere#PROJECTED}, the paper's: they are
 * used as they are, and {@link #project} after each step of the optimizer puts them back. {@link
 * Sphere#NORMALIZED}: they are divided by their norm in the forward pass, so that their gradient is
 * tangential; nothing is to be done after a step.
 *
 * <p>A new class needs no training: {@link #withClass} appends the normalised mean direction of
 * some embeddings and leaves the logits of the others as they are, to the bit.
 *
 * <p>Weights start uniform in {@code +-1/sqrt(D)}, then normalised. In prediction on a CPU the
 * kernel {@link NormalizedSoftmax} computes the logits, within {@code (D / 2 + 8) 2^-24 s} of the
 * exact ones in float32; gradients do not pass there. A zero embedding has logits 0. Parameters:
 * {@code weight [D, C]}, and {@code scale [1]} if it is learned. Cost O(C D) a row. Source: arXiv
 * 2102.03243, section 3; normalised in the graph as in arXiv 1704.06369.
 *
 * <pre>{@code
 * NormalizedSoftmaxHead head =
 *     new NormalizedSoftmaxHead(10, NormalizedSoftmaxHead.Form.DEFAULTS, random);
 * head.initialize(manager, x.getDataType(), x.getShape());
 * NDList logits = head.forward(new ParameterStore(manager, false), new NDList(x), false);
 * NormalizedSoftmaxHead more = head.withClass(manager, x);
 * }</pre>
 */
public final class NormalizedSoftmaxHead extends AbstractBlock {

  private static final byte VERSION = 1;
  private static final double ZERO_NORM = 1e-12;

  /** How weights are kept on the sphere. */
  public enum Sphere {
    /** By {@link #project} after each step. */
    PROJECTED,
    /** By a division in the forward pass. */
    NORMALIZED
  }

  /**
   * The shape of the head.
   *
   * @param scale s, the radius of the sphere, above 0; where it is learned, what it starts from
   * @param learned whether the scale is a parameter
   * @param sphere how weights are kept on the sphere
   */
  public record Form(double scale, boolean learned, Sphere sphere) {

    /** Scale 10, fixed, projected: the paper's. */
    public static final Form DEFAULTS = new Form(10, false, Sphere.PROJECTED);

    /** Checks the scale. */
    public Form {
      if (!(scale > 0) || Double.isInfinite(scale)) {
        throw new IllegalArgumentException(
            "scale is " + scale + "; expected a finite number above 0");
      }
    }

    /** The same with another scale. */
    public Form withScale(double other) {
      return new Form(other, learned, sphere);
    }

    /** The same with a scale that is learned. */
    public Form learnedScale() {
      return new Form(scale, true, sphere);
    }

    /** The same, kept on the sphere in another way. */
    public Form on(Sphere other) {
      return new Form(scale, learned, other);
    }
  }

  private final int classes;
  private final Form form;
  private final RandomGenerator random;
  private final Parameter weight;
  private final List<Parameter> scale;

  /**
   * An uninitialized head.
   *
   * @param classes C, 1 or more
   * @param random draws the weights when the head is initialized
   */
  public NormalizedSoftmaxHead(int classes, Form form, RandomGenerator random) {
    super(VERSION);
    if (classes < 1) {
      throw new IllegalArgumentException("classes is " + classes + "; expected 1 or more");
    }
    this.classes = classes;
    this.form = form;
    this.random = random;
    this.weight =
        addParameter(Parameter.builder().setName("weight").setType(Parameter.Type.WEIGHT).build());
    this.scale =
        form.learned()
            ? List.of(
                addParameter(
                    Parameter.builder()
                        .setName("scale")
                        .setType(Parameter.Type.OTHER)
                        .optInitializer(new Constant((float) form.scale()))
                        .build()))
            : List.of();
  }

  /** The number of classes. */
  public int classes() {
    return classes;
  }

  /**
   * Divides the weights of each class by their norm; a column of zeros stays. To be called after
   * each step where weights are {@link Sphere#PROJECTED}.
   */
  public void project() {
    final NDArray w = weight.getArray();
    try (NDManager scope = w.getManager().newSubManager()) {
      // The same memory outside the graph, which may be written.
      final NDArray own = w.stopGradient();
      own.attach(scope);
      own.divi(columnNorms(own));
    }
  }

  /**
   * A head with one class more, whose weights are the normalised mean direction of embeddings.
   *
   * @param manager of the new parameters; they are copies
   * @param support embeddings {@code [..., D]} of the class, at least one; not modified
   */
  public NormalizedSoftmaxHead withClass(NDManager manager, NDArray support) {
    final NDArray column = prototype(support).reshape(-1, 1);
    return of(manager, weight.getArray().stopGradient().concat(column, 1));
  }

  /**
   * A head whose classes are these alone, in order: classification among classes never trained on.
   *
   * @param manager of the new parameters
   * @param supports embeddings {@code [..., D]} of each class
   */
  public NormalizedSoftmaxHead ofPrototypes(NDManager manager, List<NDArray> supports) {
    final NDList columns = new NDList();
    supports.forEach(support -> columns.add(prototype(support)));
    return of(manager, NDArrays.stack(columns, 1));
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray x = inputs.singletonOrThrow();
    final NDArray w = parameters.getValue(weight, x.getDevice(), training);
    HeadArrays.check("embeddings", x, w.getShape().get(0), w);
    final Shape shape = HeadArrays.withLast(x.getShape(), w.getShape().get(1));
    if (HeadArrays.kernels(x, training)) {
      return new NDList(predict(parameters, x, w, shape));
    }
    final NDArray rows = HeadArrays.rows(x);
    final NDArray live = HeadArrays.live(w, x);
    final NDArray columns = form.sphere() == Sphere.NORMALIZED ? live.div(columnNorms(live)) : live;
    final NDArray cosines = rows.div(rowNorms(rows)).matMul(columns);
    final NDArray logits =
        scale.isEmpty()
            ? cosines.mul(Like.scalar(form.scale(), x))
            : cosines.mul(parameters.getValue(scale.getFirst(), x.getDevice(), training));
    return new NDList(logits.reshape(shape));
  }

  private NDArray predict(ParameterStore parameters, NDArray x, NDArray w, Shape shape) {
    final NDArray logits = Like.zeros(shape, x);
    final double s = scale.isEmpty() ? form.scale() : learnedScale(parameters, x);
    Tensor columns = NDArrayTensors.tensor(w);
    if (form.sphere() == Sphere.NORMALIZED) {
      final DType type = columns.dtype();
      columns = columns.to(type);
      NormalizedSoftmax.project(columns);
    }
    NormalizedSoftmax.apply(NDArrayTensors.tensor(x), columns, s, NDArrayTensors.tensor(logits), 0);
    return logits;
  }

  private double learnedScale(ParameterStore parameters, NDArray x) {
    final NDArray value = parameters.getValue(scale.getFirst(), x.getDevice(), false);
    return NDArrayTensors.tensor(HeadArrays.live(value, x).stopGradient()).get(0);
  }

  @Override
  protected void prepare(Shape[] inputShapes) {
    final long width = HeadArrays.width("embeddings", inputShapes);
    weight.setShape(new Shape(width, classes));
    weight.setInitializer(
        (manager, shape, type) -> {
          final NDArray w =
              new Uniform(random, 1 / Math.sqrt((double) width)).initialize(manager, shape, type);
          return w.divi(columnNorms(w));
        });
    scale.forEach(parameter -> parameter.setShape(new Shape(1)));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {HeadArrays.withLast(inputShapes[0], classes)};
  }

  private NormalizedSoftmaxHead of(NDManager manager, NDArray columns) {
    final NormalizedSoftmaxHead head =
        new NormalizedSoftmaxHead(Math.toIntExact(columns.getShape().get(1)), form, random);
    columns.attach(manager);
    head.weight.setArray(columns);
    if (!scale.isEmpty()) {
      final NDArray copy = scale.getFirst().getArray().duplicate();
      copy.attach(manager);
      head.scale.getFirst().setArray(copy);
    }
    return head;
  }

  private NDArray prototype(NDArray support) {
    final NDArray w = weight.getArray();
    HeadArrays.check("support", support, w.getShape().get(0), w);
    final NDArray rows = HeadArrays.rows(support.stopGradient());
    final NDArray sum = rows.div(rowNorms(rows)).sum(new int[] {0}, true);
    return sum.div(rowNorms(sum)).reshape(-1);
  }

  private static NDArray rowNorms(NDArray rows) {
    return rows.mul(rows).sum(new int[] {1}, true).add(ZERO_NORM).sqrt();
  }

  private static NDArray columnNorms(NDArray w) {
    return w.mul(w).sum(new int[] {0}, true).add(ZERO_NORM).sqrt();
  }
}
