package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.kernels.attention.FixedFeatureAttention;
import io.steelyard.kernels.attention.FixedFeatureOptions;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.initializer.Constant;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.Scalars;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * One layer of attention with fixed random query-key matrices under a trained linear readout:
 * sequences to numbers. (Not the approximation of softmax attention by random Fourier features,
 * which has a similar name.)
 *
 * <p>A sequence is a query {@code x_0} and keys {@code x_1 ... x_N}; with {@code x~ = (x, 1)} head
 * m has the features {@code phi_m = 1/N sum_i max(x~_0^T W_m x~_i, 0) x~_i}, or the softmax over
 * the keys in place of the ReLU over N, and the outputs are {@code f_k = sum_m <v_km, phi_m>}. The
 * order of the keys has no say; a sequence without keys gives 0.
 *
 * <p>Inputs: {@code [B, N+1, d]}, and optionally a mask {@code [B, N+1]}, bool, true where there is
 * a key; its first column is not read. Output: {@code [B, K]}. In prediction mode on a CPU and
 * without a mask the kernel is used, which for K = 1 never makes the features.
 *
 * <p>Parameters: {@code w [M, d+1, d+1]}, normal with deviation 1/2, frozen: saved, not trained; a
 * mean mu of the options is added to their first d diagonal entries when they are used. {@code v
 * [K, M, d+1]}, 0 at first, trained by gradients or by {@link #fit}.
 *
 * <p>Cost: {@code 2 B M (d+1) (d+1 + 2N)} operations.
 *
 * <p>Source: arXiv 2307.11353, section 2; ridge regression stands in for its norm constraint.
 *
 * <pre>{@code
 * FixedFeatureOptions options = FixedFeatureOptions.defaults().withMean(2);
 * FixedFeatureReadout readout = new FixedFeatureReadout(8, 100, 1, options, random);
 * readout.initialize(manager, DataType.FLOAT64, new Shape(1, 9, 8));
 * readout.fit(x, targets, 1e-3);
 * NDList f = readout.forward(new ParameterStore(manager, false), new NDList(x), false);
 * }</pre>
 */
public final class FixedFeatureReadout extends AbstractBlock {

  private static final byte VERSION = 1;

  private final int width;
  private final int heads;
  private final int outputs;
  private final FixedFeatureOptions options;
  private final Parameter matrices;
  private final Parameter values;

  /**
   * An uninitialized block.
   *
   * @param width d, at least 1
   * @param heads M, at least 1
   * @param outputs K, at least 1
   */
  public FixedFeatureReadout(
      int width, int heads, int outputs, FixedFeatureOptions options, RandomGenerator random) {
    super(VERSION);
    if (width < 1 || heads < 1 || outputs < 1) {
      throw new IllegalArgumentException(
          "width, heads and outputs are "
              + width
              + ", "
              + heads
              + " and "
              + outputs
              + "; expected 1 or more of each");
    }
    this.width = width;
    this.heads = heads;
    this.outputs = outputs;
    this.options = options;
    this.matrices = addParameter(FixedFeatureAttentionBlock.matrices(heads, width, random));
    this.values =
        addParameter(
            Parameter.builder()
                .setName("v")
                .setType(Parameter.Type.WEIGHT)
                .optShape(new Shape(outputs, heads, width + 1L))
                .optInitializer(new Constant(0))
                .build());
  }

  /**
   * The features of each head.
   *
   * @param x {@code [B, N+1, d]}
   * @return {@code [B, M, d+1]}
   */
  public NDArray features(ParameterStore parameters, NDArray x, boolean training) {
    check(x);
    return features(parameters, x, Optional.empty(), training);
  }

  private NDArray features(
      ParameterStore parameters, NDArray x, Optional<NDArray> mask, boolean training) {
    final NDArray w = parameters.getValue(matrices, x.getDevice(), training);
    final long batch = x.getShape().get(0);
    if (batch == 0 || x.getShape().get(1) == 1) {
      return Like.zeros(new Shape(batch, heads, width + 1L), x);
    }
    if (mask.isEmpty() && isServed(x, training)) {
      final NDArray phi = Like.zeros(new Shape(batch, heads, width + 1L), x);
      FixedFeatureAttention.features(
          NDArrayTensors.tensor(x), NDArrayTensors.tensor(w), NDArrayTensors.tensor(phi), options);
      return phi;
    }
    return composed(x, w, mask);
  }

  private NDArray composed(NDArray x, NDArray w, Optional<NDArray> mask) {
    final long batch = x.getShape().get(0);
    final long keys = x.getShape().get(1) - 1;
    final NDArray query = x.get(":, :1").expandDims(1);
    final NDArray asking =
        FixedFeatureAttentionBlock.asking(
                query, FixedFeatureAttentionBlock.lifted(query), w, options.mean())
            .reshape(batch, heads, width + 1L);
    final NDArray all = x.get(":, 1:");
    final Optional<NDArray> there = mask.map(flags -> flags.get(":, 1:"));
    // What is masked may be NaN, and 0 times NaN is NaN.
    final NDArray known =
        there
            .map(
                flags ->
                    NDArrays.where(
                        flags.expandDims(2).broadcast(all.getShape()),
                        all,
                        Like.zeros(all.getShape(), all)))
            .orElse(all);
    final NDArray lifted = FixedFeatureAttentionBlock.lifted(known);
    final NDArray scores = asking.matMul(lifted.swapAxes(1, 2));
    final Optional<NDArray> seen =
        there.map(flags -> flags.expandDims(1).broadcast(scores.getShape()));
    final NDArray weights =
        switch (options.activation()) {
          case RELU -> {
            final NDArray count =
                there
                    .map(
                        flags ->
                            Scalars.maximum(
                                    flags.toType(x.getDataType(), false).sum(new int[] {1}), 1)
                                .reshape(batch, 1, 1))
                    .orElseGet(() -> Like.scalar((double) keys, x));
            yield hide(seen, Activation.relu(scores), 0).div(count);
          }
          case SOFTMAX -> hide(seen, hide(seen, scores, Double.NEGATIVE_INFINITY).softmax(-1), 0);
        };
    return weights.matMul(lifted);
  }

  private static NDArray hide(Optional<NDArray> seen, NDArray array, double value) {
    return seen.map(
            flags ->
                NDArrays.where(flags, array, Like.scalar(value, array).broadcast(array.getShape())))
        .orElse(array);
  }

  private static boolean isServed(NDArray x, boolean training) {
    return !training && NDArrayTensors.suitsKernels(x);
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters, NDList inputs, boolean training, PairList<String, Object> more) {
    final NDArray x = inputs.get(0);
    check(x);
    final Optional<NDArray> mask =
        inputs.size() > 1 ? Optional.of(inputs.get(1)) : Optional.empty();
    mask.ifPresent(flags -> check(flags, x));
    final long batch = x.getShape().get(0);
    final NDArray v = parameters.getValue(values, x.getDevice(), training);
    if (outputs == 1 && mask.isEmpty() && batch > 0 && isServed(x, training)) {
      final NDArray f = Like.zeros(new Shape(batch), x);
      final Tensor given = NDArrayTensors.tensor(v);
      FixedFeatureAttention.apply(
          NDArrayTensors.tensor(x),
          NDArrayTensors.tensor(parameters.getValue(matrices, x.getDevice(), false)),
          given.reshape(heads, width + 1L),
          NDArrayTensors.tensor(f),
          options);
      return new NDList(f.reshape(batch, 1));
    }
    final NDArray phi =
        features(parameters, x, mask, training).reshape(batch, heads * (width + 1L));
    final NDArray flat = v.reshape(outputs, heads * (width + 1L));
    // Else this and all that follows would live as long as the parameter.
    flat.attach(x.getManager());
    return new NDList(phi.matMul(flat.transpose()));
  }

  /**
   * Sets the readout by ridge regression, {@code v = (F^T F + lambda s^2 I)^-1 F^T y} for features
   * F and their mean squared norm {@code s^2} over the sequences, in float64.
   *
   * <p>There is no constant term: subtract the mean of the targets before.
   *
   * @param x {@code [n, N+1, d]}, at least one sequence
   * @param y targets {@code [n, K]}
   * @param lambda greater than 0
   */
  public void fit(NDArray x, NDArray y, double lambda) {
    try (NDManager scope = x.getManager().newSubManager()) {
      set(new Ridge(x, y, scope).solve(lambda));
    }
  }

  /**
   * Sets the readout as the other, with the lambda that has the smallest squared error on other
   * sequences; the first of equals.
   *
   * @param lambdas at least one, each greater than 0
   * @param validationX {@code [m, N+1, d]}, at least one sequence
   * @param validationY {@code [m, K]}
   * @return the chosen lambda
   */
  public double fit(
      NDArray x, NDArray y, double[] lambdas, NDArray validationX, NDArray validationY) {
    if (lambdas.length == 0) {
      throw new IllegalArgumentException("lambdas are none; expected at least one");
    }
    try (NDManager scope = x.getManager().newSubManager()) {
      final Ridge ridge = new Ridge(x, y, scope);
      final NDArray features = known("validationX", validationX, scope);
      final NDArray targets = targets("validationY", validationY, validationX, scope);
      double best = Double.NaN;
      double least = Double.POSITIVE_INFINITY;
      NDArray chosen = ridge.solve(lambdas[0]);
      for (final double lambda : lambdas) {
        final NDArray v = ridge.solve(lambda);
        final double error = features.matMul(v).sub(targets).square().sum().getDouble();
        if (error < least) {
          least = error;
          best = lambda;
          chosen = v;
        }
      }
      if (Double.isNaN(best)) {
        throw new IllegalArgumentException(
            "validationY has an error that is no number for every lambda; expected finite numbers");
      }
      set(chosen);
      return best;
    }
  }

  /** The normal equations, in the smaller of their two forms. */
  private final class Ridge {

    private final NDArray features;
    private final NDArray targets;
    private final NDArray gram;
    private final boolean primal;
    private final double scale;

    Ridge(NDArray x, NDArray y, NDManager scope) {
      features = known("x", x, scope);
      targets = targets("y", y, x, scope);
      primal = features.getShape().get(1) <= features.getShape().get(0);
      gram = primal ? features.transpose().matMul(features) : features.matMul(features.transpose());
      scale = features.square().sum().getDouble() / features.getShape().get(0);
    }

    /** {@code [P, K]}. */
    NDArray solve(double lambda) {
      if (!(lambda > 0) || Double.isInfinite(lambda)) {
        throw new IllegalArgumentException(
            "lambda is " + lambda + "; expected a finite number greater than 0");
      }
      final int size = Math.toIntExact(gram.getShape().get(0));
      // Features that are all 0 have every readout for a solution; take 0.
      final double ridge = scale > 0 ? lambda * scale : 1;
      final NDArray matrix = gram.add(Scalars.mul(Like.eye(size, gram), ridge));
      final NDArray right = primal ? features.transpose().matMul(targets) : targets;
      final NDArray inverse = matrix.inverse();
      final NDArray first = inverse.matMul(right);
      // What rounding has left, once more.
      final NDArray solution = first.add(inverse.matMul(right.sub(matrix.matMul(first))));
      return primal ? solution : features.transpose().matMul(solution);
    }
  }

  /** Features in float64, {@code [n, P]}. */
  private NDArray known(String name, NDArray x, NDManager scope) {
    check(x);
    if (x.getShape().get(0) == 0) {
      throw new IllegalArgumentException(
          name + " is " + x.getShape() + "; expected at least one sequence");
    }
    final NDArray own = x.stopGradient();
    own.attach(scope);
    return features(new ParameterStore(scope, false), own, false)
        .toType(DataType.FLOAT64, false)
        .reshape(x.getShape().get(0), heads * (width + 1L));
  }

  private NDArray targets(String name, NDArray y, NDArray x, NDManager scope) {
    if (!y.getShape().equals(new Shape(x.getShape().get(0), outputs))) {
      throw new IllegalArgumentException(
          name
              + " is "
              + y.getShape()
              + "; expected ["
              + x.getShape().get(0)
              + ", "
              + outputs
              + "]");
    }
    final NDArray own = y.stopGradient();
    own.attach(scope);
    return own.toType(DataType.FLOAT64, false);
  }

  private void set(NDArray readout) {
    final NDArray array = values.getArray();
    final boolean trained = array.hasGradient();
    array.setRequiresGradient(false);
    readout
        .transpose()
        .reshape(outputs, heads, width + 1L)
        .toType(array.getDataType(), false)
        .copyTo(array);
    array.setRequiresGradient(trained);
  }

  private void check(NDArray x) {
    final Shape shape = x.getShape();
    if (shape.dimension() != 3 || shape.get(1) == 0 || shape.get(2) != width) {
      throw new IllegalArgumentException(
          "x is " + shape + "; expected [B, N+1, " + width + "] with a query at least");
    }
  }

  private static void check(NDArray mask, NDArray x) {
    final Shape expected = x.getShape().slice(0, 2);
    if (mask.getDataType() != DataType.BOOLEAN || !mask.getShape().equals(expected)) {
      throw new IllegalArgumentException(
          "mask is "
              + mask.getDataType()
              + " "
              + mask.getShape()
              + "; expected boolean "
              + expected
              + ", true where there is a key");
    }
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), outputs)};
  }
}
