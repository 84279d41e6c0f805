package io.steelyard.layers.head;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.kernels.head.EquiangularBasis;
import io.steelyard.kernels.head.NearestBasisVector;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.initializer.Values;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;

/**
 * A fixed classifier: embeddings {@code [..., D]} to logits {@code [..., K]}, {@code l_c = <z /
 * |z|, v_c> / tau}, against unit vectors of which no two have a large cosine. Nothing in it is
 * learned; train what gives the embeddings with cross-entropy (label smoothing 0.1 in the paper).
 * The class is the one with the largest logit.
 *
 * <p>{@link EquiangularBasis} makes the vectors, for any number of classes and dimension that can
 * reach the wanted cosine. Classes can be added without touching the others: from vectors that the
 * basis has and the head does not use yet ({@link #withClasses}), or from new ones ({@link
 * BasisExtension}).
 *
 * <p>The norm is {@code |z| + 1e-12}, so a zero embedding has logits 0, and gradient 0. In
 * prediction on a CPU the kernel {@link NearestBasisVector} computes the logits, within {@code (D /
 * 8 + 8) 2^-24 / tau} of the exact ones in float32; gradients do not pass there. The one parameter,
 * {@code basis [K', D]}, is saved and loaded but gets no gradient. Cost O(K D) a row. Source: arXiv
 * 2303.11637, section 3.
 *
 * <pre>{@code
 * EquiangularBasis basis = EquiangularBasis.orthonormal(10, 10, 42);
 * EquiangularBasisHead head = new EquiangularBasisHead(basis, 8, EquiangularBasisHead.TAU);
 * head.initialize(manager, scores.getDataType(), scores.getShape());
 * NDList logits = head.forward(new ParameterStore(manager, false), new NDList(scores), false);
 * }</pre>
 */
public final class EquiangularBasisHead extends AbstractBlock {

  /** The paper's temperature. */
  public static final double TAU = 0.07;

  private static final byte VERSION = 1;
  private static final double ZERO_NORM = 1e-12;

  private final EquiangularBasis basis;
  private final int classes;
  private final double tau;
  private final Parameter vectors;

  /**
   * An uninitialized head.
   *
   * @param basis K or more unit vectors, class by class
   * @param classes K, how many of them are in use
   * @param tau above 0
   */
  public EquiangularBasisHead(EquiangularBasis basis, int classes, double tau) {
    super(VERSION);
    final Tensor rows = basis.vectors();
    if (classes < 1 || classes > rows.dim(0)) {
      throw new IllegalArgumentException(
          "classes is " + classes + "; expected 1 to " + rows.dim(0) + ", the vectors there are");
    }
    if (!(tau > 0) || Double.isInfinite(tau)) {
      throw new IllegalArgumentException("tau is " + tau + "; expected a finite number above 0");
    }
    this.basis = basis;
    this.classes = classes;
    this.tau = tau;
    this.vectors =
        addParameter(
            Parameter.builder()
                .setName("basis")
                .setType(Parameter.Type.OTHER)
                .optShape(new Shape(rows.shape()))
                .optInitializer(new Values(rows.toDoubleArray()))
                .optRequiresGrad(false)
                .build());
  }

  /** An uninitialized head that uses all vectors, with the paper's temperature. */
  public static EquiangularBasisHead of(EquiangularBasis basis) {
    return new EquiangularBasisHead(basis, Math.toIntExact(basis.vectors().dim(0)), TAU);
  }

  /** The vectors. */
  public EquiangularBasis basis() {
    return basis;
  }

  /** The number of classes in use. */
  public int classes() {
    return classes;
  }

  /**
   * An uninitialized head of the same vectors with another number of classes in use; logits of
   * classes that both have are the same.
   */
  public EquiangularBasisHead withClasses(int number) {
    return new EquiangularBasisHead(basis, number, tau);
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray x = inputs.singletonOrThrow();
    final NDArray all = parameters.getValue(vectors, x.getDevice(), training);
    HeadArrays.check("embeddings", x, all.getShape().get(1), all);
    final Shape shape = HeadArrays.withLast(x.getShape(), classes);
    if (HeadArrays.kernels(x, training)) {
      final NDArray logits = Like.zeros(shape, x);
      NearestBasisVector.apply(
          NDArrayTensors.tensor(x),
          NDArrayTensors.tensor(all).slice(0, 0, classes),
          tau,
          NDArrayTensors.tensor(logits),
          0);
      return new NDList(logits);
    }
    final NDArray rows = HeadArrays.rows(x);
    final NDArray used = HeadArrays.live(all, x).get(":" + classes).transpose();
    final NDArray directions = rows.div(HeadArrays.norms(rows).add(ZERO_NORM));
    return new NDList(directions.matMul(used).div(Like.scalar(tau, x)).reshape(shape));
  }

  @Override
  protected void prepare(Shape[] inputShapes) {
    final long width = HeadArrays.width("embeddings", inputShapes);
    if (width != basis.vectors().dim(1)) {
      throw new IllegalArgumentException(
          "embeddings are "
              + inputShapes[0]
              + "; expected [..., "
              + basis.vectors().dim(1)
              + "] like the vectors");
    }
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {HeadArrays.withLast(inputShapes[0], classes)};
  }
}
