package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.initializer.Constant;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.initializer.Normal;
import io.steelyard.layers.tensor.Scalars;
import io.steelyard.papers.run.Experiment;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** One attention with a learned query, from {@link NoisyTokens} to their vector. */
public final class TokenDenoiser extends AbstractBlock {

  /** What it has besides the attention, of about as many parameters. */
  public enum Extra {
    NOTHING,
    /** A network that adds to the output. */
    RESIDUAL,
    /** A network whose output sharpens or flattens values, between 0 and 2. */
    VALUE_TEMPERATURES
  }

  private static final byte VERSION = 1;
  private static final int LATENT = NoisyTokens.LATENT;
  private static final int HIDDEN = 16;

  private final Parameter query;
  private final Linear k;
  private final Linear v;
  private final Linear o;
  private final Optional<Mlp> temperature;
  private final Optional<Mlp> residual;

  /**
   * An uninitialized one.
   *
   * @param experiment what its initial weights are drawn from, the same whatever the extra
   */
  public TokenDenoiser(Extra extra, Experiment experiment) {
    super(VERSION);
    final InitialWeights weights = InitialWeights.fanIn(experiment.random("denoiser"));
    final RandomGenerator more = experiment.random("denoiser's extra");
    this.query =
        addParameter(
            Parameter.builder()
                .setName("q")
                .setType(Parameter.Type.OTHER)
                .optShape(new Shape(LATENT, 1))
                .optInitializer(new Normal(experiment.random("denoiser's query"), 1))
                .build());
    this.k = addChildBlock("k", weights.linear(LATENT, LATENT, false));
    this.v = addChildBlock("v", weights.linear(LATENT, LATENT, false));
    this.o = addChildBlock("o", weights.linear(LATENT, LATENT, false));
    this.temperature =
        extra == Extra.VALUE_TEMPERATURES
            ? Optional.of(addChildBlock("temperature", new Mlp(1, true, more)))
            : Optional.empty();
    this.residual =
        extra == Extra.RESIDUAL
            ? Optional.of(addChildBlock("residual", new Mlp(LATENT, false, more)))
            : Optional.empty();
  }

  /** What the values of tokens are multiplied by, {@code [B, 16, 1]}. */
  public NDArray factors(ParameterStore parameters, NDArray tokens) {
    return temperature
        .orElseThrow()
        .forward(parameters, new NDList(tokens), false)
        .singletonOrThrow()
        .tanh()
        .add(1);
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray x = inputs.head();
    final NDArray q = parameters.getValue(query, x.getDevice(), training);
    final NDArray keys = k.forward(parameters, inputs, training).singletonOrThrow();
    final NDArray values = v.forward(parameters, inputs, training).singletonOrThrow();
    final NDArray scores = Scalars.div(keys.matMul(q), Math.sqrt(LATENT));
    final NDArray scaled =
        temperature
            .map(f -> f.forward(parameters, inputs, training).singletonOrThrow().tanh().add(1))
            .map(values::mul)
            .orElse(values);
    final NDArray sum = scores.softmax(1).mul(scaled).sum(new int[] {1});
    final NDArray said = o.forward(parameters, new NDList(sum), training).singletonOrThrow();
    return new NDList(
        residual
            .map(
                mlp ->
                    said.add(
                        mlp.forward(parameters, new NDList(said), training).singletonOrThrow()))
            .orElse(said));
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final Shape said = new Shape(inputShapes[0].get(0), LATENT);
    k.initialize(manager, dataType, inputShapes[0]);
    v.initialize(manager, dataType, inputShapes[0]);
    o.initialize(manager, dataType, said);
    temperature.ifPresent(mlp -> mlp.initialize(manager, dataType, inputShapes[0]));
    residual.ifPresent(mlp -> mlp.initialize(manager, dataType, said));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), LATENT)};
  }

  /** {@code W2 GELU(W1 x + b1) + b2} with 16 hidden units. */
  private static final class Mlp extends AbstractBlock {

    private static final byte VERSION = 1;

    private final int outputs;
    private final Linear first;
    private final Linear second;

    /**
     * An uninitialized one.
     *
     * @param silent whether it gives 0 at first
     */
    Mlp(int outputs, boolean silent, RandomGenerator random) {
      super(VERSION);
      this.outputs = outputs;
      final InitialWeights weights = InitialWeights.fanIn(random);
      this.first = addChildBlock("first", weights.linear(LATENT, HIDDEN, true));
      final Linear last = weights.linear(HIDDEN, outputs, true);
      if (silent) {
        last.setInitializer(new Constant(0), Parameter.Type.WEIGHT);
        last.setInitializer(new Constant(0), Parameter.Type.BIAS);
      }
      this.second = addChildBlock("second", last);
    }

    @Override
    protected NDList forwardInternal(
        ParameterStore parameters,
        NDList inputs,
        boolean training,
        PairList<String, Object> options) {
      final NDArray inner = first.forward(parameters, inputs, training).singletonOrThrow();
      return second.forward(parameters, new NDList(Activation.gelu(inner)), training);
    }

    @Override
    protected void initializeChildBlocks(
        NDManager manager, DataType dataType, Shape... inputShapes) {
      first.initialize(manager, dataType, inputShapes[0]);
      second.initialize(manager, dataType, first.getOutputShapes(inputShapes));
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
      return new Shape[] {inputShapes[0].slice(0, inputShapes[0].dimension() - 1).add(outputs)};
    }
  }
}
